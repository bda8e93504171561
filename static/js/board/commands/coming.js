// @ts-check
/** Tasks come and go: they are made, deleted, archived and brought back. */

import { archiveTask } from '../page/api.js';
import { Asking, isKept } from './asking.js';
import { t } from '../language/language.js';
import { titleLeft } from './leftovers.js';
import { makePlaceholder } from '../state/newcomers.js';
import { copying } from '../ui/problems.js';
import { quote } from '../language/words.js';

/**
 * @typedef {import("./asking.js").Task} Task
 * @typedef {import("./asking.js").Leftover} Leftover
 */

export class Coming extends Asking {
  /**
   * @param {import("../language/words.js").Status} status
   * @param {string} title
   * @returns {Promise<Task | null>} null: it was not created
   */
  create(status, title) {
    const placeholder = makePlaceholder();
    const answer = this.client.createTask(this.projectId, { title, status }, { placeholder });
    const creating = this.#created(placeholder, { status, title }, answer);
    const named = { title: quote(title) };
    const words = { undo: t('Undo creation of {title}', named), undone: t('Creation of {title} undone', named) };
    return this.reversibly(words, creating, (task) => () => this.#delete(task));
  }

  /** @param {number} taskId deleted at once, and offered back for a while */
  async remove(taskId) {
    const task = this.taskOf(taskId);
    if (!task) return;
    const title = quote(task.title);
    const words = { undo: t('Undo deletion of {title}', { title }), undone: t('Deletion of {title} undone', { title }) };
    await this.offerBack(words, this.#delete(task), () => this.restore(task), t('{title} deleted', { title }));
  }

  /** @param {number} taskId of a completed task: off the board, and offered back for a while */
  async archive(taskId) {
    const task = this.taskOf(taskId);
    if (!task) return;
    const title = quote(task.title);
    const words = { undo: t('Undo archiving of {title}', { title }), undone: t('Archiving of {title} undone', { title }) };
    await this.offerBack(words, this.#archive(task), () => this.restore(task), t('{title} archived', { title }));
  }

  /** @param {Task} task @returns {Promise<boolean>} whether it is back */
  restore(task) {
    return this.#restored(task, this.client.restoreTask(task.id));
  }

  /** @param {Leftover} leftover */
  resumeCreation({ data, placeholder, at, firstSentAt, answer }) {
    if (firstSentAt !== null && this.#exists(data, at)) return;
    void this.#created(placeholder ?? makePlaceholder(), data, answer);
  }

  /** @param {Leftover} leftover */
  resumeDeletion({ data, note, answer }) {
    void this.#deleted(data.task_id, titleLeft(note), answer);
  }

  /** @param {Leftover} leftover */
  resumeRestoring({ data, note, answer }) {
    void this.#restored({ id: data.task_id, title: titleLeft(note), status: note?.status ?? 'todo' }, answer);
  }

  /**
   * @param {number} placeholder
   * @param {Pick<Task, "status" | "title">} fields
   * @param {Promise<import("../../client/wire.d.ts").Answers["task_create"]>} answer
   * @returns {Promise<Task | null>}
   */
  async #created(placeholder, { status, title }, answer) {
    const newcomer = this.store.addNewcomer(placeholder, { status, title });
    try {
      const { task } = await answer;
      this.store.nameNewcomer(newcomer, task.id);
      return task;
    } catch (error) {
      if (isKept(error)) return null;
      this.store.dropNewcomer(newcomer);
      this.refused(error, t('Couldn’t create {title}.', { title: quote(title) }), copying(title));
      return null;
    }
  }

  /** @param {Task} task @returns {Promise<boolean>} */
  #delete(task) {
    return this.#deleted(task.id, task.title, this.client.deleteTask(task.id));
  }

  /** @param {number} taskId @param {string} title @param {Promise<import("../../client/wire.d.ts").Answers["task_delete"]>} answer @returns {Promise<boolean>} */
  async #deleted(taskId, title, answer) {
    const expectation = this.store.expect(taskId);
    try {
      await answer;
      this.store.fulfil(expectation, 0); // its event takes the card away
      return true;
    } catch (/** @type {any} */ error) {
      if (isKept(error)) return false;
      this.store.forget(expectation);
      if (error.code === 'not_found') return false; // another user was faster
      this.refused(error, t('Couldn’t delete {title}.', { title: quote(title) }));
      return false;
    }
  }

  /** @param {Task} task @returns {Promise<boolean>} */
  async #archive(task) {
    try {
      await archiveTask(task.id);
      return true;
    } catch (/** @type {any} */ error) {
      if (error.code === 'not_found') return false; // likewise
      this.refused(error, t('Couldn’t archive {title}.', { title: quote(task.title) }));
      return false;
    }
  }

  /** @param {Partial<Task> & Pick<Task, "id" | "title" | "status">} task @param {Promise<import("../../client/wire.d.ts").Answers["task_restore"]>} answer @returns {Promise<boolean>} */
  async #restored(task, answer) {
    const newcomer = this.store.addNewcomer(task.id, task);
    try {
      const answered = await answer;
      this.store.nameRestored(newcomer, answered.task.id);
      return true;
    } catch (error) {
      if (isKept(error)) return false;
      this.store.dropNewcomer(newcomer);
      this.refused(error, t('Couldn’t restore {title}.', { title: quote(task.title) }));
      return false;
    }
  }

  /** @param {{title: string, status: string}} wanted @param {number} at @returns {boolean} whether such a task was made since */
  #exists({ title, status }, at) {
    const since = at - 60_000; // the server's clock may be behind
    return [...(this.store.state?.tasks.values() ?? [])].some(
      (task) =>
        task.title === title &&
        task.status === status &&
        task.created_by_id === this.store.userId &&
        Date.parse(task.created_at) > since,
    );
  }
}
