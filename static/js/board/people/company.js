// @ts-check
/** The company on the board: the users that are here, that view a task, that type. Paints what the client knows of them. */

import { setAttribute, setText } from '../ui/dom.js';
import { listed, t, tn } from '../language/language.js';
import { createAvatar, displayName } from './people.js';
import { ago } from '../language/time.js';
import { IN_SENTENCES, STATE_NAMES } from '../language/words.js';

/**
 * @typedef {import("../reducer.js").User} User
 * @typedef {import("../reducer.js").Member} Member
 * @typedef {'title' | 'description'} Field of a task, in which one writes
 * @typedef {{taskId: number, line: HTMLElement, fields: {name: Field, line: HTMLElement}[]}} TypingPlaces that name the users that write a comment, and those that write in a field
 */

const SHOWN = 4; // avatars in the bar
const LOOKING = 3; // avatars on a card

export class Company {
  /**
   * @param {{
   *   client: import("../../client/client.js").TaskManagerWebSocket, projectId: number, userId: number, list: HTMLElement, changed: (others: number) => void,
   *   holdersOf: (taskId: number) => HTMLElement[], typingIn: () => TypingPlaces | null,
   * }} parts `changed` gets how many others are here, now that a user came or went; `holdersOf` the places that show the viewers of a task;
   *   `typingIn` the places in the open panel
   */
  constructor({ client, projectId, userId, list, changed, holdersOf, typingIn }) {
    this.client = client;
    this.projectId = projectId;
    this.userId = userId;
    this.list = list;
    this.changed = changed;
    this.holdersOf = holdersOf;
    this.typingIn = typingIn;
    /** @type {readonly Member[]} */
    this.members = [];
    /** @type {Map<number, HTMLElement>} in the bar, by user */
    this.shown = new Map();
    /** @type {Map<number, string>} when a user left, by user */
    this.leftAt = new Map();
    /** @type {Set<number>} tasks whose viewers are to be on the screen */
    this.watched = new Set();
    client.on('user_presence', ({ user_id: id, status, last_seen_at: at }) => {
      if (status === 'offline' && at) this.leftAt.set(id, at);
    });
    client.on('presence', () => this.#paintBar());
    client.on('task_viewers', ({ task_id: taskId }) => {
      this.watched.add(taskId);
      this.#paintViewers(taskId);
    });
    client.on('user_typing_status', () => this.#paintTyping());
  }

  /** @param {readonly Member[]} members */
  paint(members) {
    this.members = members;
    this.#paintBar();
    for (const taskId of this.watched) this.#paintViewers(taskId);
    this.#paintTyping();
  }

  /** @param {number} userId @param {Date} now @returns {string} how present a user is, in words; "" where it is not known */
  inWords(userId, now) {
    const status = this.client.presenceOf(this.projectId).get(userId);
    if (status) return STATE_NAMES[status] ?? '';
    const at = this.leftAt.get(userId);
    return at ? t('Last seen {ago}', { ago: ago(at, now) }) : '';
  }

  /** Users that write a comment there are named under the comments, and those that write in a field beside that. */
  #paintTyping() {
    const places = this.typingIn();
    if (!places) return;
    const { taskId, line, fields } = places;
    setText(line, typingSentence(this.client.typingOn(taskId).map(displayName)));
    for (const field of fields) setText(field.line, editingSentence(this.client.typingOn(taskId, field.name).map(displayName)));
  }

  #paintBar() {
    const present = this.client.presenceOf(this.projectId);
    const others = this.members.filter(({ user }) => user.id !== this.userId && present.has(user.id));
    const ids = new Set(others.map(({ user }) => user.id));
    for (const [id, element] of this.shown) {
      if (ids.has(id)) continue;
      element.remove();
      this.shown.delete(id);
    }
    others.forEach(({ user }, index) => {
      const element = this.shown.get(user.id) ?? createPerson(user);
      this.shown.set(user.id, element);
      const status = present.get(user.id) ?? 'online';
      const words = `${displayName(user)}, ${IN_SENTENCES[status]}`;
      setAttribute(element, 'data-presence-status', status);
      setAttribute(element, 'title', words);
      element.classList.toggle('here__person--more', index >= SHOWN);
      setText(/** @type {Element} */ (element.lastElementChild), words);
      if (this.list.children[index] !== element) this.list.insertBefore(element, this.list.children[index] ?? null);
    });
    setAttribute(this.list, 'data-more', others.length > SHOWN ? `+${others.length - SHOWN}` : null);
    this.changed(others.length);
  }

  /** @param {number} taskId */
  #paintViewers(taskId) {
    const ids = this.client.viewersOf(taskId).filter((/** @type {number} */ id) => id !== this.userId);
    const users = this.members.flatMap(({ user }) => (ids.includes(user.id) ? [user] : []));
    for (const holder of this.holdersOf(taskId)) showViewers(holder, users);
    if (!ids.length) this.watched.delete(taskId);
  }
}

/**
 * @param {readonly string[]} names
 * @returns {string} "" where there is none
 */
export function typingSentence(names) {
  if (names.length === 0) return '';
  if (names.length === 1) return t('{name} is typing…', { name: names[0] });
  if (names.length > 3) return t('Several people are typing…');
  return t('{names} are typing…', { names: listed(names) });
}

/** @param {readonly string[]} names @returns {string} "" where there is none */
function editingSentence(names) {
  return names.length ? tn(names.length, '{names} is editing this', '{names} are editing this', { names: listed(names) }) : '';
}

/** @param {User} user @returns {HTMLElement} */
function createPerson(user) {
  const element = document.createElement('li');
  element.className = 'here__person';
  element.dataset.userId = String(user.id);
  const avatar = createAvatar(user);
  avatar.removeAttribute('title'); // the whole says name and state
  const words = document.createElement('span');
  words.className = 'visually-hidden';
  element.append(avatar, words);
  return element;
}

/**
 * Small avatars of the users that have a task's panel open; those that stay are not touched.
 *
 * @param {HTMLElement} holder
 * @param {readonly User[]} users
 */
export function showViewers(holder, users) {
  holder.hidden = !users.length;
  const wanted = users.slice(0, LOOKING).map(({ id }) => String(id));
  const avatars = /** @type {HTMLElement[]} */ ([...holder.querySelectorAll('[data-user-id]')]);
  for (const avatar of avatars) if (!wanted.includes(avatar.dataset.userId ?? '')) avatar.remove();
  const shown = new Set(avatars.map((avatar) => avatar.dataset.userId));
  for (const user of users.slice(0, LOOKING)) {
    if (shown.has(String(user.id))) continue;
    const avatar = createAvatar(user);
    avatar.dataset.userId = String(user.id);
    holder.append(avatar);
  }
  const names = users.map(displayName).join(', ');
  setAttribute(holder, 'title', names && tn(users.length, '{names} is viewing this', '{names} are viewing this', { names }));
  let words = holder.querySelector('.visually-hidden');
  if (!words) {
    words = document.createElement('span');
    words.className = 'visually-hidden';
    holder.prepend(words);
  }
  setText(words, names && `, ${t('viewed by {names}', { names })}`);
}
