// @ts-check
/** The list of what could not be done: it stays until the user has read it, over reloads of this tab, too. */

import { copyText } from './clipboard.js';
import { find } from './dom.js';
import { t } from '../language/language.js';
import { own } from '../page/site.js';

/**
 * @typedef {import("./toasts.js").Action & {copies?: string}} Action `copies`: a text that would be lost
 * @typedef {{text: string, lost: string | null}} Kept of a problem, over a reload
 */

const PREFIX = `${own}.problems`;
const MOST = 50; // that are kept; the oldest go first

export class Problems {
  /**
   * @param {HTMLElement} region
   * @param {{userId: number, projectId: number, storage?: Storage}} memory whose, and of which board; it ends with the tab
   */
  constructor(region, { userId, projectId, storage = sessionStorage }) {
    this.region = region;
    this.list = find(region, '[data-problem-list]');
    this.key = `${PREFIX}.${userId}.${projectId}`;
    this.storage = storage;
    /** @type {Map<HTMLElement, Kept>} */
    this.kept = new Map();
    find(region, '[data-clear-problems]').addEventListener('click', () => this.clear());
    for (const { text, lost } of this.#read()) this.report(text, ...(lost ? [copying(lost)] : []));
  }

  /**
   * Something that the user did came to nothing.
   *
   * @param {string} text
   * @param {...Action} actions what can be done about it, beside reading it; after a reload a text can be copied still
   */
  report(text, ...actions) {
    const item = this.show(text, ...actions);
    this.kept.set(item, { text, lost: actions.find(({ copies }) => copies)?.copies ?? null });
    this.#keep();
  }

  /**
   * The page itself is not well, which a reload may mend.
   *
   * @param {string} text
   * @param {...Action} actions
   * @returns {HTMLElement}
   */
  show(text, ...actions) {
    const item = document.createElement('li');
    item.className = 'problem';
    const words = document.createElement('span');
    words.className = 'problem__text';
    words.textContent = text;
    const tools = document.createElement('span');
    tools.className = 'problem__tools';
    for (const action of actions) tools.append(this.#button(action, item));
    tools.append(this.#button({ label: t('Dismiss'), act: () => {} }, item));
    item.append(words, tools);
    this.region.hidden = false;
    this.list.append(item);
    return item;
  }

  clear() {
    this.list.replaceChildren();
    this.region.hidden = true;
    this.kept.clear();
    this.#keep();
  }

  /** @param {HTMLElement} item */
  #remove(item) {
    item.remove();
    this.region.hidden = !this.list.childElementCount;
    if (this.kept.delete(item)) this.#keep();
  }

  /** @param {Action} action @param {HTMLElement} item @returns {HTMLButtonElement} */
  #button({ label, act, stays }, item) {
    const element = document.createElement('button');
    element.type = 'button';
    element.className = 'button button--outline';
    element.textContent = label;
    element.addEventListener('click', () => {
      if (!stays) this.#remove(item);
      act();
    });
    return element;
  }

  /** @returns {Kept[]} */
  #read() {
    try {
      return JSON.parse(this.storage.getItem(this.key) ?? '[]');
    } catch {
      return [];
    }
  }

  #keep() {
    try {
      if (this.kept.size) this.storage.setItem(this.key, JSON.stringify([...this.kept.values()].slice(-MOST)));
      else this.storage.removeItem(this.key);
    } catch {
      // The browser's room is full: what is on the screen is there still.
    }
  }
}

/** @param {string} text that would be lost @returns {Action} */
export function copying(text) {
  return { label: t('Copy text'), act: () => void copyText(text), stays: true, copies: text };
}

/** Forgets the user's problems of every board in this tab. @param {number} userId */
export function forgetProblems(userId) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(`${PREFIX}.${userId}.`)) sessionStorage.removeItem(key);
}
