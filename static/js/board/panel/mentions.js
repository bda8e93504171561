// @ts-check
/** The people that can be mentioned, offered at the caret while the user writes an `@`. */

import { fold } from '../language/fold.js';
import { t } from '../language/language.js';
import { setAttribute } from '../ui/dom.js';
import { onKey } from '../ui/keys.js';
import { createAvatar, displayName } from '../people/people.js';

/**
 * @typedef {import("../reducer.js").User} User
 * @typedef {{start: number, query: string}} Begun an `@` and what follows it: `start` is the place of the `@`
 * @typedef {{users: User[], present: {has: (userId: number) => boolean}}} People that can be mentioned, and those that are here
 */

const MOST = 8; // names at a time: what fits above a phone's keyboard, and is read at a glance
const LONGEST = 150; // characters of a username
const LIST_ID = 'mention-list';

/**
 * The mention that the user is writing. As the server reads it, an `@` after a letter or digit begins none.
 *
 * @param {string} text
 * @param {number} caret
 * @returns {Begun | null}
 */
export function mentionAt(text, caret) {
  if (/^[\p{L}\p{N}]/u.test(text.slice(caret, caret + 2))) return null; // in the middle of a word
  for (let at = caret - 1; at >= 0 && caret - at <= LONGEST + 1; at -= 1) {
    if (/\s/.test(text[at])) return null;
    const follows = /[\p{L}\p{N}]$/u.test(text.slice(Math.max(0, at - 2), at));
    if (text[at] === '@' && !follows) return { start: at, query: text.slice(at + 1, caret) };
  }
  return null;
}

/**
 * Those whose username, or a word of whose name, begins like that: those that are here first, then by name.
 *
 * @param {People} people
 * @param {string} query
 * @returns {User[]} at most eight
 */
export function candidates({ users, present }, query) {
  const wanted = fold(query);
  const fits = (/** @type {User} */ user) =>
    [user.username, displayName(user), ...displayName(user).split(/\s+/)].some((name) => fold(name).startsWith(wanted));
  const away = (/** @type {User} */ user) => Number(!present.has(user.id));
  return users
    .filter(fits)
    .sort((a, b) => away(a) - away(b) || displayName(a).localeCompare(displayName(b)) || a.id - b.id)
    .slice(0, MOST);
}

/** The list of names, for all fields of a panel: one at a time is written in. */
export class MentionList {
  /** @param {() => People} people as they are now */
  constructor(people) {
    this.people = people;
    /** @type {WeakSet<HTMLTextAreaElement>} */
    this.known = new WeakSet();
    /** @type {HTMLTextAreaElement | null} where the list is open */
    this.field = null;
    /** @type {Begun | null} */
    this.begun = null;
    /** @type {User[]} */
    this.shown = [];
    /** @type {number | null} the user that would be taken */
    this.active = null;
    /** @type {number | null} the `@` at which the list was closed: it stays closed there */
    this.dismissed = null;
    this.list = document.createElement('ul');
    this.list.id = LIST_ID;
    this.list.className = 'mentions';
    this.list.setAttribute('role', 'listbox');
    this.list.setAttribute('aria-label', t('People to mention'));
    this.list.addEventListener('mousedown', (event) => event.preventDefault()); // the field keeps the focus
    this.list.addEventListener('click', (event) => this.#clicked(event.target));
    this.place = () => this.#place();
  }

  /** @param {HTMLTextAreaElement} field offers names from now on, and at once where an `@` stands before the caret */
  attach(field) {
    if (this.known.has(field)) return;
    this.known.add(field);
    field.addEventListener('input', () => this.#look(field));
    for (const move of ['click', 'keyup']) field.addEventListener(move, () => this.field === field && this.#look(field));
    onKey(field, (event) => this.#pressed(event));
    field.addEventListener('blur', () => this.close());
    if (field === document.activeElement) this.#look(field);
  }

  /** The project's people, or their presence, may have changed. */
  refresh() {
    if (!this.field) return;
    if (this.field.isConnected) this.#look(this.field);
    else this.close();
  }

  close() {
    if (!this.field) return;
    for (const name of ['role', 'aria-expanded', 'aria-haspopup', 'aria-autocomplete', 'aria-controls', 'aria-activedescendant'])
      this.field.removeAttribute(name);
    this.field = this.begun = this.active = null;
    this.shown = [];
    this.list.remove();
    removeEventListener('scroll', this.place, true);
    removeEventListener('resize', this.place);
  }

  /** @param {HTMLTextAreaElement} field */
  #look(field) {
    const begun = field.selectionStart === field.selectionEnd ? mentionAt(field.value, field.selectionStart) : null;
    if (begun?.start !== this.dismissed) this.dismissed = null;
    const found = begun && this.dismissed === null ? candidates(this.people(), begun.query) : [];
    if (!begun || !found.length) return this.close();
    if (this.field !== field) this.#open(field);
    const isOther = begun.start !== this.begun?.start || begun.query !== this.begun?.query;
    this.begun = begun;
    this.#paint(found);
    // Users that come or go meanwhile take no choice away that one has made.
    if (isOther || !found.some(({ id }) => id === this.active)) this.#choose(found[0].id);
    else this.#choose(this.active);
    this.#place();
  }

  /** @param {HTMLTextAreaElement} field */
  #open(field) {
    this.close();
    this.field = field;
    // A text of many lines is a combobox only for as long as there is a list.
    const state = { role: 'combobox', 'aria-expanded': 'true', 'aria-haspopup': 'listbox', 'aria-autocomplete': 'list', 'aria-controls': LIST_ID };
    for (const [name, value] of Object.entries(state)) field.setAttribute(name, value);
    document.body.append(this.list);
    addEventListener('scroll', this.place, true);
    addEventListener('resize', this.place);
  }

  /** @param {User[]} users */
  #paint(users) {
    const same = users.length === this.shown.length && users.every((user, index) => user === this.shown[index]);
    if (!same) this.list.replaceChildren(...users.map(createOption));
    this.shown = users;
  }

  /** @param {number | null} userId */
  #choose(userId) {
    this.active = userId;
    for (const option of this.list.children) {
      const isActive = option.id === optionId(userId);
      setAttribute(option, 'aria-selected', String(isActive));
      if (isActive) option.scrollIntoView({ block: 'nearest' });
    }
    if (this.field) setAttribute(this.field, 'aria-activedescendant', optionId(userId));
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    if (!this.field || ctrlKey || metaKey || altKey || shiftKey) return;
    if (key === 'ArrowDown' || key === 'ArrowUp') this.#step(key === 'ArrowDown' ? 1 : -1);
    else if (key === 'Enter' || key === 'Tab') this.#take();
    else if (key === 'Escape') this.#dismiss();
    else return;
    event.preventDefault();
    event.stopPropagation(); // Escape closes the list, and not the panel as well
  }

