// @ts-check
/** What concerns the signed-in user: keeps the inbox in step with the own user room, and reports it to its views. */

import { taskIdOf } from '../state/frames.js';
import { arrive, EMPTY, read, redact, seenUpTo, stand, takePage, unreadIn } from './inbox.js';

/**
 * @typedef {import("./inbox.js").Inbox} Inbox
 * @typedef {import("./inbox.js").Notification} Notification
 * @typedef {import("../state/frames.js").About} About
 */

const PAGE = 20; // notifications at a time
const LOOKED = 700; // ms that a notification is on the screen before it counts as read

export class Notifications {
  /** @param {{client: import("../../client/client.js").TaskManagerWebSocket, arrived: (notification: Notification) => void}} parts `arrived` is called with each new one, once */
  constructor({ client, arrived }) {
    this.client = client;
    /** @type {Inbox} */
    this.inbox = EMPTY;
    this.isLoading = false;
    /** @type {((subject: About) => boolean)[]} what was deleted since a page was asked for, which may have it still */
    this.goneMeanwhile = [];
    /** @type {any} why the last page did not come */
    this.error = null;
    /** @type {Set<number>} */
    this.seen = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    client.on('connected', (standing) => this.#become(stand(this.inbox, standing)));
    client.on('notification', (_data, frame) => {
      // Each comes once. The list may have had it before, and then it was not announced yet.
      this.#become(arrive(this.inbox, frame));
      if (frame.seq > this.inbox.readUpTo) arrived(frame);
    });
    client.on('notifications_read', (data) => this.#become(read(this.inbox, data.up_to)));
    const gone = (/** @type {(subject: About) => boolean} */ isGone) => {
      if (this.isLoading) this.goneMeanwhile.push(isGone);
      this.#become(redact(this.inbox, isGone));
    };
    client.on('comment_deleted', ({ comment_id: id }) => gone(({ comment }) => comment?.id === id));
    client.on('task_deleted', ({ task_id: id, archived }) => archived || gone((subject) => subject.task_id === id));
    client.on('removed_from_project', ({ project_id: id }) => gone((subject) => subject.project_id === id));
    client.on('task_restored', ({ task }) => this.#lookUp(task.id));
    client.on('reset', ({ project_id: projectId }) => {
      if (projectId !== null) return;
      this.seen.clear(); // other events have those numbers now
      this.#startAnew(EMPTY);
    });
  }

  /** @param {() => void} listener called whenever something is different */
  subscribe(listener) {
    this.listeners.add(listener);
  }

  /** @returns {number} */
  get unread() {
    return unreadIn(this.inbox);
  }

  /** Fetches the first page, or the next older one. */
  async load() {
    if (this.isLoading) return;
    this.isLoading = true;
    this.goneMeanwhile = [];
    this.error = null;
    this.#notify();
    try {
      // What arrived meanwhile moves the pages: the next one may begin with some that are known, and leaves none out.
      const page = this.inbox.isLoaded ? Math.floor(this.inbox.items.length / PAGE) + 1 : 1;
      const answer = await this.client.notifications({ page, pageSize: PAGE });
      this.inbox = this.goneMeanwhile.reduce(redact, takePage(this.inbox, answer));
    } catch (error) {
      this.error = error;
    }
    this.isLoading = false;
    this.#notify();
  }

  /** A notification is on the screen, or led the user to what it is about. @param {number} seq */
  look(seq) {
    this.seen.add(seq);
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      const upTo = seenUpTo(this.inbox, this.seen);
      if (upTo) this.markRead(upTo);
    }, LOOKED);
  }

  markAllRead() {
    this.markRead(this.inbox.head);
  }

  /** @param {number} upTo */
  markRead(upTo) {
    if (upTo <= this.inbox.readUpTo) return;
    this.#become(read(this.inbox, upTo));
    this.client.notificationsRead(upTo).catch(() => {}); // kept over a lost connection; refused only where it is closed
  }

  /** A deleted task is back, and the words about it with it. @param {number} taskId */
  #lookUp(taskId) {
    const { items, head, readUpTo } = this.inbox;
    this.goneMeanwhile = [];
    if (items.some((item) => item.data.redacted && taskIdOf(item) === taskId)) this.#startAnew({ ...EMPTY, head, readUpTo });
  }

  /** What is listed is not certain any more. @param {Inbox} inbox what is */
  #startAnew(inbox) {
    const wasLoaded = this.inbox.isLoaded;
    this.#become(inbox);
    if (wasLoaded) this.load();
  }

  /** @param {Inbox} inbox */
  #become(inbox) {
    if (inbox === this.inbox) return;
    this.inbox = inbox;
    this.#notify();
  }

  #notify() {
    for (const listener of this.listeners) listener();
  }
}
