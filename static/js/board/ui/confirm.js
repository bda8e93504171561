// @ts-check
/** Asks before something that is not easily taken back: the same button, pressed once more, does it. */

export const CONFIRM_MS = 8000; // in which the answer must come
export const READ_MS = 700; // in which the question cannot have been read: a press counts only after a rest as long

/**
 * @typedef {{question: string, label: Node[], name: string | null, since: number, end: ReturnType<typeof setTimeout> | undefined, ready: ReturnType<typeof setTimeout> | undefined}} Asked
 *   `label`, `name`: what the button has and is called otherwise; `since`: the last press
 */
/** @type {WeakMap<HTMLElement, Asked>} */
const asking = new WeakMap();

/**
 * The second press of a double click, or a key that is held down, answers nothing.
 *
 * @param {HTMLElement} button @param {string} question that the button shows meanwhile @param {() => void} act
 */
export function confirmTwice(button, question, act) {
  const asked = asking.get(button);
  if (!asked) return ask(button, question);
  const rested = performance.now() - asked.since >= READ_MS;
  if (!rested) return wait(button, asked);
  settle(button, asked);
  act();
}

/** @param {HTMLElement} button @param {string} question */
function ask(button, question) {
  const asked = { question, label: [...button.childNodes], name: button.getAttribute('aria-label'), since: 0, end: undefined, ready: undefined };
  asking.set(button, asked);
  button.dataset.confirming = 'true';
  button.removeAttribute('aria-label');
  button.replaceChildren(question);
  wait(button, asked);
}

/** @param {HTMLElement} button @param {Asked} asked */
function wait(button, asked) {
  clearTimeout(asked.end);
  clearTimeout(asked.ready);
  asked.since = performance.now();
  button.setAttribute('aria-disabled', 'true');
  asked.ready = setTimeout(() => button.removeAttribute('aria-disabled'), READ_MS);
  asked.end = setTimeout(() => settle(button, asked), CONFIRM_MS);
}

/** The button is as it was. @param {HTMLElement} button @param {Asked} asked */
function settle(button, asked) {
  clearTimeout(asked.end);
  clearTimeout(asked.ready);
  asking.delete(button);
  delete button.dataset.confirming;
  button.removeAttribute('aria-disabled');
  if (asked.name !== null) button.setAttribute('aria-label', asked.name);
  button.replaceChildren(...asked.label);
}
