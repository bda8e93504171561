// @ts-check
/** Carries changes to the API, one after the other: all while sockets do not get through, else those that no socket takes. */

import { backoff } from './backoff.js';
import { pause } from './clock.js';
import { TaskManagerError } from './envelope.js';
import { HTTP_ONLY, REST_COMMANDS } from './rest_commands.js';

/** How long an answer may take, milliseconds. */
const PATIENCE = 20_000;
/** The longest pause after failures, milliseconds. */
const RETRY = { cap: 10_000 };

export class Courier {
  #rest;
  #outbox;
  #clock;
  #random;
  #fatal;
  #carried;
  #isAlone = false;
  /** @type {AbortController | null} null: not carrying */
  #round = null;
  #running = false;

  /**
   * @param {object} options
   * @param {import('./rest.js').Rest} options.rest
   * @param {import('./outbox.js').Outbox} options.outbox
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => number} options.random
   * @param {(error: Error) => void} options.fatal
   * @param {() => void} options.carried one was answered: others may have waited for it
   */
  constructor({ rest, outbox, clock, random, fatal, carried }) {
    this.#rest = rest;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#random = random;
    this.#fatal = fatal;
    this.#carried = carried;
  }

  /** @param {{isAlone: boolean}} way `isAlone`: there is no socket beside it */
  start({ isAlone }) {
    this.#isAlone = isAlone;
    this.#round ??= new AbortController();
    this.kick();
  }

  stop() {
    this.#round?.abort();
    this.#round = null;
    this.#running = false;
  }

  /** There may be something to carry. */
  kick() {
    if (!this.#round || this.#running) return;
    this.#running = true;
    this.#carry(this.#round.signal);
  }

  /** @param {AbortSignal} signal */
  async #carry(signal) {
    let failures = 0;
    for (let entry; !signal.aborted && (entry = this.#next()); ) {
      if (await this.#deliver(entry, signal)) failures = 0;
      else await pause(this.#clock, backoff(failures++, this.#random, RETRY), signal);
    }
    if (!signal.aborted) this.#running = false;
  }

  /** @returns {import('./outbox.js').Entry | undefined} the oldest of mine that waits for none of its task */
  #next() {
    const due = this.#outbox.due();
    if (this.#isAlone) return due[0];
    const held = new Set();
    return due.find(({ event, data }) => {
      if (HTTP_ONLY.has(event) && !held.has(data.task_id)) return true;
      held.add(data.task_id);
      return false;
    });
  }

  /**
   * @param {import('./outbox.js').Entry} entry
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} false: try again
   */
  async #deliver(entry, signal) {
    const twin = REST_COMMANDS[entry.event];
    if (!twin) {
      this.#outbox.settle(entry.id, new TaskManagerError('unknown_event', 'This needs a socket.'));
      return true;
    }
    try {
      this.#outbox.leaves(entry, this.#clock.now());
      const request = { ...twin.request(entry.data), key: entry.key };
      const body = await this.#rest.call(request, { signal, patience: PATIENCE });
      this.#outbox.settle(entry.id, null, twin.answer(body, entry.data));
      this.#carried();
      return true;
    } catch (/** @type {any} */ error) {
      if (signal.aborted || error.code === 'connection_lost') return false;
      if (error.code === 'rate_limited') await pause(this.#clock, (error.retryAfter ?? 1) * 1000, signal);
      else if (error.code === 'unauthenticated') this.#fatal(error);
      else {
        this.#outbox.settle(entry.id, error);
        this.#carried();
      }
      return true;
    }
  }
}
