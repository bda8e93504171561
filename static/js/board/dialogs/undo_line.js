// @ts-check
/** The line of a dialog that offers back what was just done in it: toasts lie below a dialog, out of reach. */

import { part, setText } from '../ui/dom.js';

/**
 * @param {HTMLElement} dialog with a part `undo`
 * @param {string} text what was done
 * @param {(button: HTMLElement) => Promise<boolean>} takeBack returns whether it worked
 */
export function offerUndo(dialog, text, takeBack) {
  const [line, button] = [part(dialog, 'undo'), part(dialog, 'undo-button')];
  setText(part(dialog, 'undo-text'), text);
  line.hidden = false;
  button.onclick = async () => {
    if (await takeBack(button)) hideUndo(dialog);
  };
}

/** @param {HTMLElement} dialog */
export function hideUndo(dialog) {
  part(dialog, 'undo').hidden = true;
  setText(part(dialog, 'undo-text'), '');
}
