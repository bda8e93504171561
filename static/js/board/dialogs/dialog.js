// @ts-check
/** A dialog that is there as long as it is open: closed by its button, Escape or a press beside it, it gives the focus back. */

import { part } from '../ui/dom.js';

/**
 * @param {HTMLElement} element a `dialog` with a part `close`
 * @param {() => void} [closed] called once it is gone
 * @returns {() => void} closes it
 */
export function openDialog(element, closed = () => {}) {
  const dialog = /** @type {HTMLDialogElement} */ (element);
  const opener = document.activeElement;
  part(dialog, 'close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close()); // the backdrop
  dialog.addEventListener('close', () => {
    dialog.remove();
    closed();
    if (opener instanceof HTMLElement) opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return () => dialog.close();
}
