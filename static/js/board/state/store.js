// @ts-check
/** The board's one memory: the truth as events report it, and over it what we asked for ourselves. */

import { applyEvent, fromSnapshot } from '../reducer.js';
import { arrange, isOpen, withExpectations } from './pending.js';
import { Newcomers } from './newcomers.js';
import { isSameValue } from './values.js';
import { STATUSES } from '../language/words.js';

/**
 * @typedef {import("../reducer.js").BoardState} BoardState
 * @typedef {import("../reducer.js").Task} Task
 * @typedef {import("../reducer.js").User} User
 * @typedef {import("./pending.js").Expectation} Expectation
 * @typedef {import("./pending.js").Place} Place
 * @typedef {import("./newcomers.js").Newcomer} Newcomer
 * @typedef {{taskId: number, text: string, at: string, commentId: number | null}} Outgoing a comment on its way; `commentId` once answered
 * @typedef {import("../../client/wire.d.ts").CommentObject} Comment
 * @typedef {{
 *   taskId: number, commentId: number, text: string | null, answered: boolean, comment: Comment | null,
 * }} CommentChange of an own comment, on its way; `text` null: it is deleted; `comment`: as the answer has it, until its event comes
 * @typedef {import("../../client/wire.d.ts").Actor} Actor
 * @typedef {{mine: any, version: number, by?: Actor | null}} Conflict the value that was refused, the version that stood in its way, and whose that is, as far as one knows
 * @typedef {{
 *   project: import("../reducer.js").BoardState["project"], members: BoardState["members"], tasks: ReadonlyMap<number, Task>,
 *   archived: ReadonlyMap<number, Task>, columns: Map<string, number[]>, waiting: Set<number>, outgoing: readonly Outgoing[],
 *   commentChanges: readonly CommentChange[], ids: ReadonlyMap<number, number>,
 * }} View what there is to paint; `columns` hold those tasks alone that fit the filter, `ids` maps what placeholders became
 */

const SLOWEST_FRAME = 100; // ms; a tab in the background gets no animation frames

export class BoardStore {
  /** @param {{userId: number}} options the user of this page */
  constructor({ userId }) {
    this.userId = userId;
    /** @type {BoardState | null} */
    this.state = null;
    /** @type {Expectation[]} */
    this.expectations = [];
    this.newcomers = new Newcomers();
    /** @type {Outgoing[]} */
    this.outgoing = [];
    /** @type {CommentChange[]} */
    this.commentChanges = [];
    /** @type {Map<number, Map<string, Conflict>>} by task, then by field */
    this.conflicts = new Map();
    /** The user that changed a field last, as far as events said: by task and field. @type {Map<string, Actor>} */
    this.authors = new Map();
    /** Tasks of the archive that the user opened, to read them. @type {Map<number, Task>} */
    this.archived = new Map();
    /** @type {Set<number>} tasks that were deleted while we looked */
    this.deleted = new Set();
    /** @type {Set<(view: View) => void>} */
    this.listeners = new Set();
    /** @type {Set<() => void>} */
    this.reloaders = new Set();
    /** @type {View | null} */
    this.painted = null;
    this.scheduled = false;
    /** Which tasks are shown. @type {(task: Task) => boolean} */
    this.fits = () => true;
    /** Keeps over reloads what one has to choose; null: it is settled. @type {(taskId: number, field: string, conflict: Conflict | null) => void} */
    this.keepConflict = () => {};
  }

  /**
   * @param {(view: View) => void} listener called with what there is to paint
   * @returns {() => void} takes the listener away again
   */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /**
   * For what is shown that is not the board's: events do not report what happened to it before the board was replaced.
   *
   * @param {() => void} reload called when another board has taken the place of the one before
   * @returns {() => void} takes it away again
   */
  whenReplaced(reload) {
    this.reloaders.add(reload);
    return () => void this.reloaders.delete(reload);
  }

