// @ts-check
/** What a person can ask for: each goes to the server, shows at once as waiting, and tells if it was refused. */

import { archiveTask } from './api.js';
import { explain, FIELD_NAMES, quote } from './words.js';

/**
 * @typedef {import("./store.js").BoardStore} BoardStore
 * @typedef {import("./reducer.js").Task} Task
 * @typedef {{last: Promise<number | null>, version: number}} Edit `last`: its answer; `version`: the latest one of ours
 * @typedef {{report: (text: string, action?: {label: string, act: () => void}) => void}} Problems
 * @typedef {{say: (text: string, ...actions: {label: string, act: () => void}[]) => void}} Toasts
 */

export class Commands {
  /**
   * @param {{
   *   client: any, store: BoardStore, problems: Problems, toasts: Toasts, undo: import("./undo.js").Undo, projectId: number,
   *   openTask: (taskId: number) => void,
   * }} parts `client` is the page's TaskManagerWebSocket
   */
  constructor({ client, store, problems, toasts, undo, projectId, openTask }) {
    this.client = client;
    this.store = store;
    this.problems = problems;
    this.toasts = toasts;
    this.undo = undo;
    this.projectId = projectId;
    this.openTask = openTask;
    /** @type {Map<string, Edit>} our own edits, by task and field */
    this.edits = new Map();
    /** @type {number | null} the task whose panel is open: it shows its conflicts itself */
    this.shownTask = null;
  }

  /**
   * @param {string} status
   * @param {string} title
   * @returns {Promise<Task | null>} null: it was not created
   */
  create(status, title) {
    return this.#reversibly(`adding ${quote(title)}`, this.#create(status, title), (task) => this.#delete(task));
  }

