// @ts-check
/** How long to wait before the next attempt. */

export const BASE = 500;
export const CAP = 20_000;

/**
 * Exponential backoff with full jitter: any time up to the bound is equally likely, so that the clients
 * of a restarted server do not come back in step.
 *
 * @param {number} attempt how many attempts failed before: 0, 1, 2, …
 * @param {() => number} random from 0 up to 1
 * @param {{base?: number, cap?: number}} [bounds] milliseconds
 * @returns {number} milliseconds
 */
export function backoff(attempt, random, { base = BASE, cap = CAP } = {}) {
  return random() * Math.min(cap, base * 2 ** attempt);
}
