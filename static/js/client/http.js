// @ts-check
/** The one way to HTTP: every request of the scripts passes here, and fails with a `TaskManagerError`. */

import { errorFrom, TaskManagerError } from './envelope.js';

/**
 * What a status means where the answer has no code.
 *
 * @type {Record<number, string | undefined>}
 */
const CODES = { 401: 'unauthenticated', 403: 'forbidden', 404: 'not_found', 409: 'conflict', 429: 'rate_limited' };

/** The code of an answer that has none of the protocol's: a proxy wrote it, or another server. */
export const FOREIGN_ANSWER = 'foreign_answer';

/** @typedef {(url: string, init?: RequestInit) => Promise<Response>} Fetch */

/**
 * Send a request and return the answer, whatever its status is.
 *
 * @param {string} url
 * @param {RequestInit} [init]
 * @param {Fetch} [fetch]
 * @returns {Promise<Response>}
 * @throws {TaskManagerError} `connection_lost`: no answer came
 */
export async function send(url, init, fetch = globalThis.fetch) {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw new TaskManagerError('connection_lost', `The server could not be reached: ${error}.`);
  }
}

/**
 * Send a request of the API and return the JSON of the answer.
 *
 * @param {string} url
 * @param {Omit<RequestInit, "body" | "headers"> & {headers?: Record<string, string>, body?: unknown}} init `body` becomes JSON
 * @param {Fetch} [fetch]
 * @returns {Promise<any>} null where the answer has no body
 * @throws {TaskManagerError} with the protocol's code and the `status` of the answer
 */
export async function callApi(url, { body, headers, ...init }, fetch) {
  /** @type {Record<string, string>} */
  const sent = { Accept: 'application/json', ...headers };
  if (body !== undefined) sent['Content-Type'] = 'application/json';
  const response = await send(url, { ...init, headers: sent, body: body === undefined ? undefined : JSON.stringify(body) }, fetch);
  const answer = await response.json().catch(() => null);
  if (response.ok && (answer !== null || response.status === 204)) return answer;
  throw errorFrom(
    {
      ...answer,
      code: answer?.code ?? (response.ok ? undefined : CODES[response.status]) ?? FOREIGN_ANSWER,
      message: answer?.message ?? `The server answered ${response.status}.`,
    },
    response.status,
  );
}
