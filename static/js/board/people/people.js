// @ts-check
/** How people are shown: by name, and by an avatar of initials whose colour belongs to their id. */

import { setText } from '../ui/dom.js';

/** @typedef {import("../../client/wire.d.ts").Actor & {name?: string}} Person as far as one is known */

/** @param {Person} user @returns {string} */
export function displayName(user) {
  return user.name || user.username;
}

/** @param {Person} user @returns {string} one or two letters */
export function initials(user) {
  const words = displayName(user)
    .split(/[\s._-]+/)
    .filter(Boolean);
  const letters =
    words.length > 1 ? [first(words[0]), first(words[words.length - 1])] : [...(words[0] ?? '?')].slice(0, 2);
  return letters.join('').toUpperCase();
}

/** @param {string} word @returns {string} its first letter, whole even outside the basic plane */
function first(word) {
  return [...word][0];
}

/** @param {number | string} id @returns {string} one of ten colours */
function hue(id) {
  const number = typeof id === 'number' ? id : [...id].reduce((sum, character) => sum + (character.codePointAt(0) ?? 0), 0);
  return String(number % 10);
}

/**
 * @param {Person} user
 * @param {{large?: boolean}} [options]
 * @returns {HTMLElement} hidden from screen readers: the name stands beside it or in its label
 */
export function createAvatar(user, { large = false } = {}) {
  const element = document.createElement('span');
  element.className = large ? 'avatar avatar--large' : 'avatar';
  element.setAttribute('aria-hidden', 'true');
  element.dataset.hue = hue(user.id);
  element.title = displayName(user);
  element.textContent = initials(user);
  return element;
}

/**
 * Puts one avatar, or none, into a holder, and touches nothing if it is already there.
 *
 * @param {HTMLElement} holder
 * @param {Person | null} user
 */
export function showAvatar(holder, user) {
  holder.hidden = !user;
  if (!user) return holder.replaceChildren();
  const shown = /** @type {HTMLElement | null} */ (holder.firstElementChild);
  if (shown?.dataset.hue === hue(user.id) && shown.title === displayName(user))
    return setText(shown, initials(user));
  holder.replaceChildren(createAvatar(user));
}
