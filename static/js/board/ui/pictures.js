// @ts-check
/** Files cannot be part of a text so far: a message says so when one is pasted or dropped into a field. */

import { t } from '../language/language.js';
import { takesText } from './dom.js';

/** @param {(text: string) => void} say */
export function refusePictures(say) {
  const look = (/** @type {Event} */ event, /** @type {DataTransfer | null} */ data) => {
    if (!takesText(event.target) || !data?.files.length || data.types.includes('text/plain')) return;
    event.preventDefault(); // the browser would leave the page for a file that is dropped
    say(t('Pictures and files can’t be added yet. Paste a link to them instead.'));
  };
  addEventListener('paste', (event) => look(event, event.clipboardData));
  addEventListener('drop', (event) => look(event, event.dataTransfer));
}