  /** @param {import("../reducer.js").Snapshot} board takes the place of everything known before */
  replace(board) {
    const isFirst = this.state === null;
    this.state = fromSnapshot(board);
    this.authors.clear(); // what happened meanwhile, no event reported
    this.newcomers.replaced(this.state.tasks);
    this.outgoing = this.outgoing.filter(({ commentId }) => commentId === null);
    this.commentChanges = this.commentChanges.filter(({ answered }) => !answered);
    this.expectations = this.expectations.filter((expectation) => !expectation.answered);
    this.#settle();
    this.paint();
    if (!isFirst) for (const reload of [...this.reloaders]) reload();
  }

  /** @param {import("../reducer.js").LoggedFrame} frame */
  apply(frame) {
    if (!this.state) return;
    const state = applyEvent(this.state, frame);
    if (state === this.state) return;
    this.state = state;
    if (frame.event === 'task_updated') this.#noteAuthor(frame.data);
    if (frame.event === 'task_deleted') this.deleted.add(frame.data.task_id);
    if (frame.event === 'task_deleted' && !frame.data.archived) this.archived.delete(frame.data.task_id);
    if (frame.event === 'task_restored') this.archived.delete(frame.data.task.id);
    if (frame.event === 'task_restored') {
      this.deleted.delete(frame.data.task.id);
      this.newcomers.restored(frame.data.task.id);
    }
    if (frame.event === 'task_created' && frame.data.by?.id === this.userId) this.newcomers.recognise(frame.data.task);
    if (frame.event === 'comment_added') this.#recogniseComment(frame.data);
    if (frame.event === 'comment_updated') this.#recogniseChange(frame.data.comment);
    if (frame.event === 'comment_deleted') this.#dropChanges(({ commentId }) => commentId === frame.data.comment_id);
    this.#settle();
    this.#schedule();
  }

  /**
   * Lays an own change over the truth until it is answered and its event has arrived, or it is refused.
   *
   * @param {number} taskId
   * @param {{patch?: Partial<Task>, relabelling?: Expectation["relabelling"], place?: Place | null}} change
   * @returns {Expectation}
   */
  expect(taskId, { patch = {}, relabelling = {}, place = null } = {}) {
    /** @type {Expectation} */
    const expectation = { taskId, patch, relabelling, place, answered: false, version: 0 };
    this.expectations.push(expectation);
    this.paint();
    return expectation;
  }

  /** @param {Expectation} expectation @param {number} version the task's after the change */
  fulfil(expectation, version) {
    expectation.answered = true;
    expectation.version = version;
    this.#settle();
    this.paint();
  }

  /** @param {Expectation} expectation */
  forget(expectation) {
    this.expectations = this.expectations.filter((other) => other !== expectation);
    this.paint();
  }

  /**
   * Shows a task that is on its way.
   *
   * @param {number} id a placeholder, or the id of one that is to be restored
   * @param {Partial<Task> & Pick<Task, "status" | "title">} fields
   * @returns {Newcomer}
   */
  addNewcomer(id, fields) {
    const newcomer = this.newcomers.add(id, { created_by_id: this.userId, ...fields });
    this.paint();
    return newcomer;
  }

  /** @param {Newcomer} newcomer @param {number} id as it was answered: its event has come, or is about to */
  nameNewcomer(newcomer, id) {
    this.newcomers.name(newcomer, id);
    this.#settle();
    this.paint();
  }

  /** Keeps a restored task until its event. @param {Newcomer} newcomer @param {number} id as it was answered */
  nameRestored(newcomer, id) {
    this.deleted.delete(id);
    this.nameNewcomer(newcomer, id);
  }

  /** @param {Newcomer} newcomer */
  dropNewcomer(newcomer) {
    this.newcomers.drop(newcomer);
    this.#settle();
    this.paint();
  }

