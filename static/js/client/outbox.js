// @ts-check
/**
 * Changes that have no answer yet, in the order in which they were asked for. Pure: no sockets, no time.
 *
 * Each keeps the key that was made for it once, so that it may be sent again until an answer comes and still
 * has one effect.
 */

import { TaskManagerError } from './envelope.js';

/**
 * @typedef {object} Entry
 * @property {number} id
 * @property {string} event
 * @property {any} data
 * @property {string} key
 * @property {number | null} firstSentAt milliseconds; null: it never left this client
 * @property {(data: any) => void} resolve
 * @property {(error: Error) => void} reject
 */

export class Outbox {
  /** @type {Map<number, Entry>} */
  #entries = new Map();

  /** @param {Entry} entry */
  add(entry) {
    this.#entries.set(entry.id, entry);
  }

  get size() {
    return this.#entries.size;
  }

  /** @param {unknown} id */
  has(id) {
    return this.#entries.has(/** @type {number} */ (id));
  }

  /** All of them, the oldest first. */
  entries() {
    return [...this.#entries.values()];
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
    if (error) entry.reject(error);
    else entry.resolve(data);
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

  /** @param {Error} error */
  rejectAll(error) {
    for (const { id } of this.entries()) this.settle(id, error);
  }
}
