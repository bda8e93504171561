// @ts-check
/** The dialog that tells the keys. */

import { openDialog } from './dialog.js';
import { clone } from '../ui/dom.js';

export function openKeyHelp() {
  openDialog(clone('key-help'));
}
