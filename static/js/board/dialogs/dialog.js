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
  closeOnBackdrop(dialog);
  // What a link opens must not lie below.
  dialog.addEventListener('click', ({ target }) => target instanceof Element && target.closest('a[href^="#task-"]') && dialog.close());
  dialog.addEventListener('close', () => {
    dialog.remove();
    closed();
    if (opener instanceof HTMLElement) opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return () => dialog.close();
}

/**
 * A press counts as one on the backdrop if it began there and ended there: text is selected past the edge of a dialog.
 *
 * @param {HTMLDialogElement} dialog
 */
export function closeOnBackdrop(dialog) {
  let began = false;
  const isBeside = (/** @type {MouseEvent} */ { target, clientX: x, clientY: y }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    return target === dialog && (x < left || x > right || y < top || y > bottom);
  };
  dialog.addEventListener('pointerdown', (event) => (began = isBeside(event)));
  dialog.addEventListener('click', (event) => began && isBeside(event) && dialog.close());
}
