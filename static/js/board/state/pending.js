// @ts-check
/**
 * What the board looks like with our own changes in it that the server has not confirmed yet.
 *
 * The truth is changed by events alone. An expectation lies over it from the moment the user acts until
 * the event of that act has arrived, so that a dropped card does not jump back in between.
 */

import { compareTasks } from '../reducer.js';
import { relabelled } from '../commands/relabelling.js';

/**
 * @typedef {import("../reducer.js").Task} Task
 * @typedef {{status: import("../language/words.js").Status, beforeId: number | null, orAfterId?: number | null}} Place before that task of the column, or at its
 *   end; `orAfterId`: where that one has left the column, after this one, null: at the top
 * @typedef {{
 *   taskId: number, patch: Partial<Task>, relabelling: import("../commands/relabelling.js").Relabelling, place: Place | null,
 *   answered: boolean, version: number,
 * }} Expectation
 *   `version` is the answer's: the expectation is fulfilled once the task has reached it
 */

/**
 * @param {ReadonlyMap<number, Task>} tasks
 * @param {readonly Expectation[]} expectations
 * @returns {ReadonlyMap<number, Task>} the same map where nothing is expected; untouched tasks keep their identity
 */
export function withExpectations(tasks, expectations) {
  if (!expectations.length) return tasks;
  const shown = new Map(tasks);
  for (const { taskId, patch, relabelling } of expectations) {
    const task = shown.get(taskId);
    if (task) shown.set(taskId, { ...task, ...patch, labels: relabelled(task.labels ?? [], relabelling) });
  }
  return shown;
}

/**
 * @param {ReadonlyMap<number, Task>} tasks
 * @param {readonly Expectation[]} expectations
 * @param {readonly string[]} statuses
 * @returns {Map<string, number[]>} the ids of each column, in their order
 */
export function arrange(tasks, expectations, statuses) {
  /** @type {Map<number, Place>} */
  const places = new Map();
  for (const { taskId, place } of expectations) if (place) places.set(taskId, place);

  /** @type {Map<string, Task[]>} */
  const columns = new Map(statuses.map((status) => [status, []]));
  for (const task of tasks.values()) if (!places.has(task.id)) columns.get(task.status)?.push(task);
  for (const column of columns.values()) column.sort(compareTasks);
  for (const [taskId, place] of places) {
    const task = tasks.get(taskId);
    const column = columns.get(place.status);
    if (task && column) column.splice(indexOf(place, column), 0, task);
  }
  return new Map([...columns].map(([status, column]) => [status, column.map(({ id }) => id)]));
}

/** @param {Place} place @param {readonly Task[]} column @returns {number} where the server will put it, as far as is known */
function indexOf({ beforeId, orAfterId }, column) {
  const find = (/** @type {number} */ wanted) => column.findIndex(({ id }) => id === wanted);
  const before = beforeId === null ? -1 : find(beforeId);
  if (before >= 0) return before;
  if (beforeId === null || orAfterId === undefined) return column.length;
  return orAfterId === null ? 0 : find(orAfterId) + 1 || column.length;
}

/**
 * @param {Expectation} expectation
 * @param {ReadonlyMap<number, Task>} tasks the truth
 * @returns {boolean} false once it may be forgotten
 */
export function isOpen({ taskId, answered, version }, tasks) {
  const task = tasks.get(taskId);
  if (!task) return false;
  return !answered || task.version < version;
}
