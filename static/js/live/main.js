// @ts-check
/** What `{% live_client %}` loads: the page's connection, and the elements that name a room. */

import { TaskManagerWebSocket } from '../client/client.js';
import { callApi } from '../client/http.js';
import { Elements } from './elements.js';
import { Fragments } from './fragments.js';

export { TaskManagerWebSocket };

/** @typedef {{live?: TaskManagerWebSocket | null}} Shared */

const shared = /** @type {{taskrealtime?: Shared}} */ (globalThis);

/** @returns {TaskManagerWebSocket | null} null: the page has no `{% live_client %}`, or its user is not signed in */
function start() {
  const script = /** @type {HTMLScriptElement | null} */ (document.querySelector('script[data-taskrealtime-live]'));
  if (!script) return null;
  const { socket = '/ws/', api = '' } = script.dataset;
  const base = new URL(api, location.href).href;
  const client = new TaskManagerWebSocket({ url: socket, api: base, token: () => fetchToken(base, script.dataset) });
  const fragments = new Fragments(script.dataset.user ?? '', () => client.close());
  const elements = new Elements(client, (element) => {
    if (element.dataset.liveRecords !== undefined) fragments.refresh(element);
  });
  elements.watch(document);
  return client;
}

/**
 * @param {string} base
 * @param {DOMStringMap} page what the tag says of the page
 * @returns {Promise<string>}
 */
async function fetchToken(base, page) {
  const headers = { [page.csrfHeader ?? 'X-CSRFToken']: csrfToken(page), 'X-Page-User': page.user ?? '' };
  return (await callApi(`${base}token/session/`, { method: 'POST', headers })).access;
}

/**
 * @param {DOMStringMap} page
 * @returns {string} the cookie's as it is now, since signing in from another tab replaces it; the page's where scripts see no cookie
 */
function csrfToken({ csrfCookie, csrfToken = '' }) {
  const pairs = document.cookie.split('; ').map((pair) => /** @type {[string, string]} */ (pair.split('=', 2)));
  const token = csrfCookie && new Map(pairs).get(csrfCookie);
  return token ? decodeURIComponent(token) : csrfToken;
}

/** The page's connection. A second copy of this module, by whatever URL it was loaded, takes that of the first. */
export const live = shared.taskrealtime?.live ?? start();
shared.taskrealtime = { ...shared.taskrealtime, live };
