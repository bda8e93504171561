// @ts-check
/** The description as it reads: the server's rendering of its Markdown lies over the source until that is edited. */

import { fetchTask } from '../page/api.js';

export class Description {
  /**
   * @param {number} taskId
   * @param {{stack: HTMLElement, formatted: HTMLElement}} elements `stack` holds the source and the formatted text
   */
  constructor(taskId, { stack, formatted }) {
    this.taskId = taskId;
    this.stack = stack;
    this.formatted = formatted;
    /** @type {string | null} the source that is wanted formatted */
    this.wanted = null;
  }

  /** The task has an id by now. @param {number} id */
  rename(id) {
    this.taskId = id;
    this.wanted = null;
  }

  /** @param {string} source the task's description now */
  async paint(source) {
    if (source === this.wanted) return;
    this.wanted = source;
    this.stack.classList.remove('is-formatted');
    if (!source.trim() || this.taskId < 0) return;
    const task = await fetchTask(this.taskId).catch(() => null); // the source stays readable
    if (!task || task.description !== this.wanted) return;
    this.formatted.innerHTML = task.description_html; // rendered and sanitised by the server
    this.stack.classList.add('is-formatted');
  }
}
