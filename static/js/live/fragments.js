// @ts-check
/** Fetches the page again when a room of it changed, and puts what is new into the elements of that room. */

import { backoff } from '../client/backoff.js';
import { send } from '../client/http.js';
import { morph, morphChildren } from './morph.js';

/** The longest pause between two tries to fetch a page, milliseconds. */
const RETRY = { cap: 30_000 };
/** What shows a view that its answer is not a page that the user opened. */
const HEADER = 'X-Live-Refresh';
/** What a server answers that may answer otherwise a little later. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The elements of one URL that are to be fetched. */
class Source {
  /** @type {Set<HTMLElement>} */
  stale = new Set();
  isBusy = false;
}

export class Fragments {
  /** @type {Map<string, Source>} by the URL */
  #sources = new Map();

  #user;
  #ended;

  /**
   * @param {string} user whose page it is
   * @param {() => void} ended called when a page of another user came: that one has signed in, in another tab
   */
  constructor(user, ended) {
    this.#user = user;
    this.#ended = ended;
    document.addEventListener('visibilitychange', () => {
      for (const [url, source] of this.#sources) this.#start(url, source);
    });
  }

  /** @param {HTMLElement} element which is no longer what the server would send */
  refresh(element) {
    const url = new URL(element.dataset.liveUrl ?? '', location.href);
    url.hash = '';
    const source = this.#sources.get(url.href) ?? new Source();
    this.#sources.set(url.href, source);
    source.stale.add(element);
    this.#start(url.href, source);
  }

  /**
   * Begin, unless it has begun. A page that is in the background is fetched when its user comes back to it.
   *
   * @param {string} url
   * @param {Source} source
   */
  #start(url, source) {
    if (!source.isBusy && document.visibilityState !== 'hidden') this.#work(url, source);
  }

  /**
   * One request at a time: what becomes stale meanwhile needs another one, since the answer may be older.
   *
   * @param {string} url
   * @param {Source} source
   */
  async #work(url, source) {
    source.isBusy = true;
    for (let failures = 0; source.stale.size > 0; ) {
      const elements = [...source.stale].filter((element) => element.isConnected);
      source.stale.clear();
      if (!elements.length) break;
      const page = await fetchPage(url);
      if (page === 'later') {
        for (const element of elements) source.stale.add(element);
        await new Promise((resolve) => setTimeout(resolve, backoff(failures, Math.random, RETRY)));
        failures += 1;
      } else {
        failures = 0;
        if (!page) continue;
        if ((userOf(page) ?? this.#user) !== this.#user) return this.#ended();
        for (const element of elements) takeOver(element, page);
      }
    }
    this.#sources.delete(url);
  }
}

/**
 * @param {string} url
 * @returns {Promise<Document | 'later' | null>} null: the server refuses it
 */
async function fetchPage(url) {
  try {
    const response = await send(url, { headers: { Accept: 'text/html', [HEADER]: '1' }, cache: 'no-store' });
    if (PASSING.has(response.status)) return 'later';
    return response.ok ? new DOMParser().parseFromString(await response.text(), 'text/html') : null;
  } catch {
    return 'later';
  }
}

/**
 * @param {Document} page
 * @returns {string | undefined} undefined: it does not say, as a part of a page does not
 */
function userOf(page) {
  return /** @type {HTMLElement | null} */ (page.querySelector('script[data-taskrealtime-live]'))?.dataset.user;
}

/**
 * @param {HTMLElement} element
 * @param {Document} page
 */
function takeOver(element, page) {
  if (!element.isConnected) return;
  const found = counterpart(element, page);
  if (found) morph(element, found);
  else if (element.dataset.liveUrl !== undefined) morphChildren(element, page.body);
  else return; // Another page came, such as that to sign in.
  element.dispatchEvent(new CustomEvent('live-refreshed', { bubbles: true }));
}

/**
 * @param {HTMLElement} element
 * @param {Document} page
 * @returns {Element | null} the element of the same id in another rendering of its page, else that of the same room at the same place
 */
function counterpart(element, page) {
  if (element.id) return page.getElementById(element.id);
  const selector = `[data-live-records][data-live-room="${CSS.escape(element.dataset.liveRoom ?? '')}"]:not([id])`;
  return page.querySelectorAll(selector)[[...document.querySelectorAll(selector)].indexOf(element)] ?? null;
}
