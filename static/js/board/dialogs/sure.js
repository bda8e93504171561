// @ts-check
/** Asks before something that is not easily taken back: the same button, pressed once more, does it. */

const SURE = 4000; // ms in which the second press must come

/** @param {HTMLElement} button @param {string} question @param {() => void} act */
export function askTwice(button, question, act) {
  if (button.dataset.sure) return act();
  const label = button.textContent ?? '';
  button.dataset.sure = 'true';
  button.textContent = question;
  setTimeout(() => {
    delete button.dataset.sure;
    button.textContent = label;
  }, SURE);
}
