// @ts-check
/** The choice between two values that two people gave one field. */

import { clone, find, part, setText } from '../ui/dom.js';
import { t } from '../language/language.js';
import { FIELD_NAMES } from '../language/words.js';

/**
 * @param {HTMLElement} holder of the field
 * @param {string} field
 * @param {{mine: string, theirs: string, mayKeep: boolean} | null} values in words, and whether ours may be kept; null: there is no conflict
 * @param {(choice: "mine" | "theirs") => void} choose
 * @param {string} [title]
 */
export function paintConflict(holder, field, values, choose, title = t('You and someone else changed the {field} at the same time.', { field: FIELD_NAMES[field] })) {
  const shown = /** @type {HTMLElement | null} */ (holder.querySelector('[data-conflict]'));
  if (!values) return shown?.remove();
  const element = shown ?? create(holder, field, title, choose);
  setText(part(element, 'mine'), values.mine);
  setText(part(element, 'theirs'), values.theirs);
  /** @type {HTMLButtonElement} */ (find(element, '[data-choose="mine"]')).disabled = !values.mayKeep;
}

/**
 * @param {HTMLElement} holder
 * @param {string} field
 * @param {string} title
 * @param {(choice: "mine" | "theirs") => void} choose
 * @returns {HTMLElement}
 */
function create(holder, field, title, choose) {
  const element = clone('conflict');
  element.dataset.conflict = field;
  setText(part(element, 'title'), title);
  element.setAttribute('aria-label', title);
  for (const choice of /** @type {const} */ (['mine', 'theirs'])) {
    find(element, `[data-choose="${choice}"]`).addEventListener('click', () => choose(choice));
  }
  holder.append(element);
  return element;
}