  /** @param {1 | -1} by */
  #step(by) {
    const index = this.shown.findIndex(({ id }) => id === this.active);
    this.#choose(this.shown[(index + by + this.shown.length) % this.shown.length].id);
  }

  #dismiss() {
    this.dismissed = this.begun?.start ?? null;
    this.close();
  }

  /** @param {EventTarget | null} target */
  #clicked(target) {
    const option = target instanceof Element ? target.closest('[role=option]') : null;
    const user = this.shown.find(({ id }) => optionId(id) === option?.id);
    if (!user) return;
    this.active = user.id;
    this.#take();
  }

  #take() {
    const { field, begun } = this;
    const user = this.shown.find(({ id }) => id === this.active);
    if (!field || !begun || !user) return;
    const end = begun.start + 1 + begun.query.length;
    this.close();
    field.focus();
    field.setSelectionRange(begun.start, end);
    const text = `@${user.username} `;
    // The only way that leaves Ctrl Z what was there before; it dispatches `input` by itself.
    if (document.execCommand('insertText', false, text)) return;
    field.setRangeText(text, begun.start, end, 'end');
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  /** Under the line that is written, or over it where there is no room: a phone's keyboard takes half of the screen. */
  #place() {
    if (!this.field || !this.begun) return;
    const { left, top, bottom } = lineAt(this.field, this.begun.start);
    const height = visualViewport?.height ?? innerHeight;
    const isBelow = bottom + this.list.offsetHeight + 4 <= height || top < this.list.offsetHeight;
    this.list.style.left = `${Math.max(8, Math.min(left, innerWidth - this.list.offsetWidth - 8))}px`;
    this.list.style.top = `${isBelow ? bottom + 4 : top - this.list.offsetHeight - 4}px`;
  }
}

/** @param {User} user @returns {HTMLElement} */
function createOption(user) {
  const option = document.createElement('li');
  option.id = optionId(user.id);
  option.className = 'mentions__option';
  option.dataset.mention = user.username;
  option.setAttribute('role', 'option');
  const name = document.createElement('span');
  name.className = 'mentions__name';
  name.dir = 'auto';
  name.textContent = displayName(user);
  const username = document.createElement('span');
  username.className = 'mentions__username';
  username.textContent = `@${user.username}`;
  option.append(createAvatar(user), name, ' ', username);
  return option;
}

/** @param {number | null} userId @returns {string} */
function optionId(userId) {
  return `mention-${encodeURIComponent(String(userId))}`;
}

/**
 * Where a character of a text field stands on the screen: measured on a copy of the field, since browsers do not say it.
 *
 * @param {HTMLTextAreaElement} field
 * @param {number} index
 * @returns {{left: number, top: number, bottom: number}} px
 */
function lineAt(field, index) {
  const copy = document.createElement('div');
  const style = getComputedStyle(field);
  for (const name of ['font', 'letter-spacing', 'line-height', 'padding', 'border', 'box-sizing', 'overflow-wrap', 'tab-size'])
    copy.style.setProperty(name, style.getPropertyValue(name));
  Object.assign(copy.style, { position: 'fixed', visibility: 'hidden', top: '0', left: '0', width: `${field.offsetWidth}px`, whiteSpace: 'pre-wrap' });
  const mark = document.createElement('span');
  mark.textContent = '@';
  copy.append(field.value.slice(0, index), mark);
  document.body.append(copy);
  const box = field.getBoundingClientRect();
  const { left, top, height } = mark.getBoundingClientRect();
  copy.remove();
  const y = box.top + top - field.scrollTop;
  return { left: box.left + left, top: y, bottom: y + height };
}
