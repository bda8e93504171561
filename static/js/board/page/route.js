// @ts-check
/**
 * The address says which task is open: `#task-7`, and perhaps at which comment: `#task-7/comment-9`. Back closes it, and
 * a link to it opens it.
 */

/** @typedef {{taskId: number, commentId: number | null}} Place */

export class Route {
  /** @param {(place: Place | null) => void} show called whenever another task, or none, is to be open */
  constructor(show) {
    this.show = show;
    /** Whether we went back a step that the browser has not taken so far: the address still names the old task. */
    this.leaving = false;
    /** @type {Place | null} what was opened meanwhile */
    this.next = null;
    // A step of the history opens or closes something: where the page itself scrolls, it stays where it is.
    history.scrollRestoration = 'manual';
    addEventListener('popstate', () => this.#arrived());
  }

  /** @returns {Place | null} */
  get place() {
    return this.leaving ? this.next : read(location.hash);
  }

  /**
   * One step of the history for the panel, however many tasks are looked at in it.
   *
   * @param {number} taskId
   * @param {number | null} [commentId]
   */
  open(taskId, commentId = null) {
    const place = { taskId, commentId };
    if (this.leaving) this.next = place;
    else if (this.place === null) history.pushState({ opened: true }, '', write(place));
    else history.replaceState(history.state, '', write(place));
    this.show(place);
  }

  /** A task is known by another id now. @param {number} taskId @param {number} id */
  rename(taskId, id) {
    if (this.next?.taskId === taskId) this.next.taskId = id;
    else if (!this.leaving && this.place?.taskId === taskId) history.replaceState(history.state, '', write({ taskId: id, commentId: null }));
  }

  close() {
    if (this.leaving) this.next = null;
    else if (history.state?.opened && this.place !== null) {
      this.leaving = true;
      history.back();
    } else history.replaceState(null, '', location.pathname + location.search);
    this.show(null);
  }

  #arrived() {
    const { leaving, next } = this;
    this.leaving = false;
    this.next = null;
    if (leaving && next !== null) this.open(next.taskId, next.commentId);
    else this.show(this.place);
  }
}

/** @param {string} hash @returns {Place | null} */
function read(hash) {
  const match = /^#task-(-?\d+)(?:\/comment-(\d+))?$/.exec(hash);
  return match && { taskId: Number(match[1]), commentId: match[2] ? Number(match[2]) : null };
}

/** @param {Place} place @returns {string} */
export function write({ taskId, commentId }) {
  return commentId === null ? `#task-${taskId}` : `#task-${taskId}/comment-${commentId}`;
}
