// @ts-check
/**
 * Changes that have no answer yet, in the order in which they were asked for. Pure: no sockets, no time.
 *
 * Each keeps the key that was made for it once, so that it may be sent again until an answer comes and still
 * has one effect. Where there is a shelf they lie on that, too, and outlive the page.
 */

import { TaskManagerError } from './envelope.js';

/**
 * @typedef {object} Kept what is needed to send a change again, from another page if need be
 * @property {string} event
 * @property {any} data
 * @property {string} key
 * @property {number} at milliseconds; when it was asked for
 * @property {boolean} [follows] its `version` is at least the one that an earlier change of the same fields makes
 * @property {number} [placeholder] of a creation: stands for the id of what it makes, in the changes after it
 * @property {any} [note] of the page, to be shown after a reload
 * @property {number | null} firstSentAt milliseconds; null: it never left this client
 *
 * @typedef {Kept & {id: number, resolve: (data: any) => void, reject: (error: Error) => void}} Entry
 *
 * @typedef {Omit<Kept, 'key' | 'follows'> & {id: number}} Waiting as a page sees it
 *
 * @typedef {object} Shelf keeps changes over the end of a page
 * @property {(entry: Kept) => void} put as it is now
 * @property {(key: string) => void} remove
 */

/** What of a change's data names a task. */
const TASK_IDS = ['task_id', 'before_id', 'after_id'];

export class Outbox {
  /** @type {Map<number, Entry>} */
  #entries = new Map();
  /** Placeholders whose ids are known by now. @type {Map<number, number>} */
  #ids = new Map();
  /** Those of what was never created. @type {Set<number>} */
  #lost = new Set();
  #shelf;
  #changed;
  /** Whether what an earlier page left is still being looked for: it goes before all others. */
  waits = false;

  /**
   * @param {Shelf | null} [shelf]
   * @param {() => void} [changed] called whenever one is added, sent or settled
   */
  constructor(shelf = null, changed = () => {}) {
    this.#shelf = shelf;
    this.#changed = changed;
  }

  /** @param {Entry} entry */
  add(entry) {
    entry.data = this.#withIds(entry.data);
    this.#entries.set(entry.id, entry);
    this.#shelf?.put(entry);
    this.#changed();
    if (this.#lost.size) this.#giveUpIfLost(entry);
  }

  /** @param {Entry[]} entries that earlier pages left on the shelf, the oldest first */
  adopt(entries) {
    this.#entries = new Map([...entries.map((entry) => /** @type {const} */ ([entry.id, entry])), ...this.#entries]);
    this.#changed();
  }

  get size() {
    return this.#entries.size;
  }

  /** @param {unknown} id */
  has(id) {
    return this.#entries.has(/** @type {number} */ (id));
  }

  /** @param {number} placeholder @returns {boolean} whether it was given to a creation */
  stands(placeholder) {
    return this.#ids.has(placeholder) || this.#lost.has(placeholder) || this.entries().some((entry) => entry.placeholder === placeholder);
  }

  /** All of them, the oldest first. */
  entries() {
    return [...this.#entries.values()];
  }

  /** Those that may be sent by now, the oldest first. */
  due() {
    return this.waits ? [] : this.entries();
  }

  /**
   * It is about to leave this client, and stays as it is from now on: its key stands for its content.
   *
   * @param {Entry} entry
   * @param {number} now milliseconds
   */
  leaves(entry, now) {
    if (entry.firstSentAt !== null) return;
    entry.firstSentAt = now;
    this.#shelf?.put(entry);
    this.#changed();
  }

  /**
   * @param {Entry} entry
   * @returns {boolean} whether an earlier change, which it follows, has no answer so far
   */
  mustWait(entry) {
    for (const earlier of this.#entries.values()) {
      if (earlier === entry) return false;
      if (isFollowed(earlier, entry)) return true;
    }
    return false;
  }

  /**
   * Settles one. The answer to one that is settled already changes nothing.
   *
   * @param {unknown} id
   * @param {Error | null} error
   * @param {any} [data]
   */
  settle(id, error, data) {
    const entry = this.#entries.get(/** @type {number} */ (id));
    if (!entry) return;
    this.#entries.delete(entry.id);
    if (error) {
      entry.reject(error);
      if (entry.placeholder !== undefined) this.#lose(entry.placeholder, error);
    } else {
      this.#carryOn(entry, data);
      entry.resolve(data);
    }
    this.#shelf?.remove(entry.key);
    this.#changed();
  }

  /**
   * Gives up those whose key the server may have forgotten: sending them again could do them twice.
   *
   * @param {number} now milliseconds
   * @param {number} retention milliseconds
   */
  expire(now, retention) {
    for (const { id, firstSentAt } of this.entries()) {
      if (firstSentAt === null || now - firstSentAt <= retention) continue;
      this.settle(id, new TaskManagerError('uncertain', 'No answer came: this may have been done, or not.'));
    }
  }

  /** No caller waits here any more; what lies on a shelf stays there. @param {Error} error */
  abandon(error) {
    for (const { reject } of this.entries()) reject(error);
    this.#entries.clear();
  }

  /**
   * What follows a change is made on what that one wrote, and named by the id that it got.
   *
   * @param {Entry} done
   * @param {any} answer
   */
  #carryOn(done, answer) {
    if (done.placeholder !== undefined) this.#ids.set(done.placeholder, answer.task.id);
    const version = answer?.version ?? answer?.task?.version ?? 0;
    for (const entry of this.#entries.values()) {
      if (entry.firstSentAt !== null || !isFollowed(done, entry)) continue;
      entry.data = this.#withIds(entry.data);
      if (entry.data.version !== undefined) entry.data.version = Math.max(entry.data.version, version);
      this.#shelf?.put(entry);
    }
  }

  /** @param {number} placeholder of what was not created @param {any} error why */
  #lose(placeholder, { code }) {
    this.#lost.add(placeholder);
    // What was called off takes along what was asked of it.
    for (const entry of this.entries()) this.#giveUpIfLost(entry, code === 'cancelled' ? code : 'not_found');
  }

  /** What is asked of a thing that was never created can never be done. @param {Entry} entry @param {string} [code] */
  #giveUpIfLost({ id, data }, code = 'not_found') {
    if (!TASK_IDS.some((name) => this.#lost.has(data[name]))) return;
    this.settle(id, new TaskManagerError(code, 'The task was never created.'));
  }

  /** @param {any} data @returns {any} a copy with the ids that are known by now */
  #withIds(data) {
    const named = TASK_IDS.filter((name) => this.#ids.has(data[name])).map((name) => [name, this.#ids.get(data[name])]);
    return { ...data, ...Object.fromEntries(named) };
  }
}

/**
 * @param {Entry} entry
 * @param {number} [placeholder]
 * @returns {boolean} whether it names the task that has no id yet
 */
function isAbout({ data }, placeholder) {
  return placeholder !== undefined && TASK_IDS.some((name) => data[name] === placeholder);
}

/**
 * @param {Entry} earlier
 * @param {Entry} later
 */
function isFollowed(earlier, later) {
  if (isAbout(later, earlier.placeholder)) return true;
  if (!later.follows || later.data.version === undefined) return false;
  if (earlier.event !== 'task_update' || earlier.data.task_id !== later.data.task_id) return false;
  return Object.keys(later.data.changes).some((field) => field in earlier.data.changes);
}
