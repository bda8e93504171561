// @ts-check
/** Follows the logs of the joined projects and the user's by long polling, while sockets do not get through. */

import { backoff } from './backoff.js';
import { pause } from './clock.js';
import { toQuery } from './urls.js';

/** How long the server may keep a poll open, seconds. */
const WAIT = 25;
/** What the way there and back may add, milliseconds. */
const SLACK = 10_000;
/** A browser keeps few connections to a host: with more logs than this, none waits at the server. */
const MOST_WAITING = 3;
/** The least time between polls that give nothing, milliseconds. */
const PAUSE = 3_000;
/** The longest pause after failures, milliseconds. */
const RETRY = { cap: 10_000 };

/**
 * @typedef {object} Followed a room whose log is followed
 * @property {string} path of its log beneath `/api/`
 * @property {import('./rooms.js').Room} room
 * @property {Promise<void> | null} resetting
 *
 * @typedef {object} Source
 * @property {() => Followed[]} all
 * @property {(followed: any) => boolean} has
 * @property {(followed: any, answer: any) => Promise<void>} polled
 * @property {(followed: any, error: any) => void} refused
 */

export class Polling {
  /** Whether the latest poll got through. */
  works = false;

  #rest;
  #sources;
  #clock;
  #random;
  #events;
  /** @type {Map<Followed, AbortController> | null} null: not polling */
  #loops = null;

  /**
   * @param {object} options
   * @param {import('./rest.js').Rest} options.rest
   * @param {Source[]} options.sources
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => number} options.random
   * @param {{changed: () => void, fatal: (error: Error) => void}} options.events
   */
  constructor({ rest, sources, clock, random, events }) {
    this.#rest = rest;
    this.#sources = sources;
    this.#clock = clock;
    this.#random = random;
    this.#events = events;
  }

  get started() {
    return this.#loops !== null;
  }

  start() {
    this.#loops ??= new Map();
    this.update();
  }

  stop() {
    for (const loop of this.#loops?.values() ?? []) loop.abort();
    this.#loops = null;
    this.works = false;
  }

  /** Rooms were joined or left. */
  update() {
    if (!this.#loops) return;
    for (const [followed, loop] of this.#loops) {
      if (this.#sources.some((source) => source.has(followed))) continue;
      loop.abort();
      this.#loops.delete(followed);
    }
    for (const source of this.#sources) {
      for (const followed of source.all()) {
        if (this.#loops.has(followed)) continue;
        const loop = new AbortController();
        this.#loops.set(followed, loop);
        this.#follow(source, followed, loop.signal);
      }
    }
  }

  /**
   * @param {Source} source
   * @param {Followed} followed
   * @param {AbortSignal} signal
   */
  async #follow(source, followed, signal) {
    let failures = 0;
    await followed.resetting;
    while (!signal.aborted) {
      try {
        const [askedAt, wasCaughtUp, isFirst] = [this.#clock.now(), followed.room.caughtUp, !this.works];
        const answer = await this.#poll(followed, signal);
        if (signal.aborted) return;
        failures = 0;
        this.#report(true);
        await source.polled(followed, answer);
        const idle = answer.events.length === 0 && (wasCaughtUp || !followed.room.caughtUp);
        if (idle && !isFirst) await pause(this.#clock, PAUSE - (this.#clock.now() - askedAt), signal);
      } catch (/** @type {any} */ error) {
        if (signal.aborted) return;
        if (error.code === 'not_found' || error.code === 'forbidden') return source.refused(followed, error);
        if (error.code === 'unauthenticated') return this.#events.fatal(error);
        this.#report(false);
        await pause(this.#clock, (error.retryAfter ?? 0) * 1000 + backoff(failures, this.#random, RETRY), signal);
        failures += 1;
      }
    }
  }

  get #canWait() {
    return (this.#loops?.size ?? 0) <= MOST_WAITING;
  }

  /**
   * @param {Followed} followed
   * @param {AbortSignal} signal
   */
  async #poll({ path, room }, signal) {
    const { position } = room;
    // The first poll comes back at once: it shows whether polls get through.
    const wait = this.works && this.#canWait && room.caughtUp ? WAIT : 0;
    const query = toQuery({ since: position?.seq ?? 0, wait, epoch: position?.epoch, limit: position ? undefined : 1 });
    const answer = await this.#rest.call({ method: 'GET', path: `${path}?${query}` }, { signal, patience: wait * 1000 + SLACK });
    // Without a position there is nothing to continue: it begins at the log's end.
    return position ? answer : { ...answer, events: [], reset: false };
  }

  /** @param {boolean} works */
  #report(works) {
    if (this.works === works) return;
    this.works = works;
    this.#events.changed();
  }
}
