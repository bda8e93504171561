// @ts-check
/** The choice between two values that two people gave one field. */

import { differences } from './difference.js';
import { clone, find, part, setAttribute, setText } from '../ui/dom.js';
import { t } from '../language/language.js';

/**
 * @typedef {"mine" | "theirs" | "merge"} Choice
 * @typedef {object} Values both in words
 * @property {string} mine
 * @property {string} theirs
 * @property {boolean} mayKeep whether ours may be saved
 * @property {string} title the other user that changed the field
 * @property {string} [owner] what theirs is called
 * @property {boolean} [isText] what differs is marked
 * @property {boolean} [mayMerge] a text of both can be written in the field
 * @property {boolean} [isMerging] that is being done
 */

/**
 * @param {HTMLElement} holder of the field
 * @param {string} field
 * @param {Values | null} values null: there is no conflict
 * @param {(choice: Choice) => void} choose
 */
export function paintConflict(holder, field, values, choose) {
  const shown = /** @type {HTMLElement | null} */ (holder.querySelector('[data-conflict]'));
  if (!values) return shown?.remove();
  const { mine, theirs, mayKeep, title, owner, isText = false, mayMerge = false, isMerging = false } = values;
  const element = shown ?? create(holder, field, choose);
  setText(part(element, 'title'), title);
  setAttribute(element, 'aria-label', title);
  setText(part(element, 'mine-label'), isMerging ? t('Merged text') : t('Your version'));
  if (owner) setText(part(element, 'theirs-label'), owner);
  paintTexts(element, mine, theirs, isText);
  const keep = /** @type {HTMLButtonElement} */ (find(element, '[data-choose="mine"]'));
  keep.disabled = !mayKeep;
  setText(keep, isMerging ? t('Save merged text') : t('Keep mine'));
  find(element, '[data-choose="merge"]').hidden = !mayMerge || !mayKeep || isMerging;
}

/** Touches nothing that is there: the user may be selecting it. @param {HTMLElement} element @param {string} mine @param {string} theirs @param {boolean} isText */
function paintTexts(element, mine, theirs, isText) {
  const [own, other] = [part(element, 'mine'), part(element, 'theirs')];
  if (own.textContent === mine && other.textContent === theirs) return;
  const { one, other: two } = isText ? differences(mine, theirs) : { one: [{ text: mine, isOwn: false }], other: [{ text: theirs, isOwn: false }] };
  own.replaceChildren(...one.map(toNode));
  other.replaceChildren(...two.map(toNode));
}

/** @param {import("./difference.js").Piece} piece @returns {Node} */
function toNode({ text, isOwn }) {
  if (!isOwn) return document.createTextNode(text);
  const mark = document.createElement('mark');
  mark.textContent = text;
  return mark;
}

/**
 * @param {HTMLElement} holder
 * @param {string} field
 * @param {(choice: Choice) => void} choose
 * @returns {HTMLElement}
 */
function create(holder, field, choose) {
  const element = clone('conflict');
  element.dataset.conflict = field;
  for (const choice of /** @type {Choice[]} */ (['mine', 'theirs', 'merge'])) {
    find(element, `[data-choose="${choice}"]`).addEventListener('click', () => choose(choice));
  }
  holder.append(element);
  return element;
}
