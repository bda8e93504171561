// @ts-check
/** Coming back to a board: what others changed meanwhile is said once, and marked until one has looked at it. */

import { fetchEvents } from '../page/api.js';
import { setText } from '../ui/dom.js';
import { t, tn } from '../language/language.js';

const MOST_MISSED = 500; // events of the log that are read to find what one missed

export class Returning {
  /**
   * @param {{
   *   projectId: number, store: import("../state/store.js").BoardStore, absence: import("./absence.js").Absence,
   *   toasts: import("../ui/toasts.js").Toasts, button: HTMLElement,
   * }} parts `button` takes all marks away
   */
  constructor({ projectId, store, absence, toasts, button }) {
    this.projectId = projectId;
    this.store = store;
    this.absence = absence;
    this.toasts = toasts;
    this.button = button;
    /** Whether the page is not in step with the board, so that what comes is what one missed. */
    this.isAway = false;
    /** How far this browser had shown the board before this page. */
    this.last = absence.read();
    button.addEventListener('click', () => this.#seeAll());
    addEventListener('pagehide', () => this.#remember());
    document.addEventListener('visibilitychange', () => this.#remember());
  }

  /** @param {import("../state/store.js").View} view */
  paint(view) {
    const unseen = [...this.absence.marks.keys()].filter((id) => view.tasks.has(id)).length;
    this.button.hidden = !unseen;
    setText(this.button, tn(unseen, 'Mark {count} task as seen', 'Mark {count} tasks as seen'));
  }

  /** The page lost step. */
  left() {
    this.isAway = true;
  }

  /** It is in step again. */
  back() {
    this.isAway = false;
    this.#say('outage');
    this.#remember();
    this.store.paint();
  }

  /** Marks what others changed since the last visit. @param {{seq: number, epoch: string}} board the one on the screen */
  async lookBack({ seq, epoch }) {
    const { last, store } = this;
    if (last && last.epoch === epoch && last.seq < seq) {
      const most = Math.min(seq - last.seq, MOST_MISSED);
      const { events, reset } = await fetchEvents(this.projectId, last.seq, most).catch(() => ({ events: [], reset: true }));
      if (!reset && store.state) for (const frame of events) if ((frame.seq ?? 0) <= seq) this.absence.missed(frame, store.state);
    }
    this.#say('visit');
    store.paint();
  }

  /** @param {number | null} taskId the user looks at its card, or at the task */
  seen(taskId) {
    if (taskId === null || !this.absence.marks.delete(taskId)) return;
    this.#remember();
    this.store.paint();
  }

  /** @param {'visit' | 'outage'} since */
  #say(since) {
    const words = this.absence.back(since);
    const all = { label: t('Mark all as seen'), act: () => this.#seeAll() };
    if (words) this.toasts.say(words, ...(this.absence.marks.size ? [all] : []));
  }

  #seeAll() {
    this.absence.marks.clear();
    this.#remember();
    this.store.paint();
  }

  #remember() {
    if (this.store.state && !this.isAway) this.absence.remember(this.store.state);
  }
}
