// @ts-check
/**
 * Pages without a network: a service worker keeps copies of pages and their files, and the board keeps a copy of itself.
 *
 * All copies are in one cache, of one user. Browsers without such a cache, or on an insecure address, go on without.
 */

import { toSnapshot } from '../reducer.js';
import { api, base, own } from './site.js';

/** The name of the cache; `static/js/offline/worker.js` gets the same. */
const COPIES = `${own}.copies`;
/** Says whose copies they are. */
const OWNER = `${base}/copies/owner`;
/** How often the board's copy is brought up to date, milliseconds. */
const KEEP_INTERVAL = 30_000;

/**
 * Have the pages of this user open without a network from now on.
 *
 * @param {string} userId
 * @returns {Promise<void>} once there is a copy of this page
 */
export async function workOffline(userId) {
  const { serviceWorker } = navigator;
  if (!serviceWorker || !globalThis.caches) return;
  try {
    await takeOver(userId);
    const isFirst = !serviceWorker.controller;
    await serviceWorker.register(`${base}/worker.js`, { scope: `${base}/` });
    await serviceWorker.ready;
    // What was loaded before there was a worker has passed none.
    if (isFirst) await copyPage();
  } catch {
    // The browser forbids it, or there is no room: the page works as before.
  }
}

/** @param {string} userId what another user left in this browser is none of theirs */
async function takeOver(userId) {
  const owner = await (await caches.open(COPIES)).match(OWNER);
  if (owner && (await owner.text()) === userId) return;
  if (owner) await forgetCopies();
  await (await caches.open(COPIES)).put(OWNER, new Response(userId));
}

async function copyPage() {
  const cache = await caches.open(COPIES);
  const { head } = document;
  const parts = /** @type {NodeListOf<HTMLLinkElement | HTMLScriptElement>} */ (head.querySelectorAll('link[rel=stylesheet], link[rel=icon], script[src]'));
  const addresses = [...parts].map((one) => ('href' in one ? one.href : one.src));
  const loaded = performance.getEntriesByType('resource').filter(({ name }) => /\.(js|css|svg)$/.test(name.replace(/[?#].*$/s, '')));
  await cache.addAll([...new Set([location.pathname, ...addresses, ...loaded.map(({ name }) => name)])]);
}

/**
 * Keep a copy of the board as it is, from time to time and when the page is left; `keep` does it at once.
 *
 * @param {import("../state/store.js").BoardStore} store
 * @param {() => boolean} isOver whether the user may see it no longer, or has signed out
 * @returns {() => void} `keep`
 */
export function keepCopyOf(store, isOver) {
  /** @type {import("../reducer.js").BoardState | null} */
  let kept = null;
  const keep = () => {
    if (!store.state || store.state === kept || isOver()) return;
    kept = store.state;
    void keepBoard(toSnapshot(kept));
  };
  setInterval(keep, KEEP_INTERVAL);
  document.addEventListener('visibilitychange', keep);
  return keep;
}

/** @param {import("../reducer.js").Snapshot} board @returns {Promise<void>} */
async function keepBoard(board) {
  const cache = await copies();
  await cache?.put(addressOf(board.project.id), Response.json(board)).catch(() => {});
}

/** @param {number} projectId @returns {Promise<import("../reducer.js").Snapshot | null>} the board as it was kept */
export async function keptBoard(projectId) {
  const copy = await (await copies())?.match(addressOf(projectId));
  return copy ? copy.json() : null;
}

/** @param {number} projectId that the user sees no longer @returns {Promise<void>} */
export async function forgetBoard(projectId) {
  const cache = await copies();
  for (const address of [addressOf(projectId), `${base}/projects/${projectId}/`]) await cache?.delete(address);
}

/** @returns {Promise<void>} */
export async function forgetCopies() {
  await globalThis.caches?.delete(COPIES).catch(() => false);
}

/** @returns {Promise<Cache | null>} null: this browser has none */
async function copies() {
  return (await globalThis.caches?.open(COPIES).catch(() => null)) ?? null;
}

/** @param {number} projectId */
function addressOf(projectId) {
  return `${api}projects/${projectId}/board/`;
}
