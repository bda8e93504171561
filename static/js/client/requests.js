// @ts-check
/** Questions that die with their connection (joins, pings, a token), and the callers that wait for the answers. Pure. */

import { TaskManagerError } from './envelope.js';

/**
 * @callback Done called once, in step with the frames around the answer (a promise would fall behind them)
 * @param {TaskManagerError | null} error
 * @param {any} [data]
 * @returns {void}
 */

export class Requests {
  /** @type {Map<unknown, Done>} */
  #waiting = new Map();

  /**
   * @param {number} id
   * @param {Done} done
   */
  add(id, done) {
    this.#waiting.set(id, done);
  }

  /**
   * @param {unknown} id
   * @param {TaskManagerError | null} error
   * @param {any} [data]
   * @returns {boolean} whether a caller waited for it
   */
  settle(id, error, data) {
    const done = this.#waiting.get(id);
    if (!done) return false;
    this.#waiting.delete(id);
    done(error, data);
    return true;
  }

  /** The connection is gone, and so are the answers. */
  lost() {
    for (const id of [...this.#waiting.keys()]) {
      this.settle(id, new TaskManagerError('connection_lost', 'The connection broke before the answer came.'));
    }
  }
}
