// @ts-check
/** The user's notifications over HTTP: pages of them, and putting a reminder off. */

import { toQuery } from './urls.js';

/** How long an answer may take, milliseconds. */
const PATIENCE = 20_000;

export class Inbox {
  #rest;
  #closed = new AbortController();

  /** @param {import('./rest.js').Rest} rest */
  constructor(rest) {
    this.#rest = rest;
  }

  /**
   * @param {{unread?: boolean, page?: number, pageSize?: number}} which
   * @returns {Promise<import('./wire.d.ts').NotificationPage>}
   */
  async page({ unread = false, page = 1, pageSize = 50 }) {
    const query = toQuery({ page, page_size: pageSize, unread: unread ? 1 : undefined });
    return this.#call({ method: 'GET', path: `notifications/?${query}` });
  }

  /**
   * @param {number} seq of a reminder
   * @param {number} minutes
   * @param {string} key
   * @returns {Promise<import('./wire.d.ts').Snoozed>}
   */
  async snooze(seq, minutes, key) {
    return this.#call({ method: 'POST', path: `notifications/${seq}/snooze/`, body: { minutes }, key });
  }

  /** Callers that still wait for an answer are refused it. */
  close() {
    this.#closed.abort();
  }

  /** @param {import('./rest.js').Request} request */
  #call(request) {
    return this.#rest.call(request, { signal: this.#closed.signal, patience: PATIENCE });
  }
}
