// @ts-check
/** What a person can ask for: each goes to the server, shows at once as waiting, and tells if it was refused. */

import { explain, FIELD_NAMES, quote } from './words.js';

/**
 * @typedef {import("./store.js").BoardStore} BoardStore
 * @typedef {import("./reducer.js").Task} Task
 * @typedef {{report: (text: string, action?: {label: string, act: () => void}) => void}} Problems
 * @typedef {{say: (text: string, ...actions: {label: string, act: () => void}[]) => void}} Toasts
 */

export class Commands {
  /**
   * @param {{
   *   client: any, store: BoardStore, problems: Problems, toasts: Toasts, projectId: number,
   *   openTask: (taskId: number) => void,
   * }} parts `client` is the page's TaskManagerWebSocket
   */
  constructor({ client, store, problems, toasts, projectId, openTask }) {
    this.client = client;
    this.store = store;
    this.problems = problems;
    this.toasts = toasts;
    this.projectId = projectId;
    this.openTask = openTask;
    /** @type {Map<string, {last: Promise<void>, version: number}>} our own edits, by task and field */
    this.edits = new Map();
    /** @type {number | null} the task whose panel is open: it shows its conflicts itself */
    this.shownTask = null;
  }

  /**
   * @param {string} status
   * @param {string} title
   * @returns {Promise<boolean>} whether it was created
   */
  async create(status, title) {
    const ghost = this.store.addGhost(status, title);
    try {
      const { task } = await this.client.createTask(this.projectId, { title, status });
      this.store.nameGhost(ghost, task.id);
      return true;
    } catch (error) {
      this.store.dropGhost(ghost);
      this.problems.report(`${quote(title)} was not created. ${explain(error)}`);
      return false;
    }
  }

  /**
   * @param {number} taskId
   * @param {import("./pending.js").Place} place
   */
  async move(taskId, { status, beforeId }) {
    const task = this.store.state?.tasks.get(taskId);
    if (!task) return;
    const expectation = this.store.expect(taskId, { patch: { status }, place: { status, beforeId } });
    try {
      const answer = await this.client.moveTask(taskId, beforeId === null ? { status } : { status, beforeId });
      this.store.fulfil(expectation, answer.version);
    } catch (error) {
      this.store.forget(expectation);
      this.problems.report(`${quote(task.title)} was not moved. ${explain(error)}`);
    }
  }

  /**
   * Changes one field of a task.
   *
   * Two edits of one field in a row wait for each other: the second is made on what the first wrote, which
   * only the first one's answer can name. Edits of different fields do not meet.
   *
   * @param {number} taskId
   * @param {string} field
   * @param {any} value
   * @param {number} version the task's version that the person was looking at
   * @returns {Promise<void>} settled when it was answered, whichever way
   */
  update(taskId, field, value, version) {
    const key = `${taskId} ${field}`;
    const expectation = this.store.expect(taskId, { patch: { [field]: value } });
    const before = this.edits.get(key) ?? { last: Promise.resolve(), version: 0 };
    const edit = { version: before.version, last: Promise.resolve() };
    edit.last = before.last.then(async () => {
      const base = Math.max(version, before.version);
      edit.version = (await this.#send(taskId, field, value, base, expectation)) ?? before.version;
    });
    this.edits.set(key, edit);
    return edit.last;
  }

  /** @param {number} taskId deleted at once, and offered back for a while */
  async remove(taskId) {
    const task = this.store.state?.tasks.get(taskId);
    if (!task) return;
    const expectation = this.store.expect(taskId);
    try {
      await this.client.deleteTask(taskId);
      this.toasts.say(`Deleted ${quote(task.title)}`, { label: 'Undo', act: () => this.restore(task) });
    } catch (error) {
      this.store.forget(expectation);
      if (/** @type {any} */ (error).code === 'not_found') return; // somebody else was faster
      this.problems.report(`${quote(task.title)} was not deleted. ${explain(error)}`);
    }
  }

  /** @param {Task} task */
  async restore(task) {
    try {
      await this.client.restoreTask(task.id);
    } catch (error) {
      this.problems.report(`${quote(task.title)} was not restored. ${explain(error)}`);
    }
  }

  /**
   * @param {number} taskId
   * @param {string} field
   * @param {any} value
   * @param {number} version
   * @param {import("./pending.js").Expectation} expectation
   * @returns {Promise<number | null>} the version that it made, null where it was refused
   */
  async #send(taskId, field, value, version, expectation) {
    try {
      const answer = await this.client.updateTask(taskId, { [field]: value }, version);
      this.store.fulfil(expectation, answer.version);
      return answer.version;
    } catch (error) {
      const title = quote(this.store.state?.tasks.get(taskId)?.title ?? 'the task');
      this.store.forget(expectation);
      this.#refused({ taskId, field, value, version, title, error });
      return null;
    }
  }

  /** @param {{taskId: number, field: string, value: any, version: number, title: string, error: any}} edit */
  #refused({ taskId, field, value, version, title, error }) {
    const current = error.code === 'conflict' ? error.details?.task : null;
    const name = FIELD_NAMES[field];
    if (!current) {
      const again = { label: 'Try again', act: () => void this.update(taskId, field, value, version) };
      const isFinal = ['forbidden', 'not_found', 'invalid_data'].includes(error.code);
      return this.problems.report(
        `The ${name} of ${title} was not changed. ${explain(error)}`,
        isFinal ? undefined : again,
      );
    }
    this.store.setConflict(taskId, field, { mine: value, version: current.version });
    if (this.shownTask === taskId) return;
    this.problems.report(`Somebody else changed the ${name} of ${title} while you did.`, {
      label: 'Compare',
      act: () => this.openTask(taskId),
    });
  }
}
