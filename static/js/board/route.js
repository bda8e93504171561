// @ts-check
/** The address says which task is open: `#task-7`. Back closes it, and a link to it opens it. */

export class Route {
  /** @param {(taskId: number | null) => void} show called whenever another task, or none, is to be open */
  constructor(show) {
    this.show = show;
    /** Whether we went back a step that the browser has not taken so far: the address still names the old task. */
    this.leaving = false;
    /** @type {number | null} what was opened meanwhile */
    this.next = null;
    addEventListener('popstate', () => this.#arrived());
  }

  /** @returns {number | null} */
  get taskId() {
    if (this.leaving) return this.next;
    const match = /^#task-(\d+)$/.exec(location.hash);
    return match ? Number(match[1]) : null;
  }

  /** @param {number} taskId one step of the history for the panel, however many tasks are looked at in it */
  open(taskId) {
    if (this.leaving) this.next = taskId;
    else if (this.taskId === null) history.pushState({ opened: true }, '', `#task-${taskId}`);
    else history.replaceState(history.state, '', `#task-${taskId}`);
    this.show(taskId);
  }

  close() {
    if (this.leaving) this.next = null;
    else if (history.state?.opened && this.taskId !== null) {
      this.leaving = true;
      history.back();
    } else history.replaceState(null, '', location.pathname + location.search);
    this.show(null);
  }

  #arrived() {
    const { leaving, next } = this;
    this.leaving = false;
    this.next = null;
    if (leaving && next !== null) this.open(next);
    else this.show(this.taskId);
  }
}
