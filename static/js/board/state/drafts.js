// @ts-check
/** What the user has begun to write, or has to choose, kept over reloads in this browser, for each user apart. */

import { own } from '../page/site.js';

/** @typedef {{text: string, version?: number, base?: string, by?: import("./store.js").Actor | null}} Draft `version`: the task's when the writing began; `base`: what a comment said then */

const PREFIX = `${own}.draft`;
const CONFLICT = 'conflict-'; // before the field's name
const MOST = 100; // drafts of one user; the oldest go first

export class Drafts {
  /** @param {number} userId @param {Storage} [storage] */
  constructor(userId, storage = localStorage) {
    this.prefix = `${PREFIX}.${userId}.`;
    this.storage = storage;
  }

  /** @param {number} taskId @param {string} field @returns {Draft | null} */
  get(taskId, field) {
    try {
      return JSON.parse(this.storage.getItem(this.#key(taskId, field)) ?? 'null');
    } catch {
      return null;
    }
  }

  /** @param {number} taskId @param {string} field @param {Draft} draft */
  set(taskId, field, draft) {
    if (!draft.text) return this.delete(taskId, field);
    try {
      this.storage.setItem(this.#key(taskId, field), JSON.stringify({ ...draft, at: Date.now() }));
      this.#forgetOld();
    } catch {
      // The browser's room is full: the text is still in its field.
    }
  }

  /** @param {number} taskId @param {string} field */
  delete(taskId, field) {
    this.storage.removeItem(this.#key(taskId, field));
  }

  /** @param {number} taskId @param {string} field @param {import("./store.js").Conflict | null} conflict null: it is settled */
  keepConflict(taskId, field, conflict) {
    if (!conflict) return this.delete(taskId, CONFLICT + field);
    this.set(taskId, CONFLICT + field, { text: JSON.stringify(conflict.mine), version: conflict.version, by: conflict.by });
  }

  /** @returns {(import("./store.js").Conflict & {taskId: number, field: string})[]} those that are not settled */
  conflicts() {
    return this.#keys().flatMap((key) => {
      const [id, name] = key.slice(this.prefix.length).split('.');
      const draft = name.startsWith(CONFLICT) ? this.get(Number(id), name) : null;
      if (!draft) return [];
      return [{ taskId: Number(id), field: name.slice(CONFLICT.length), mine: JSON.parse(draft.text), version: draft.version ?? 0, ...(draft.by ? { by: draft.by } : {}) }];
    });
  }

  /** A task is known by another id now. @param {number} taskId @param {number} id */
  rename(taskId, id) {
    const start = this.#key(taskId, '');
    for (const key of this.#keys().filter((key) => key.startsWith(start))) {
      this.storage.setItem(this.#key(id, key.slice(start.length)), this.storage.getItem(key) ?? '');
      this.storage.removeItem(key);
    }
  }

  /** All of the user's. */
  clear() {
    for (const key of this.#keys()) this.storage.removeItem(key);
  }

  /** @param {number} taskId @param {string} field */
  #key(taskId, field) {
    return `${this.prefix}${taskId}.${field}`;
  }

  #keys() {
    return Object.keys(this.storage).filter((key) => key.startsWith(this.prefix));
  }

  #forgetOld() {
    const keys = this.#keys();
    if (keys.length <= MOST) return;
    const at = (/** @type {string} */ key) => JSON.parse(this.storage.getItem(key) ?? '{}').at ?? 0;
    for (const key of keys.sort((a, b) => at(a) - at(b)).slice(0, keys.length - MOST)) this.storage.removeItem(key);
  }
}
