// @ts-check
/** Whether the user is at the page: `idle` after a while without input or out of sight, unless they chose a status. */

import { Alarm } from './clock.js';

/** Without input for so long one counts as idle, milliseconds. */
export const IDLE_AFTER = 300_000;
/** So long may a page be out of sight, lest every look at another tab be announced to all; milliseconds. */
export const HIDDEN_AFTER = 5_000;

export const PRESENCES = ['online', 'idle', 'busy'];

const INPUTS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'];

/**
 * @typedef {'online' | 'idle' | 'busy'} Status
 * @typedef {EventTarget & {visibilityState?: string}} Page
 */

export class Presence {
  /** @type {Status} as the user wants it; `online`: as they are at the page */
  #chosen = 'online';
  #active = true;
  #lastInput;
  /** @type {number | null} since when the page is out of sight */
  #hiddenSince = null;
  #alarm;
  #clock;
  #page;
  #changed;

  /**
   * @param {object} options
   * @param {Page} [options.document] dispatches input and `visibilitychange`; without one the user is always there
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => void} options.changed called when `status` became another one by itself
   */
  constructor({ document, clock, changed }) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock);
    this.#page = document;
    this.#changed = changed;
    this.#lastInput = clock.now();
    if (!document) return;
    for (const name of INPUTS) document.addEventListener(name, this.#input, { capture: true, passive: true });
    document.addEventListener('visibilitychange', this.#seen);
    this.#seen();
  }

  /** What all users may know. */
  get status() {
    return this.#chosen === 'online' && !this.#active ? 'idle' : this.#chosen;
  }

  /**
   * The caller reports it itself: `changed` is not called.
   *
   * @param {Status} status `busy` and `idle` stay until another choice; `online` follows what the user does
   */
  choose(status) {
    if (!PRESENCES.includes(status)) throw new TypeError(`Not a status: ${status}`);
    this.#chosen = status;
    this.#lastInput = this.#clock.now();
    this.#active = this.#idleAt() > this.#clock.now();
    this.#watch();
  }

  stop() {
    this.#alarm.clear();
    for (const name of INPUTS) this.#page?.removeEventListener(name, this.#input, { capture: true });
    this.#page?.removeEventListener('visibilitychange', this.#seen);
  }

  #input = () => {
    this.#lastInput = this.#clock.now();
    // The pending alarm looks again when it fires: moving a pointer costs no timer.
    if (!this.#active) this.#look();
  };

  #seen = () => {
    const hidden = this.#page?.visibilityState === 'hidden';
    this.#hiddenSince = hidden ? (this.#hiddenSince ?? this.#clock.now()) : null;
    if (!hidden) this.#lastInput = this.#clock.now();
    this.#look();
  };

  #look() {
    const before = this.status;
    this.#active = this.#idleAt() > this.#clock.now();
    this.#watch();
    if (this.status !== before) this.#changed();
  }

  #watch() {
    if (this.#page && this.#active) this.#alarm.set(this.#idleAt() - this.#clock.now(), () => this.#look());
  }

  /** When the user counts as idle if nothing happens before. */
  #idleAt() {
    if (!this.#page) return Infinity;
    const hidden = this.#hiddenSince === null ? Infinity : this.#hiddenSince + HIDDEN_AFTER;
    return Math.min(this.#lastInput + IDLE_AFTER, hidden);
  }
}
