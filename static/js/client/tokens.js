// @ts-check
/** Where the access token comes from, and for how long one is good. */

import { TaskManagerError } from './envelope.js';

/** @typedef {string | (() => string | null | undefined | Promise<string | null | undefined>)} TokenSource */

/** A token this close to its end is not worth a new connection, milliseconds. */
const TOO_OLD = 5_000;

export class Tokens {
  #source;
  #clock;
  /** @type {string | null} */
  #token = null;
  /** @type {number} when the token ends, by this machine's clock */
  #endsAt = Infinity;
  /** @type {Promise<string> | null} */
  #asking = null;

  /**
   * @param {TokenSource} source
   * @param {import('./clock.js').Clock} clock
   */
  constructor(source, clock) {
    this.#source = source;
    this.#clock = clock;
    if (typeof source === 'string') this.#token = source;
  }

  /** Whether another token can be had. */
  get renewable() {
    return typeof this.#source === 'function';
  }

  /**
   * A token that should still be good. Asks the source only where there is none, and once for all that wait.
   *
   * @returns {Promise<string>}
   * @throws {TaskManagerError} `unauthenticated`: there is none any more. Whatever else the source throws is
   *   passed on, and worth another try later.
   */
  async get() {
    if (this.renewable && this.#clock.now() > this.#endsAt - TOO_OLD) this.forget();
    if (this.#token) return this.#token;
    const asking = (this.#asking ??= this.#ask());
    try {
      const token = await asking;
      if (this.#asking === asking) this.#token = token;
      return token;
    } finally {
      if (this.#asking === asking) this.#asking = null;
    }
  }

  /** The token is used up, or was refused. */
  forget() {
    this.#token = null;
    this.#endsAt = Infinity;
    this.#asking = null;
  }

  /** @param {number} duration how long the present token is still good, milliseconds */
  lasts(duration) {
    this.#endsAt = this.#clock.now() + duration;
  }

  /** @returns {Promise<string>} */
  async #ask() {
    try {
      const token = typeof this.#source === 'function' ? await this.#source() : null;
      if (token) return token;
    } catch (error) {
      if (!meansSignedOut(error)) throw error;
    }
    throw new TaskManagerError('unauthenticated', 'There is no token (any more): signed out.');
  }
}

/** @param {any} error */
function meansSignedOut(error) {
  return [error?.code, error?.status].some((sign) => sign === 'unauthenticated' || sign === 401 || sign === 403);
}
