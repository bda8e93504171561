// @ts-check
/** Asks before something that is not easily taken back: the same button, pressed once more, does it. */

export const CONFIRM_MS = 4000; // in which the second press must come

/** @param {HTMLElement} button @param {string} question that the button shows meanwhile @param {() => void} act */
export function confirmTwice(button, question, act) {
  if (button.dataset.confirming) return act();
  const label = button.textContent ?? '';
  button.dataset.confirming = 'true';
  button.textContent = question;
  setTimeout(() => {
    delete button.dataset.confirming;
    button.textContent = label;
  }, CONFIRM_MS);
}
