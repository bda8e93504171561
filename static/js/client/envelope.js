// @ts-check
/** Frames to text and back, and the errors that they carry. */

/**
 * @typedef {{event: string, data: any, id?: string | number, room?: string, seq?: number, at?: string}} Frame
 *   what the server sends
 * @typedef {{event: string, data: any, id?: string | number, key?: string}} Message what a client sends
 */

/** The server ends a connection for a larger frame (close code 1009), so such a one must never be sent. */
export const MAX_FRAME_BYTES = 256 * 1024;

/** A refused or impossible call. `code` is one of the protocol's, or of `LOCAL_ERROR_CODES`. */
export class TaskManagerError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{details?: any, retryAfter?: number, status?: number}} [more] `retryAfter` in seconds, `status` of HTTP
   */
  constructor(code, message, { details, retryAfter, status } = {}) {
    super(message);
    this.name = 'TaskManagerError';
    this.code = code;
    this.details = details;
    this.retryAfter = retryAfter;
    this.status = status;
  }
}

/**
 * @param {Message} message
 * @returns {string}
 * @throws {TaskManagerError} `too_large`
 */
export function encode(message) {
  const text = JSON.stringify(message);
  // Most are so short that no encoding can make them too long: UTF-8 takes at most 3 bytes per code unit.
  if (text.length * 3 > MAX_FRAME_BYTES && bytesOf(text) > MAX_FRAME_BYTES) {
    throw new TaskManagerError('too_large', 'This is more than one message can carry (256 KiB).');
  }
  return text;
}

/** @param {string} text JSON, in which lone surrogates are escaped @returns {number} its length in UTF-8; not all engines have TextEncoder */
function bytesOf(text) {
  return encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, '.').length;
}

/**
 * @param {unknown} text
 * @returns {Frame | null} null: not one of the protocol's frames
 */
export function decode(text) {
  if (typeof text !== 'string') return null;
  try {
    const frame = JSON.parse(text);
    return typeof frame?.event === 'string' ? { ...frame, data: frame.data ?? {} } : null;
  } catch {
    return null;
  }
}

/**
 * @param {any} data of an `error` frame, or the body of a refused HTTP request
 * @param {number} [status] of the refused HTTP request
 * @returns {TaskManagerError}
 */
export function errorFrom(data, status) {
  return new TaskManagerError(data?.code ?? 'internal', data?.message ?? 'The server refused without a reason.', {
    details: data?.details,
    retryAfter: data?.retry_after,
    status,
  });
}
