// @ts-check
/** What others changed while one was away, and which cards one has not looked at since. Pure but for where it is kept. */

import { tn } from '../language/language.js';
import { taskIdOf } from '../state/frames.js';
import { describeEvent } from './sentences.js';

/**
 * @typedef {import("../reducer.js").BoardState} BoardState
 * @typedef {import("../reducer.js").LoggedFrame} LoggedFrame
 * @typedef {'new' | 'changed'} Mark
 * @typedef {{seq: number, epoch: string, marks: [number, Mark][]}} Seen how far the user has seen a project's log
 */

export class Absence {
  /** @param {{key: string, userId: number, storage?: Storage}} options `key`: of this user's memory of this project */
  constructor({ key, userId, storage = localStorage }) {
    this.key = key;
    this.userId = userId;
    this.storage = storage;
    /** What happened since one was away. */
    this.count = 0;
    const seen = this.read();
    /** Tasks that one has not looked at since others changed them. @type {Map<number, Mark>} */
    this.marks = new Map(seen?.marks);
  }

  /** @returns {Seen | null} null: never here before, on this browser */
  read() {
    try {
      return JSON.parse(this.storage.getItem(this.key) ?? 'null');
    } catch {
      return null;
    }
  }

  /** @param {{seq: number, epoch: string}} state all up to here is on the screen, or marked */
  remember({ seq, epoch }) {
    try {
      this.storage.setItem(this.key, JSON.stringify({ seq, epoch, marks: [...this.marks] }));
    } catch {
      // The browser's room is full: the next visit begins where the last one that was kept ended.
    }
  }

  /**
   * Takes in what happened while one was away.
   *
   * @param {LoggedFrame} frame
   * @param {BoardState} state as it is known: it names the tasks
   */
  missed(frame, state) {
    const { event, data } = frame;
    const taskId = taskIdOf(frame);
    if (frame.event === 'task_deleted') this.marks.delete(frame.data.task_id);
    if (data.by?.id === this.userId || !describeEvent(frame, state)) return;
    this.count += 1;
    if (!taskId || event === 'task_deleted') return;
    const isNew = event === 'task_created' || this.marks.get(taskId) === 'new';
    this.marks.set(taskId, isNew ? 'new' : 'changed');
  }

  /** @param {'visit' | 'outage'} since @returns {string | null} what to say on return; null: nothing happened */
  back(since) {
    const { count } = this;
    this.count = 0;
    if (!count) return null;
    return since === 'visit'
      ? tn(count, '{count} change since your last visit', '{count} changes since your last visit')
      : tn(count, '{count} change while you were offline', '{count} changes while you were offline');
  }
}
