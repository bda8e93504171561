// @ts-check
/**
 * The own notifications as far as they are known here. Pure.
 *
 * The user room numbers them 1, 2, 3, … without gaps, and they are read up to a number. So two numbers that only grow
 * say how many wait, in whichever order answers and events come: the newest one, and the one up to which they were read.
 */

/**
 * @typedef {import("../../client/wire.d.ts").LoggedFrame} Notification
 * @typedef {import("../state/frames.js").About} About
 * @typedef {Pick<import("../../client/wire.d.ts").NotificationPage, "results" | "next" | "seq" | "unread">} Page
 *   of the client's `notifications`
 * @typedef {{items: readonly Notification[], head: number, readUpTo: number, next: string | null, isLoaded: boolean}} Inbox
 *   `items` newest first; `head`: the newest number; `next`: where the older ones are
 */

/** @type {Inbox} */
export const EMPTY = { items: [], head: 0, readUpTo: 0, next: null, isLoaded: false };

/** @param {Inbox} inbox @returns {number} */
export function unreadIn({ head, readUpTo }) {
  return Math.max(0, head - readUpTo);
}

/**
 * The server said where the room stands; the events that were missed follow, and change nothing about that.
 *
 * @param {Inbox} inbox
 * @param {{seq: number, unread?: number}} standing
 * @returns {Inbox}
 */
export function stand(inbox, { seq, unread = 0 }) {
  return read({ ...inbox, head: Math.max(inbox.head, seq) }, seq - unread);
}

/**
 * A page of the list, the first one or an older one.
 *
 * @param {Inbox} inbox
 * @param {Page} page
 * @returns {Inbox}
 */
export function takePage(inbox, page) {
  return { ...stand(inbox, page), items: merge(inbox.items, page.results), next: page.next, isLoaded: true };
}

/**
 * @param {Inbox} inbox
 * @param {Notification} notification of the user room
 * @returns {Inbox}
 */
export function arrive(inbox, notification) {
  const { seq } = notification;
  return { ...inbox, items: merge(inbox.items, [notification]), head: Math.max(inbox.head, seq) };
}

/**
 * They were read, here or somewhere else.
 *
 * @param {Inbox} inbox
 * @param {number} upTo
 * @returns {Inbox}
 */
export function read(inbox, upTo) {
  return upTo > inbox.readUpTo ? { ...inbox, readUpTo: upTo } : inbox;
}

/**
 * Content was deleted, or is no longer ours to see: what was announced of it keeps its place and loses its words, as the
 * server's list does.
 *
 * @param {Inbox} inbox
 * @param {(data: About) => boolean} isGone
 * @returns {Inbox}
 */
export function redact(inbox, isGone) {
  const isNews = (/** @type {Notification} */ { data }) => !data.redacted && isGone(data);
  if (!inbox.items.some(isNews)) return inbox;
  return { ...inbox, items: inbox.items.map((item) => (isNews(item) ? withoutWords(item) : item)) };
}

/**
 * Up to which number everything has been seen. Reading is reported up to a number, so an unseen one holds up the newer.
 *
 * @param {Inbox} inbox
 * @param {ReadonlySet<number>} seen numbers that were on the screen
 * @returns {number} 0: nothing to report
 */
export function seenUpTo({ items, head, readUpTo }, seen) {
  const unread = items.filter(({ seq }) => seq > readUpTo).reverse();
  if (unread.length < head - readUpTo) return 0; // older ones are not even loaded
  const firstUnseen = unread.findIndex(({ seq }) => !seen.has(seq));
  const run = firstUnseen < 0 ? unread : unread.slice(0, firstUnseen);
  return run[run.length - 1]?.seq ?? 0;
}

/** @param {readonly Notification[]} known @param {readonly Notification[]} more @returns {Notification[]} newest first, each once */
function merge(known, more) {
  const bySeq = new Map([...known, ...more].map((item) => [item.seq, item]));
  return [...bySeq.values()].sort((a, b) => b.seq - a.seq);
}

/** @param {Notification} notification @returns {Notification} */
function withoutWords(notification) {
  /** @type {About} */
  const { title, comment, ...rest } = notification.data;
  const data = { ...rest, redacted: true, ...(comment && { comment: { ...comment, content: '', content_html: '' } }) };
  return /** @type {Notification} */ ({ ...notification, data });
}