  /** @param {number} taskId perhaps a placeholder @returns {boolean} whether there is such a task, or will be */
  has(taskId) {
    const id = this.idOf(taskId);
    return this.newcomers.has(id) || this.state?.tasks.has(id) === true || this.archived.has(id);
  }

  /** @param {number} taskId perhaps a placeholder @returns {number} the id that it stands for, as far as that is known */
  idOf(taskId) {
    return this.newcomers.ids.get(taskId) ?? taskId;
  }

  /** @param {number} taskId @param {string} text @param {string} at when it was written @returns {Outgoing} */
  addOutgoing(taskId, text, at) {
    const outgoing = { taskId, text, at, commentId: null };
    this.outgoing = [...this.outgoing, outgoing];
    this.paint();
    return outgoing;
  }

  /** @param {Outgoing} outgoing @param {number} commentId its event has come, or is about to */
  nameOutgoing(outgoing, commentId) {
    outgoing.commentId = commentId;
    this.paint();
  }

  /** @param {Outgoing} outgoing */
  dropOutgoing(outgoing) {
    this.outgoing = this.outgoing.filter((other) => other !== outgoing);
    this.paint();
  }

  /** @param {number} taskId @param {number} commentId @param {string | null} text null: deleted @returns {CommentChange} */
  addCommentChange(taskId, commentId, text) {
    const change = { taskId, commentId, text, answered: false, comment: null };
    this.commentChanges = [...this.commentChanges, change];
    this.paint();
    return change;
  }

  /** @param {CommentChange} change @param {CommentChange["comment"]} comment as it is now: its event has come, or is about to */
  nameCommentChange(change, comment) {
    change.answered = true;
    change.comment = comment;
    this.paint();
  }

  /** @param {CommentChange} change */
  dropCommentChange(change) {
    this.#dropChanges((other) => other === change);
    this.paint();
  }

  /** @param {number} taskId @param {string} field @param {Conflict | null} conflict null: settled */
  setConflict(taskId, field, conflict) {
    const fields = this.conflicts.get(taskId) ?? new Map();
    if (conflict) fields.set(field, conflict);
    else fields.delete(field);
    this.conflicts.set(taskId, fields);
    this.keepConflict(taskId, field, conflict);
    this.paint();
  }

  /** @param {number} taskId @param {string} field @returns {Actor | null} the user that gave it the value that it has now; null: that is not known */
  authorOf(taskId, field) {
    const by = this.authors.get(`${taskId} ${field}`) ?? this.conflicts.get(taskId)?.get(field)?.by;
    return by ? (this.member(by.id) ?? by) : null;
  }

  /** Takes up what an earlier page had to choose, of tasks that are here. @param {readonly (Conflict & {taskId: number, field: string})[]} kept */
  takeUpConflicts(kept) {
    for (const { taskId, field, ...conflict } of kept) {
      if (this.state?.tasks.has(taskId)) this.conflicts.set(taskId, (this.conflicts.get(taskId) ?? new Map()).set(field, conflict));
    }
    this.#settle();
  }

  /** Paints now: what the user did here must show before the next frame. */
  paint() {
    this.scheduled = false;
    if (!this.state) return;
    this.painted = this.#view(this.state);
    for (const listener of this.listeners) listener(this.painted);
  }

  /** @returns {string} our role in the project, `viewer` while it is not known */
  get role() {
    return this.state?.members.find(({ user }) => user.id === this.userId)?.role ?? 'viewer';
  }

  /** @returns {boolean} */
  get mayEdit() {
    return this.role !== 'viewer';
  }

  /** @param {number} taskId @returns {boolean} whether we may change it: what is archived is only read */
  mayChange(taskId) {
    return this.mayEdit && !this.archived.has(taskId);
  }

  /** @param {Task} task of the archive, to be read */
  showArchived(task) {
    this.archived.set(task.id, task);
    this.paint();
  }

