// @ts-check
/**
 * Answers for pages while there is no network, with the copy of the last time: the service worker of all below the board's base.
 *
 * `taskrealtime.pages.offline` loads it, and says where the board and its static files are.
 */

(() => {
  const worker = /** @type {any} */ (globalThis);
  /** @type {{base: string, assets: string, copies: string}} `assets`: their address begins so; `copies`: the name of the cache */
  const { base, assets, copies } = worker.taskrealtime;

  /** How many copies are kept of each kind; the oldest go. Without a bundle a page has more than a hundred modules. */
  const MOST = { page: 20, asset: 250 };
  /** What a proxy answers whose server is down. */
  const DOWN = [502, 503, 504];

  worker.addEventListener('install', () => worker.skipWaiting());
  worker.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));
  worker.addEventListener('fetch', (/** @type {any} */ event) => {
    const kind = kindOf(event.request);
    if (kind) event.respondWith(answer(event, kind));
  });

  /** @param {Request} request @returns {"page" | "asset" | null} null: not for us to answer */
  function kindOf({ method, mode, url }) {
    if (method !== 'GET') return null;
    if (url.startsWith(assets)) return 'asset';
    const { origin, pathname } = new URL(url);
    if (mode !== 'navigate' || origin !== worker.location.origin || !pathname.startsWith(`${base}/`)) return null;
    return /^(projects\/\d+\/)?$/.test(pathname.slice(base.length + 1)) ? 'page' : null;
  }

  /**
   * @param {any} event
   * @param {"page" | "asset"} kind
   * @returns {Promise<Response>} the server's answer; the copy where there is none
   */
  async function answer(event, kind) {
    const { request } = event;
    // What a page was filtered by is not the server's matter.
    const key = request.url.replace(/[?#].*$/s, '');
    const cache = await worker.caches.open(copies);
    const copy = () => cache.match(key, { ignoreVary: true });
    let response;
    try {
      response = await fetch(request);
    } catch (error) {
      const kept = await copy();
      if (kept) return kept;
      throw error;
    }
    if (DOWN.includes(response.status)) return (await copy()) ?? response;
    if (response.ok) event.waitUntil(keep(cache, key, response.clone(), kind));
    else if (response.status === 404) event.waitUntil(cache.delete(key));
    return response;
  }

  /**
   * @param {Cache} cache
   * @param {string} key
   * @param {Response} response
   * @param {"page" | "asset"} kind
   */
  async function keep(cache, key, response, kind) {
    const before = await cache.match(key, { ignoreVary: true });
    // Nothing is written anew that is there as it is.
    if (kind === 'asset' && before && isSame(before, response)) return;
    await cache.delete(key);
    await cache.put(key, response);
    const keys = (await cache.keys()).filter(({ url }) => url.startsWith(assets) === (kind === 'asset'));
    for (const old of keys.slice(0, -MOST[kind])) await cache.delete(old);
  }

  /** @param {Response} one @param {Response} other */
  function isSame(one, other) {
    return ['ETag', 'Last-Modified'].some((name) => one.headers.get(name) && one.headers.get(name) === other.headers.get(name));
  }
})();
