// @ts-check
/** The dialog that lists the keyboard shortcuts. */

import { openDialog } from './dialog.js';
import { clone } from '../ui/dom.js';

export function openKeyHelp() {
  openDialog(clone('key-help'));
}
