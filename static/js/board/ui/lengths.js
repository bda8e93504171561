// @ts-check
/** Texts that are too long: nothing of them is cut. The field says by how much, and its form is not sent. */

import { t, tn } from '../language/language.js';
import { setAttribute, setText } from './dom.js';

/** @typedef {HTMLInputElement | HTMLTextAreaElement} TextField with `data-maxlength`: characters as the server counts them */

const CLOSE = 0.9; // of what fits, from which on the field counts

/** Looks after the fields of this page. */
export function watchLengths() {
  addEventListener('input', ({ target }) => void (isLimited(target) && fits(target)), true);
  addEventListener('submit', (event) => {
    const fields = [.../** @type {HTMLFormElement} */ (event.target).elements].filter(isLimited);
    const long = fields.filter((field) => !fits(field));
    if (!long.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    long[0].focus();
  }, true);
}

/** @param {TextField} field @returns {boolean} whether what it says can be sent; if not, the field says so */
export function fits(field) {
  const most = Number(field.dataset.maxlength);
  const count = field.value.length > most * CLOSE ? [...field.value].length : 0;
  const counter = counterOf(field);
  if (counter || count > most * CLOSE) paint(counter ?? createCounter(field), count, most);
  setAttribute(field, 'aria-invalid', count > most ? 'true' : null);
  return count <= most;
}

/** @param {HTMLElement} counter @param {number} count @param {number} most */
function paint(counter, count, most) {
  const over = count - most;
  counter.hidden = count <= most * CLOSE;
  const isNews = over > 0 && !counter.hasAttribute('data-over');
  counter.toggleAttribute('data-over', over > 0);
  const words = over > 0 ? tn(over, 'Too long: remove {count} character.', 'Too long: remove {count} characters.') : t('{count} of {most} characters', { count, most });
  setText(counter, words);
  if (isNews) counter.scrollIntoView({ block: 'nearest' });
}

/** @param {TextField} field @returns {HTMLElement | null} */
function counterOf(field) {
  const next = anchorOf(field).nextElementSibling;
  return next instanceof HTMLElement && next.matches('[data-counter]') ? next : null;
}

/** @param {TextField} field @returns {HTMLElement} */
function createCounter(field) {
  const counter = document.createElement('p');
  counter.className = 'counter';
  counter.dataset.counter = '';
  counter.setAttribute('aria-live', 'polite');
  anchorOf(field).after(counter);
  return counter;
}

/** @param {TextField} field @returns {Element} after which its counter stands */
function anchorOf(field) {
  return field.closest('[data-part="description-stack"]') ?? field;
}

/** @param {EventTarget | Element | null} target @returns {target is TextField} */
function isLimited(target) {
  return target instanceof Element && target.hasAttribute('data-maxlength');
}
