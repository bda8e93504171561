// @ts-check
/** The description as it reads: the server's rendering of its Markdown stands in the place of the source until that is edited. */

import { fetchTask } from '../page/api.js';
import { finishText } from './finished_text.js';

export class Description {
  /**
   * @param {number} taskId
   * @param {{stack: HTMLElement, source: HTMLTextAreaElement, formatted: HTMLElement, store: import("../state/store.js").BoardStore}} parts
   *   `stack` holds the source and the formatted text
   */
  constructor(taskId, { stack, source, formatted, store }) {
    this.taskId = taskId;
    this.stack = stack;
    this.formatted = formatted;
    this.store = store;
    /** @type {string | null} the source that is wanted formatted */
    this.wanted = null;
    formatted.addEventListener('click', ({ target }) => {
      const isText = target instanceof Element && !target.closest('a, input, summary');
      const isSelecting = getSelection()?.isCollapsed === false;
      if (isText && !isSelecting && !source.readOnly) source.focus();
    });
  }

  /** The task has an id by now. @param {number} id */
  rename(id) {
    this.taskId = id;
    this.wanted = null;
  }

  /** @param {string} source the task's description now @param {boolean} isSaved whether the server has it by now */
  async paint(source, isSaved) {
    const wanted = isSaved ? source : null;
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.stack.classList.remove('is-formatted');
    if (!wanted?.trim() || this.taskId < 0) return;
    const task = await fetchTask(this.taskId).catch(() => null); // the source stays readable
    if (!task || task.description !== this.wanted) return;
    this.formatted.innerHTML = task.description_html; // rendered and sanitised by the server
    finishText(this.formatted, (this.store.state?.members ?? []).map(({ user }) => user), this.store.userId);
    this.stack.classList.add('is-formatted');
  }
}
