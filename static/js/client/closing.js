// @ts-check
/** What a close code asks of the client. */

/**
 * - `soon`: come back by the ordinary backoff;
 * - `token`: come back with another token;
 * - `later`: the server has had too much of this user, leave it alone for a while;
 * - `never`: this user is not welcome any more.
 *
 * @typedef {'soon' | 'token' | 'later' | 'never'} Return
 */

/** @type {Record<number | string, Return | undefined>} */
const RETURNS = {
  4400: 'later', // twenty bad messages: sending them again would earn the same
  4401: 'token',
  4403: 'never', // deactivated, or signed out everywhere
  4409: 'later', // too many connections
  4429: 'later', // flooding
};

/** The bounds of the time to stay away after `later`, milliseconds. */
export const LATER = { least: 15_000, most: 60_000 };

/**
 * @param {number | string} code
 * @returns {Return}
 */
export function returnAfter(code) {
  return RETURNS[code] ?? 'soon';
}