  /** @param {string} status @param {string} title @returns {Promise<Task | null>} */
  async #create(status, title) {
    const ghost = this.store.addGhost(status, title);
    try {
      const { task } = await this.client.createTask(this.projectId, { title, status });
      this.store.nameGhost(ghost, task.id);
      return task;
    } catch (error) {
      this.store.dropGhost(ghost);
      this.problems.report(`${quote(title)} was not created. ${explain(error)}`);
      return null;
    }
  }

  /**
   * @param {number} taskId
   * @param {import("./pending.js").Place} place
   * @returns {Promise<boolean>} whether it was moved
   */
  async move(taskId, { status, beforeId }) {
    const task = this.store.state?.tasks.get(taskId);
    const from = this.#placeOf(taskId);
    if (!task || !from) return false;
    const moved = await this.#reversibly(`moving ${quote(task.title)}`, this.#move(task, { status, beforeId }), (answer) =>
      this.#moveBack(taskId, from, answer),
    );
    return moved !== null;
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
   * @returns {Promise<boolean>} whether it was changed
   */
  async update(taskId, field, value, version) {
    const task = this.store.painted?.tasks.get(taskId);
    if (!task) return false;
    const made = await this.#reversibly(
      `changing the ${FIELD_NAMES[field]} of ${quote(task.title)}`,
      this.#change(taskId, field, value, version),
      async (ours) => (await this.#change(taskId, field, /** @type {any} */ (task)[field], ours)) !== null,
    );
    return made !== null;
  }

  /**
   * It can be taken back from the moment on in which somebody asked for it: who is quick must not take back what was before.
   *
   * @template T
   * @param {string} words
   * @param {Promise<T | null>} doing null: it was refused
   * @param {(done: T) => Promise<boolean>} takeBack
   * @returns {Promise<T | null>}
   */
  async #reversibly(words, doing, takeBack) {
    const step = this.undo.remember(words, async () => {
      const done = await doing;
      return done !== null && takeBack(done);
    });
    const done = await doing;
    if (done === null) this.undo.forget(step);
    return done;
  }

  /**
   * @param {number} taskId
   * @param {string} field
   * @param {any} value
   * @param {number} version
   * @returns {Promise<number | null>} the version that it made; null: it was refused
   */
  async #change(taskId, field, value, version) {
    const key = `${taskId} ${field}`;
    const expectation = this.store.expect(taskId, { patch: { [field]: value } });
    const before = this.edits.get(key) ?? { last: Promise.resolve(null), version: 0 };
    /** @type {Edit} */
    const edit = { version: before.version, last: Promise.resolve(null) };
    edit.last = before.last.then(async () => {
      const made = await this.#send(taskId, field, value, Math.max(version, before.version), expectation);
      edit.version = made ?? before.version;
      return made;
    });
    this.edits.set(key, edit);
    return edit.last;
  }

  /** @param {number} taskId deleted at once, and offered back for a while */
  async remove(taskId) {
    const task = this.store.state?.tasks.get(taskId);
    if (!task) return;
    const deleting = this.#delete(task);
    const step = this.undo.remember(`deleting ${quote(task.title)}`, async () => (await deleting) && this.restore(task));
    if (!(await deleting)) return this.undo.forget(step);
    this.toasts.say(`Deleted ${quote(task.title)}`, { label: 'Undo', act: () => void this.undo.run(step) });
  }

  /** @param {number} taskId of a completed task: off the board, and offered back for a while */
  async archive(taskId) {
    const task = this.store.state?.tasks.get(taskId);
    if (!task) return;
    const archiving = this.#archive(task);
    const step = this.undo.remember(`archiving ${quote(task.title)}`, async () => (await archiving) && this.restore(task));
    if (!(await archiving)) return this.undo.forget(step);
    this.toasts.say(`${quote(task.title)} is in the archive`, { label: 'Undo', act: () => void this.undo.run(step) });
  }

  /** @param {Task} task @returns {Promise<boolean>} whether it is back */
  async restore(task) {
    try {
      await this.client.restoreTask(task.id);
      return true;
    } catch (error) {
      this.problems.report(`${quote(task.title)} was not restored. ${explain(error)}`);
      return false;
    }
  }

  /** @param {Task} task @returns {Promise<boolean>} */
  async #archive(task) {
    try {
      await archiveTask(task.id);
      return true;
    } catch (error) {
      this.problems.report(`${quote(task.title)} was not archived. ${explain(error)}`);
      return false;
    }
  }

  /** @param {Task} task @returns {Promise<boolean>} */
  async #delete(task) {
    const expectation = this.store.expect(task.id);
    try {
      await this.client.deleteTask(task.id);
      return true;
    } catch (error) {
      this.store.forget(expectation);
      if (/** @type {any} */ (error).code === 'not_found') return false; // somebody else was faster
      this.problems.report(`${quote(task.title)} was not deleted. ${explain(error)}`);
      return false;
    }
  }

  /** @param {number} taskId @returns {import("./pending.js").Place | null} where a task stands, as one sees it */
  #placeOf(taskId) {
    for (const [status, order] of this.store.painted?.columns ?? []) {
      const index = order.indexOf(taskId);
      if (index >= 0) return { status, beforeId: order[index + 1] ?? null };
    }
    return null;
  }

  /**
   * @param {Task} task
   * @param {import("./pending.js").Place} place
   * @returns {Promise<{version: number, position: string} | null>} null: it was refused
   */
  async #move(task, { status, beforeId }) {
    const expectation = this.store.expect(task.id, { patch: { status }, place: { status, beforeId } });
    try {
      const answer = await this.client.moveTask(task.id, beforeId === null ? { status } : { status, beforeId });
      this.store.fulfil(expectation, answer.version);
      return answer;
    } catch (error) {
      this.store.forget(expectation);
      this.problems.report(`${quote(task.title)} was not moved. ${explain(error)}`);
      return null;
    }
  }

  /**
   * Not where somebody else has moved it since.
   *
   * @param {number} taskId
   * @param {import("./pending.js").Place} to
   * @param {{version: number, position: string}} moved what our own move made
   * @returns {Promise<boolean>}
   */
  async #moveBack(taskId, { status, beforeId }, moved) {
    const task = this.store.state?.tasks.get(taskId);
    if (!task || (task.version > moved.version && task.position !== moved.position)) {
      this.toasts.say(`${task ? quote(task.title) : 'The task'} was ${task ? 'moved' : 'deleted'} by somebody else since.`);
      return false;
    }
    const stands = beforeId !== null && this.store.state?.tasks.get(beforeId)?.status === status;
    return (await this.#move(task, { status, beforeId: stands ? beforeId : null })) !== null;
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
