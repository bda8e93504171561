// @ts-check
/**
 * Whether the other end is still there.
 *
 * A connection may be dead without either end noticing (a laptop that slept, a router that forgot it). Any frame
 * is a sign of life; after a quiet interval a ping asks for one, and if none comes the connection counts as dead.
 */

import { Alarm } from './clock.js';

/** How long a ping may go unanswered, milliseconds. */
export const PATIENCE = 10_000;

export class Heartbeat {
  #alarm;
  #clock;
  #interval = 0;
  #receivedAt = 0;
  #asking = false;
  #ping;
  #dead;

  /**
   * @param {{clock: import('./clock.js').Clock, ping: () => void, dead: () => void}} options
   */
  constructor({ clock, ping, dead }) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock);
    this.#ping = ping;
    this.#dead = dead;
  }

  /** @param {number} interval milliseconds */
  start(interval) {
    this.#interval = interval;
    this.received();
    this.#watch(interval);
  }

  stop() {
    this.#alarm.clear();
  }

  /** A frame came in. */
  received() {
    this.#receivedAt = this.#clock.now();
    this.#asking = false;
  }

  /** Asks now: the machine may have slept, or the network changed. */
  check() {
    this.#asking = true;
    this.#ping();
    this.#alarm.set(PATIENCE, () => {
      if (this.#asking) this.#dead();
      else this.#watch(this.#quietFor());
    });
  }

  #quietFor() {
    return this.#interval - (this.#clock.now() - this.#receivedAt);
  }

  /** @param {number} delay milliseconds */
  #watch(delay) {
    this.#alarm.set(delay, () => {
      const left = this.#quietFor();
      if (left > 0) this.#watch(left);
      else this.check();
    });
  }
}
