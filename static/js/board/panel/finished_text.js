// @ts-check
/** What a page adds to a formatted text: each block's direction, and marks on the mentions that mean a member of the project. */

import { fold } from '../language/fold.js';
import { displayName } from '../people/people.js';

/** @typedef {import("../reducer.js").User} User */

/** What runs in a direction of its own. */
const BLOCKS = 'p, ul, ol, blockquote, h1, h2, h3, h4, h5, h6, td, th';
/** Where nothing is a mention to the eye: quoted code, and links. */
const APART = 'code, a, .mention';

/** @param {HTMLElement} element @param {readonly User[]} users @param {number} userId the user of this page */
export function finishText(element, users, userId) {
  for (const block of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll(BLOCKS))) block.dir = 'auto';
  if (!element.textContent?.includes('@')) return;
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const texts = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement?.closest(APART)) texts.push(/** @type {Text} */ (node));
  }
  for (const text of texts) markIn(text, users, userId);
}

/** @param {Text} text @param {readonly User[]} users @param {number} userId */
function markIn(text, users, userId) {
  let rest = text;
  for (const { start, end, user } of mentionsIn(text.data, users).reverse()) {
    const mark = document.createElement('span');
    mark.className = 'mention';
    mark.dataset.mentioned = String(user.id);
    if (user.id === userId) mark.dataset.own = '';
    mark.title = displayName(user);
    const said = rest.splitText(start);
    said.splitText(end - start);
    said.replaceWith(mark);
    mark.append(said);
  }
}

/**
 * @param {string} text
 * @param {readonly User[]} users
 * @returns {{start: number, end: number, user: User}[]} from left to right: the longest name after each `@` that begins a mention
 */
export function mentionsIn(text, users) {
  const names = users.map((user) => ({ user, name: fold(user.username) })).sort((a, b) => b.name.length - a.name.length);
  /** @type {{start: number, end: number, user: User}[]} */
  const found = [];
  for (const { index, 0: at } of text.matchAll(/(?<![\p{L}\p{N}]\p{M}*)@/gu)) {
    const start = index + at.length;
    const one = names.map((name) => ({ ...name, end: endOf(text, start, name.name) })).find(({ end }) => end > start);
    if (one) found.push({ start: index, end: one.end, user: one.user });
  }
  return found.filter(({ start }, place) => place === 0 || start >= found[place - 1].end);
}

/** @param {string} text @param {number} start @param {string} name folded @returns {number} where the text has said the name; 0: it says something else */
function endOf(text, start, name) {
  let said = '';
  let end = start;
  for (const letter of text.slice(start, start + 2 * name.length + 8)) {
    const next = said + fold(letter);
    if (said === name && next !== said) break; // what follows are its own marks, or another word
    said = next;
    if (!name.startsWith(said)) break;
    end += letter.length;
  }
  return said.startsWith(name) && name ? end : 0;
}
