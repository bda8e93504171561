// @ts-check
/** A list of what happened, of a project or of one task: newest first, older ones on demand, new ones as they come. */

import { clone, find, part, setAttribute, setText } from '../ui/dom.js';
import { write } from '../page/route.js';
import { readBack, toEntries } from './history.js';
import { t } from '../language/language.js';
import { createAvatar } from '../people/people.js';
import { ago, exact } from '../language/time.js';
import { explain } from '../language/words.js';

/** @typedef {import("../reducer.js").LoggedFrame} LoggedFrame */

const ENOUGH = 15; // entries that one press should bring
const PATIENCE = 5; // pages of the log that it may take: a task may be quiet while the project is not

export class Activity {
  /**
   * @param {HTMLElement} holder
   * @param {{store: import("../state/store.js").BoardStore, projectId: number, taskId?: number}} parts
   */
  constructor(holder, { store, projectId, taskId }) {
    this.store = store;
    this.projectId = projectId;
    this.taskId = taskId;
    const element = clone('activity');
    holder.replaceChildren(element);
    this.list = part(element, 'list');
    this.status = part(element, 'status');
    this.more = part(element, 'more');
    this.more.addEventListener('click', () => this.load());
    /** Events from here on are shown; null: nothing is, so far. @type {number | null} */
    this.from = null;
    /** How often the list was begun. */
    this.round = 0;
  }

  /** Another board: what is shown is no longer certain, and its numbers may be others. */
  reload() {
    if (this.from === null) return;
    this.from = null;
    this.round += 1;
    this.list.replaceChildren();
    this.load();
  }

  /** Fetches the newest, or older ones than those that are shown. */
  async load() {
    const { round } = this;
    this.more.hidden = true;
    this.#say(t('Loading…'));
    try {
      const added = await this.#readSome();
      if (round !== this.round) return;
      this.#say(this.list.childElementCount ? '' : t('No activity yet'));
      this.more.hidden = !added;
    } catch (error) {
      if (round !== this.round) return;
      this.#say(`${t('Couldn’t load the activity.')} ${explain(error)}`);
      this.more.hidden = false;
    }
  }

  /** @param {LoggedFrame} frame that has just come */
  apply(frame) {
    if (this.from === null || !this.store.state) return;
    for (const entry of toEntries([frame], this.store.state)) if (this.#isWanted(entry)) this.list.prepend(this.#create(entry));
    if (this.list.childElementCount) this.#say('');
  }

  /** @returns {Promise<boolean>} whether there may be more */
  async #readSome() {
    const { round } = this;
    for (let page = 0, found = 0; page < PATIENCE && found < ENOUGH; page += 1) {
      const { state } = this.store;
      if (!state) return true;
      const before = this.from ?? state.seq + 1;
      // What comes meanwhile is put before this page, not into it.
      this.from = before;
      const frames = await readBack(this.projectId, before);
      if (!frames.length || round !== this.round) return false;
      this.from = frames[0].seq ?? 1;
      const entries = toEntries(frames, state).filter((entry) => this.#isWanted(entry));
      this.list.append(...entries.map((entry) => this.#create(entry)));
      found += entries.length;
    }
    return /** @type {number} */ (this.from) > 1;
  }

  /** @param {import("./history.js").Entry} entry */
  #isWanted({ taskId }) {
    return this.taskId === undefined || taskId === this.taskId;
  }

  /** With a link to its task, but beside that. @param {import("./history.js").Entry} entry */
  #create(entry) {
    const element = createEntry(entry, entry.by && (this.store.member(entry.by.id) ?? entry.by));
    if (entry.taskId !== null && this.taskId === undefined) setAttribute(part(element, 'sentence'), 'href', write({ taskId: entry.taskId, commentId: null }));
    return element;
  }

  /** @param {string} text */
  #say(text) {
    this.status.hidden = !text;
    setText(this.status, text);
  }
}

/** @param {import("./history.js").Entry} entry @param {import("../people/people.js").Person | null} by as one knows the user today @returns {HTMLElement} */
function createEntry({ at, sentence }, by) {
  const element = clone('activity-entry');
  if (by) part(element, 'avatar').replaceWith(createAvatar(by));
  setText(part(element, 'sentence'), sentence);
  const time = /** @type {HTMLTimeElement} */ (find(element, 'time'));
  time.dateTime = at;
  time.title = exact(at);
  setText(time, ago(at, new Date()));
  return element;
}
