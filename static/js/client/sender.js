// @ts-check
/** Sends the outbox over the socket: in order, so many at a time, and once more what came too fast. */

import { Alarm } from './clock.js';
import { HTTP_ONLY } from './rest_commands.js';

/** So many may be without an answer at a time. */
export const IN_FLIGHT = 8;

/**
 * After so many within ten seconds each waits for the answer of the one before. The server's limit (200 in 10 s) may then
 * refuse one, but nothing behind it has been sent that could overtake it.
 */
export const BRISK = 50;
const WINDOW = 10_000;

/** Where the server does not say how long to wait, milliseconds. */
const PATIENCE = 1_000;

export class Sender {
  #outbox;
  #clock;
  #send;
  #open = false;
  /** @type {Set<number>} */
  #inFlight = new Set();
  /** When the latest were sent. @type {number[]} */
  #sentAt = [];
  /** Whether one was refused as too fast since all was sent the last time. */
  #isCareful = false;
  #alarm;

  /**
   * @param {object} options
   * @param {import('./outbox.js').Outbox} options.outbox
   * @param {import('./clock.js').Clock} options.clock
   * @param {(entry: import('./outbox.js').Entry) => void} options.send
   */
  constructor({ outbox, clock, send }) {
    this.#outbox = outbox;
    this.#clock = clock;
    this.#send = send;
    this.#alarm = new Alarm(clock);
  }

  /** There is a new link: what has no answer goes again. */
  opened() {
    this.#open = true;
    this.#inFlight.clear();
    this.#alarm.clear();
    this.kick();
  }

  /** The link is gone, and the answers with it. */
  lost() {
    this.#open = false;
    this.#inFlight.clear();
    this.#alarm.clear();
  }

  /** There may be something to send. */
  kick() {
    if (!this.#open || this.#alarm.pending) return;
    if (!this.#outbox.size) this.#isCareful = false;
    /** Tasks of which the courier has something: what comes after that waits for him. @type {Set<unknown>} */
    const held = new Set();
    for (const entry of this.#outbox.due()) {
      if (HTTP_ONLY.has(entry.event)) held.add(entry.data.task_id);
      if (held.has(entry.data.task_id) || this.#inFlight.has(entry.id)) continue;
      if (this.#inFlight.size >= this.#allowance || this.#outbox.mustWait(entry)) return;
      this.#inFlight.add(entry.id);
      this.#sentAt = [...this.#sentAt.slice(1 - BRISK), this.#clock.now()];
      this.#outbox.leaves(entry, this.#clock.now());
      this.#send(entry);
    }
  }

  /**
   * One was answered.
   *
   * @param {unknown} id
   * @param {import('./envelope.js').TaskManagerError | null} error
   * @param {any} data
   */
  answered(id, error, data) {
    if (!this.#inFlight.delete(/** @type {number} */ (id))) return;
    if (error?.code === 'rate_limited') {
      this.#isCareful = true;
      this.#alarm.set(error.retryAfter === undefined ? PATIENCE : error.retryAfter * 1000, () => this.kick());
    } else {
      this.#outbox.settle(id, error, data);
      this.kick();
    }
  }

  get #allowance() {
    const isBrisk = this.#sentAt.length >= BRISK && this.#clock.now() - this.#sentAt[0] < WINDOW;
    return this.#isCareful || isBrisk ? 1 : IN_FLIGHT;
  }
}
