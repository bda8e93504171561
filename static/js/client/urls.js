// @ts-check
/** Where the server is. Pure but for the page's own address. */

/**
 * @param {string} [url] absolute, or relative to the page
 * @param {string} [page] the page's address
 * @returns {string} with the scheme of a socket
 */
export function socketUrl(url = '/ws/', page = globalThis.location?.href) {
  const address = new URL(url, page);
  address.protocol = address.protocol.replace('http', 'ws');
  address.hash = '';
  return address.href;
}

/**
 * @param {string} socketUrl
 * @returns {string} of the API beside the socket
 */
export function apiUrl(socketUrl) {
  const address = new URL('/api/', socketUrl);
  address.protocol = address.protocol.replace('ws', 'http');
  return address.href;
}
