// @ts-check
/** The user's notifications over HTTP: pages of them, and putting a reminder off. */

/** How long an answer may take, milliseconds. */
const PATIENCE = 20_000;

/**
 * @typedef {import('./envelope.js').Frame & {read: boolean}} Notification
 *
 * @typedef {object} InboxPage
 * @property {number} count of all of them
 * @property {string | null} next
 * @property {string | null} previous
 * @property {Notification[]} results newest first
 * @property {number} seq the last event of the user room
 * @property {string} epoch
 * @property {number} unread
 */

export class Inbox {
  #rest;
  #closed = new AbortController();

  /** @param {import('./rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * @param {{unread?: boolean, page?: number, pageSize?: number}} which
   * @returns {Promise<InboxPage>}
   */
  async page({ unread = false, page = 1, pageSize = 50 }) {
    const query = new URLSearchParams({ page: String(page), page_size: String(pageSize) });
    if (unread) query.set('unread', '1');
    return this.#call({ method: 'GET', path: `notifications/?${query}` });
  }

  /**
   * @param {number} seq of a reminder
   * @param {number} minutes
   * @param {string} key
   * @returns {Promise<{seq: number, remind_at: string}>}
   */
  async snooze(seq, minutes, key) {
    return this.#call({ method: 'POST', path: `notifications/${seq}/snooze/`, body: { minutes }, key });
  }

  /** Whoever still waits for an answer is refused it. */
  close() {
    this.#closed.abort();
  }

  /** @param {import('./rest.js').Request} request */
  #call(request) {
    return this.#rest.call(request, { signal: this.#closed.signal, patience: PATIENCE });
  }
}
