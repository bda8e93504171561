// @ts-check
/** What all commands share: they go to the server, show at once as waiting, can be taken back, and report if they were refused. */

import { t } from '../language/language.js';
import { explain } from '../language/words.js';

/**
 * @typedef {import("../state/store.js").BoardStore} BoardStore
 * @typedef {import("../reducer.js").Task} Task
 * @typedef {import("../ui/toasts.js").Action} Action
 * @typedef {{report: (text: string, ...actions: Action[]) => void}} Problems
 * @typedef {{say: (text: string, ...actions: Action[]) => void}} Toasts
 * @typedef {import("./leftovers.js").Leftover} Leftover
 * @typedef {{
 *   client: import("../../client/client.js").TaskManagerWebSocket, store: BoardStore, problems: Problems, toasts: Toasts, undo: import("./undo.js").Undo, projectId: number,
 *   openTask: (taskId: number) => void,
 * }} Parts `client` is the page's TaskManagerWebSocket
 */

export class Asking {
  /** @param {Parts} parts */
  constructor({ client, store, problems, toasts, undo, projectId, openTask }) {
    this.client = client;
    this.store = store;
    this.problems = problems;
    this.toasts = toasts;
    this.undo = undo;
    this.projectId = projectId;
    this.openTask = openTask;
  }

  /**
   * What is gone is offered back for a while.
   *
   * @param {import("./undo.js").Words} words
   * @param {Promise<boolean>} going whether it went
   * @param {() => Promise<boolean>} restore returns whether it is back
   * @param {string} said once it is gone
   */
  async offerBack(words, going, restore, said) {
    const step = this.undo.remember(words, async () => (await going) && restore());
    if (!(await going)) return this.undo.forget(step);
    this.toasts.say(said, { label: t('Undo'), act: () => void this.undo.run(step) });
  }

  /**
   * Says what could not be done, and why; what the user called off is no problem.
   *
   * @param {any} error
   * @param {string} what
   * @param {...Action} actions
   */
  refused(error, what, ...actions) {
    if (error.code !== 'cancelled') this.problems.report(`${what} ${explain(error)}`, ...actions);
  }

  /** @param {number} taskId perhaps a placeholder @returns {Task | undefined} as one sees it */
  taskOf(taskId) {
    return this.store.painted?.tasks.get(this.store.idOf(taskId));
  }

  /** @param {number} taskId @returns {string} "" where it is not on the board */
  titleOf(taskId) {
    return (this.store.state?.tasks.get(this.store.idOf(taskId)) ?? this.taskOf(taskId))?.title ?? '';
  }

  /**
   * It can be taken back from the moment on in which the user asked for it: a quick undo must not take back what was before.
   *
   * @template T
   * @param {import("./undo.js").Words} words
   * @param {Promise<T | null>} doing null: it was refused
   * @param {(done: T) => (() => Promise<boolean>) | null} reverse how to take back what was really done; null: others had done it already
   * @returns {Promise<T | null>}
   */
  async reversibly(words, doing, reverse) {
    const reversing = doing.then((done) => (done === null ? null : reverse(done)));
    const step = this.undo.remember(words, async () => (await (await reversing)?.()) ?? false);
    if (!(await reversing)) this.undo.forget(step);
    return doing;
  }
}

/** @param {any} error @returns {boolean} whether the change lies on the shelf still, and goes with the next page */
export function isKept(error) {
  return error.code === 'closed';
}

/** @param {any} error @returns {boolean} whether asking again would be refused again */
export function isFinal(error) {
  return ['forbidden', 'not_found', 'invalid_data', 'conflict'].includes(error.code);
}
