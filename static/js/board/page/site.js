// @ts-check
/** Where the board is on its host, as the server says it in the page's `<html>`; without a page, at the root. */

const given = /** @type {Record<string, string | undefined>} */ (globalThis.document?.documentElement.dataset ?? {});

/** The path below which all of the board is, without a slash at its end. */
export const base = given.base ?? '';

/** The API's path. */
export const api = `${base}/api/`;

/** The socket's path. */
export const socket = given.socket ?? '/ws/';

/** What this browser keeps has names that begin so: its host may have other boards, and pages of others. */
export const own = `taskrealtime${base}`;

/**
 * @param {string | undefined} text from an attribute or a control
 * @returns {number} the id of a user, as events have it. Some projects have text for ids: it is only ever compared and sent.
 */
export function userKey(text) {
  return given.userKeys === 'text' ? /** @type {any} */ (text ?? '') : Number(text);
}

/** @returns {{url: string, api: string}} where a client finds the server */
export function server() {
  return { url: socket, api: new URL(api, location.href).href };
}

/** @returns {string} where a user signs in and comes back from to this page */
export function signInUrl() {
  const url = new URL(given.signIn ?? '/login/', location.href);
  const here = location.pathname + location.search + location.hash;
  const next = encodeURIComponent(url.origin === location.origin ? here : location.origin + here).replaceAll('%2F', '/');
  url.search += `${url.search ? '&' : '?'}next=${next}`;
  return url.href;
}

/** @returns {Record<string, string>} the headers that show Django that a request comes from our page */
export function csrfHeaders() {
  return { [given.csrfHeader ?? 'X-CSRFToken']: csrfToken() };
}

/** @returns {string} the cookie's as it is now, since signing in from another tab replaces it; the page's where scripts see no cookie */
function csrfToken() {
  const cookies = new Map(document.cookie.split('; ').map((pair) => /** @type {[string, string]} */ (pair.split('=', 2))));
  const name = given.csrfCookie ?? '';
  const token = cookies.get(`__Host-${name}`) ?? cookies.get(name); // over TLS, and without it
  if (token) return decodeURIComponent(token);
  return /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name=csrf-token]'))?.content ?? '';
}
