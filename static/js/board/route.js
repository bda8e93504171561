// @ts-check
/** The address says which task is open: `#task-7`. Back closes it, and a link to it opens it. */

export class Route {
  /** @param {(taskId: number | null) => void} show called whenever the address changed */
  constructor(show) {
    this.show = show;
    addEventListener('popstate', () => show(this.taskId));
    addEventListener('hashchange', () => show(this.taskId));
  }

  /** @returns {number | null} */
  get taskId() {
    const match = /^#task-(\d+)$/.exec(location.hash);
    return match ? Number(match[1]) : null;
  }

  /** @param {number} taskId one step of the history for the panel, however many tasks are looked at in it */
  open(taskId) {
    if (taskId === this.taskId) return this.show(taskId);
    if (this.taskId === null) history.pushState({ opened: true }, '', `#task-${taskId}`);
    else history.replaceState(history.state, '', `#task-${taskId}`);
    this.show(taskId);
  }

  close() {
    if (this.taskId === null) return;
    if (history.state?.opened) history.back();
    else history.replaceState(null, '', location.pathname + location.search);
    this.show(null);
  }
}
