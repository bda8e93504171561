// @ts-check
/**
 * Tasks on their way to the server, shown at once: under a placeholder for an id, or as what they were before they were deleted.
 */

/**
 * @typedef {import("../reducer.js").Task} Task
 * @typedef {{task: Task, id: number | null, guess: number | null}} Newcomer
 *   `id`: as it was answered; `guess`: what its event made of it, most likely, before there is an answer
 */

/** @type {Pick<Task, "project_id" | "description" | "priority" | "assignee_id" | "due_at" | "comment_count" | "created_by_id" | "version">} */
const DEFAULTS = {
  project_id: 0, description: '', priority: 'medium', assignee_id: null, due_at: null, comment_count: 0, created_by_id: null,
  version: 1, // as the server will make it: edits are made on that
};

/** @returns {number} negative, and no other's: it outlives this page */
export function makePlaceholder() {
  return -1 - Math.floor(Math.random() * 2 ** 48);
}

export class Newcomers {
  constructor() {
    /** @type {readonly Newcomer[]} */
    this.list = [];
    /** What the placeholders of this page became. @type {Map<number, number>} */
    this.ids = new Map();
    this.count = 0;
  }

  /**
   * @param {number} id a placeholder, or the id of one that is to be restored
   * @param {Partial<Task> & Pick<Task, "status" | "title">} fields those of a restored task, as far as they are known
   * @returns {Newcomer}
   */
  add(id, fields) {
    this.count += 1;
    const now = new Date().toISOString();
    const position = `~${String(this.count).padStart(6, '0')}`; // after all others: no server's position begins like that
    /** @type {Task} */
    const task = { ...DEFAULTS, created_at: now, updated_at: now, position, ...fields, id };
    /** @type {Newcomer} */
    const newcomer = { task, id: null, guess: null };
    this.list = [...this.list, newcomer];
    return newcomer;
  }

  /** @param {Newcomer} newcomer @param {number} id */
  name(newcomer, id) {
    newcomer.id = id;
    newcomer.guess = null;
  }

  /** @param {Newcomer} newcomer */
  drop(newcomer) {
    this.list = this.list.filter((other) => other !== newcomer);
  }

  /** Its event may come before the answer. @param {number} id of a task that is back */
  restored(id) {
    this.list = this.list.filter(({ task }) => (this.ids.get(task.id) ?? task.id) !== id);
  }

  /** @param {number} id @returns {boolean} */
  has(id) {
    return this.list.some(({ task }) => task.id === id);
  }

  /**
   * A task's event may come before the answer that names it. So that it is not seen twice meanwhile, the one that is like it
   * stands for it until the answer says which it is.
   *
   * @param {Task} task that was made in the name of this user
   */
  recognise({ id, status, title }) {
    const newcomer = this.list.find(
      (one) => one.id === null && one.guess === null && one.task.status === status && one.task.title === title,
    );
    if (newcomer) newcomer.guess = id;
  }

  /**
   * @param {ReadonlyMap<number, Task>} tasks the truth
   * @returns {ReadonlyMap<number, Task>} the same map where none is coming
   */
  among(tasks) {
    if (!this.list.length) return tasks;
    const all = new Map(tasks);
    for (const { guess } of this.list) if (guess !== null) all.delete(guess);
    for (const { task } of this.list) if (!all.has(task.id)) all.set(task.id, task);
    return all;
  }

  /**
   * Forgets those that have come.
   *
   * @param {ReadonlyMap<number, Task>} tasks the truth
   * @param {ReadonlySet<number>} deleted
   * @returns {[number, number][]} placeholders and what they became just now
   */
  settle(tasks, deleted) {
    const come = this.list.filter(({ id }) => id !== null && (tasks.has(id) || deleted.has(id)));
    this.list = this.list.filter((one) => !come.includes(one));
    const names = come.map(({ task, id }) => /** @type {[number, number]} */ ([task.id, id])).filter(([from, to]) => from !== to);
    for (const [placeholder, id] of names) this.ids.set(placeholder, id);
    return names;
  }

  /** There is another truth, in which all that was answered has come or is gone again. @param {ReadonlyMap<number, Task>} tasks */
  replaced(tasks) {
    this.list = this.list.filter(({ id }) => id === null || tasks.has(id));
  }
}
