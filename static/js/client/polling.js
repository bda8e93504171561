// @ts-check
/** Follows the logs of the joined projects by long polling, for as long as sockets do not get through. */

import { backoff } from './backoff.js';
import { pause } from './clock.js';

/** How long the server may keep a poll open, seconds. */
const WAIT = 25;
/** What the way there and back may add, milliseconds. */
const SLACK = 10_000;
/** A browser keeps few connections to a host: with more projects than this, nobody waits at the server. */
const MOST_WAITING = 3;
/** The least time between polls that give nothing, milliseconds. */
const PAUSE = 3_000;
/** The longest pause after failures, milliseconds. */
const RETRY = { cap: 10_000 };

/** @typedef {ReturnType<import('./projects.js').Projects['all']>[number]} Project */

export class Polling {
  /** Whether the latest poll got through. */
  works = false;

  #rest;
  #projects;
  #clock;
  #random;
  #events;
  /** @type {Map<Project, AbortController> | null} null: not polling */
  #loops = null;

  /**
   * @param {object} options
   * @param {import('./rest.js').Rest} options.rest
   * @param {import('./projects.js').Projects} options.projects
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => number} options.random
   * @param {{changed: () => void, fatal: (error: Error) => void}} options.events
   */
  constructor({ rest, projects, clock, random, events }) {
    this.#rest = rest;
    this.#projects = projects;
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

  /** Projects were joined or left. */
  update() {
    if (!this.#loops) return;
    for (const [project, loop] of this.#loops) {
      if (this.#projects.has(project)) continue;
      loop.abort();
      this.#loops.delete(project);
    }
    for (const project of this.#projects.all()) {
      if (this.#loops.has(project)) continue;
      const loop = new AbortController();
      this.#loops.set(project, loop);
      this.#follow(project, loop.signal);
    }
  }

  /**
   * @param {Project} project
   * @param {AbortSignal} signal
   */
  async #follow(project, signal) {
    let failures = 0;
    await project.resetting;
    while (!signal.aborted) {
      try {
        const [askedAt, wasCaughtUp] = [this.#clock.now(), project.room.caughtUp];
        const answer = await this.#poll(project, signal);
        if (signal.aborted) return;
        failures = 0;
        this.#report(true);
        await this.#projects.polled(project, answer);
        const idle = answer.events.length === 0 && (wasCaughtUp || !project.room.caughtUp);
        if (idle) await pause(this.#clock, PAUSE - (this.#clock.now() - askedAt), signal);
      } catch (/** @type {any} */ error) {
        if (signal.aborted) return;
        if (error.code === 'not_found' || error.code === 'forbidden') return this.#projects.refused(project, error);
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
   * @param {Project} project
   * @param {AbortSignal} signal
   */
  async #poll({ id, room }, signal) {
    const { position } = room;
    const wait = this.#canWait && room.caughtUp ? WAIT : 0;
    const query = new URLSearchParams({ since: String(position?.seq ?? 0), wait: String(wait) });
    if (position?.epoch !== undefined) query.set('epoch', position.epoch);
    if (!position) query.set('limit', '1');
    const path = `projects/${id}/events/?${query}`;
    const answer = await this.#rest.call({ method: 'GET', path }, { signal, patience: wait * 1000 + SLACK });
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