  /** @param {number | null} id @returns {User | null} a member */
  member(id) {
    return this.state?.members.find(({ user }) => user.id === id)?.user ?? null;
  }

  /** @param {BoardState} state @returns {View} */
  #view({ project, members, tasks }) {
    const shown = withExpectations(this.newcomers.among(tasks), this.expectations);
    const waiting = [
      ...this.expectations.filter(({ answered }) => !answered),
      ...this.outgoing.filter(({ commentId }) => commentId === null),
      ...this.commentChanges.filter(({ answered }) => !answered),
    ].map(({ taskId }) => taskId);
    const coming = this.newcomers.list.map(({ task }) => task.id);
    return {
      project,
      members,
      tasks: shown,
      archived: this.archived,
      columns: this.#filtered(arrange(shown, this.expectations, STATUSES), shown),
      waiting: new Set([...waiting, ...coming]),
      outgoing: this.outgoing,
      commentChanges: this.commentChanges,
      ids: this.newcomers.ids,
    };
  }

  /** @param {Map<string, number[]>} columns @param {ReadonlyMap<number, Task>} tasks @returns {Map<string, number[]>} */
  #filtered(columns, tasks) {
    const isShown = (/** @type {number} */ id) => this.newcomers.has(id) || this.fits(/** @type {Task} */ (tasks.get(id)));
    return new Map([...columns].map(([status, ids]) => [status, ids.filter(isShown)]));
  }

  /** Forgets what has come true. */
  #settle() {
    const tasks = this.state?.tasks ?? new Map();
    for (const [placeholder, id] of this.newcomers.settle(tasks, this.deleted)) this.#rename(placeholder, id);
    const known = this.newcomers.among(tasks);
    this.expectations = this.expectations.filter((expectation) => isOpen(expectation, known));
    for (const [taskId, fields] of this.conflicts) {
      const task = /** @type {any} */ (tasks.get(taskId));
      for (const [field, { mine, version }] of fields) {
        if (!(task?.version >= version && isSameValue(field, mine, task[field]))) continue;
        fields.delete(field);
        this.keepConflict(taskId, field, null);
      }
    }
  }

  /** @param {import("../../client/wire.d.ts").TaskUpdated} data */
  #noteAuthor({ task_id: taskId, changes, by }) {
    if (by) for (const field of Object.keys(changes)) this.authors.set(`${taskId} ${field}`, by);
  }

  /** @param {number} placeholder of a task that is on the board by now @param {number} id */
  #rename(placeholder, id) {
    for (const { place } of this.expectations) if (place?.beforeId === placeholder) place.beforeId = id;
    for (const one of [...this.expectations, ...this.outgoing]) if (one.taskId === placeholder) one.taskId = id;
  }

  /** Its event may come before the answer that names it. @param {import("../../client/wire.d.ts").CommentAdded} data */
  #recogniseComment({ comment, task_id, by }) {
    if (by?.id !== this.userId) return;
    const outgoing =
      this.outgoing.find(({ commentId }) => commentId === comment.id) ??
      this.outgoing.find(({ taskId, text, commentId }) => commentId === null && taskId === task_id && text === comment.content);
    this.outgoing = this.outgoing.filter((other) => other !== outgoing);
  }

  /** The event may come before the answer, too, and is newer than all that was answered. @param {{id: number, content: string}} comment */
  #recogniseChange({ id, content }) {
    const first = this.commentChanges.find(({ commentId, text }) => commentId === id && text === content);
    this.#dropChanges((change) => change === first || (change.commentId === id && change.answered));
  }

  /** @param {(change: CommentChange) => boolean} isDone */
  #dropChanges(isDone) {
    this.commentChanges = this.commentChanges.filter((change) => !isDone(change));
  }

  /** Paints soon, once for all the events of a burst. */
  #schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    const paint = () => this.scheduled && this.paint();
    requestAnimationFrame(paint);
    setTimeout(paint, SLOWEST_FRAME);
  }
}
