// @ts-check
/** One request of the API with a token, refused with the same errors as on the socket. */

import { TaskManagerError } from './envelope.js';
import { callApi, FOREIGN_ANSWER } from './http.js';

/**
 * @typedef {object} Request
 * @property {string} method
 * @property {string} path beneath `/api/`
 * @property {any} [body]
 * @property {string} [key] makes a change idempotent
 */

export class Rest {
  #base;
  #tokens;
  #fetch;
  #clock;

  /**
   * @param {object} options
   * @param {string} options.base the API's URL, with a slash at its end
   * @param {import('./tokens.js').Tokens} options.tokens
   * @param {import('./http.js').Fetch} [options.fetch]
   * @param {import('./clock.js').Clock} options.clock
   */
  constructor({ base, tokens, fetch, clock }) {
    this.#base = base;
    this.#tokens = tokens;
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /**
   * @param {Request} request
   * @param {{signal: AbortSignal, patience: number}} limits `patience`: milliseconds
   * @returns {Promise<any>} null where the answer has no body
   * @throws {TaskManagerError} `connection_lost`: no answer of the API, so it may have been done or not;
   *   `unauthenticated`: there is no token any more
   */
  async call(request, limits) {
    try {
      return await this.#send(request, limits);
    } catch (/** @type {any} */ error) {
      if (error.status !== 401) throw error;
    }
    // The token may just have ended: once more with another.
    this.#tokens.forget();
    try {
      return await this.#send(request, limits);
    } catch (/** @type {any} */ error) {
      throw error.status === 401 ? unreachable('it refuses a fresh token') : error;
    }
  }

  /**
   * @param {Request} request
   * @param {{signal: AbortSignal, patience: number}} limits
   * @returns {Promise<any>}
   */
  async #send({ method, path, body, key }, { signal, patience }) {
    const token = await this.#tokens.get().catch(unreachableUnlessSignedOut);
    const hurry = new AbortController();
    const abort = () => hurry.abort();
    const timer = this.#clock.setTimeout(abort, patience);
    signal.addEventListener('abort', abort, { once: true });
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${token}` };
    if (key !== undefined) headers['Idempotency-Key'] = key;
    // The token alone names the user; a session cookie would ask for a CSRF header.
    const init = { method, headers, body, credentials: /** @type {const} */ ('omit'), signal: hurry.signal };
    try {
      return await callApi(this.#base + path, init, this.#fetch);
    } catch (/** @type {any} */ error) {
      throw isForeign(error) ? new TaskManagerError('connection_lost', error.message) : error;
    } finally {
      this.#clock.clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }
}

/** @param {TaskManagerError} error @returns {boolean} whether a proxy answered, whose server is away */
function isForeign({ code, status = 0 }) {
  return code === FOREIGN_ANSWER || status > 500;
}

/** @param {any} cause */
function unreachable(cause) {
  return new TaskManagerError('connection_lost', `The server cannot be reached: ${cause}.`);
}

/**
 * @param {any} error
 * @returns {never}
 */
function unreachableUnlessSignedOut(error) {
  throw error?.code === 'unauthenticated' ? error : unreachable(error);
}
