// @ts-check
/** Where the server is. Pure but for the page's own address, and without what React Native's `URL` lacks. */

const ABSOLUTE = /^(ws|http)(s?):\/\//i;

/**
 * @param {string} [url] absolute, or relative to the page
 * @param {string} [page] the page's address
 * @returns {string} with the scheme of a socket
 */
export function socketUrl(url = '/ws/', page = globalThis.location?.href) {
  const address = ABSOLUTE.test(url) ? url : new URL(url, page).href;
  if (!ABSOLUTE.test(address)) throw new TypeError(`Not the URL of a socket: ${address}`);
  return address.replace(ABSOLUTE, (_, __, secure) => `ws${secure.toLowerCase()}://`).replace(/#.*$/s, '');
}

/**
 * @param {string} socketUrl
 * @returns {string} of the API beside the socket
 */
export function apiUrl(socketUrl) {
  const [, , secure, host] = /** @type {RegExpMatchArray} */ (socketUrl.match(/^(ws)(s?):\/\/([^/?]*)/));
  return `http${secure}://${host}/api/`;
}

/**
 * @param {Record<string, string | number | undefined>} fields those that are undefined are left out
 * @returns {string} a query without its question mark
 */
export function toQuery(fields) {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  return pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&');
}
