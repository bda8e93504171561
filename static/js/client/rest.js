// @ts-check
/** One HTTP request of the API: with a token, answered by JSON, and refused with the same errors as on the socket. */

import { errorFrom, TaskManagerError } from './envelope.js';

/**
 * What a status means where no JSON says it.
 *
 * @type {Record<number, string | undefined>}
 */
const CODES = { 403: 'forbidden', 404: 'not_found', 409: 'conflict', 429: 'rate_limited' };

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
   * @param {typeof globalThis.fetch} options.fetch
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
    const response = await this.#send(request, limits);
    if (response.status !== 401) return read(response);
    // The token may just have ended: once more with another.
    this.#tokens.forget();
    const again = await this.#send(request, limits);
    if (again.status === 401) throw unreachable('it refuses a fresh token');
    return read(again);
  }

  /**
   * @param {Request} request
   * @param {{signal: AbortSignal, patience: number}} limits
   * @returns {Promise<Response>}
   */
  async #send({ method, path, body, key }, { signal, patience }) {
    const token = await this.#tokens.get().catch(unreachableUnlessSignedOut);
    const hurry = new AbortController();
    const abort = () => hurry.abort();
    const timer = this.#clock.setTimeout(abort, patience);
    signal.addEventListener('abort', abort, { once: true });
    /** @type {Record<string, string>} */
    const headers = { Accept: 'application/json', Authorization: `Bearer ${token}` };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    if (key !== undefined) headers['Idempotency-Key'] = key;
    try {
      return await this.#fetch(this.#base + path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        credentials: 'omit', // The token alone says who asks; a session cookie would ask for a CSRF header.
        signal: hurry.signal,
      });
    } catch (error) {
      throw unreachable(error);
    } finally {
      this.#clock.clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }
}

/** @param {Response} response */
async function read(response) {
  const body = await response.json().catch(() => null);
  if (response.ok) {
    if (body === null && response.status !== 204) throw unreachable('an answer that is not JSON');
    return body;
  }
  // 502 and beyond come from whoever stands in front of a server that is away.
  if (response.status > 500) throw unreachable(response.status);
  const code = body?.code ?? CODES[response.status];
  if (!code) throw unreachable(response.status);
  throw errorFrom({ ...body, code });
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
