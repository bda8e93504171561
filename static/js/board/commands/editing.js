// @ts-check
/** Fields of a task are changed one by one; where two people meant different things, one chooses. */

import { Asking, isFinal, isKept } from './asking.js';
import { t } from '../language/language.js';
import { titleLeft } from './leftovers.js';
import { copying } from '../ui/problems.js';
import { isSameValue } from '../state/values.js';
import { readBack } from '../activity/history.js';
import { changeWords, FIELD_NAMES, quote } from '../language/words.js';
import { displayName } from '../people/people.js';

/** Fields in which one writes: what was not taken can be copied. */
const TEXTS = ['title', 'description'];

export class Editing extends Asking {
  /** The latest version that an edit of ours made, by task and field. @type {Map<string, number>} */
  versions = new Map();
  /** The task whose panel is open: it shows its conflicts itself. @type {number | null} */
  shownTask = null;

  /**
   * Changes one field of a task.
   *
   * Of two edits of one field in a row the second is made on what the first wrote, which only the first one's answer can
   * name: the client sees to that. Edits of different fields do not meet.
   *
   * @param {number} taskId
   * @param {string} field
   * @param {any} value
   * @param {number} version the task's version that the person was looking at
   * @param {string} [seen] the task's title as the person saw it: by now it may be gone from the board
   * @returns {Promise<boolean>} whether it was changed
   */
  async update(taskId, field, value, version, seen = '') {
    const task = this.taskOf(taskId);
    const title = this.titleOf(taskId) || seen;
    const changing = this.#change(taskId, title, field, value, version);
    if (!task) return (await changing) !== null; // deleted meanwhile: the server says so, and what was written is kept
    const before = /** @type {any} */ (task)[field];
    const made = await this.reversibly(
      changeWords(field, title),
      changing,
      (ours) => async () => (await this.#change(taskId, title, field, before, ours)) !== null,
    );
    return made !== null;
  }

  /** @param {import("./asking.js").Leftover} leftover */
  resume({ data, note, answer }) {
    const [[field, value]] = Object.entries(data.changes);
    void this.#changed({ taskId: data.task_id, title: titleLeft(note), field, value, version: data.version, answer });
  }

  /**
   * @param {number} taskId
   * @param {string} title
   * @param {string} field
   * @param {any} value
   * @param {number} version
   * @returns {Promise<number | null>} the version that it made; null: it was refused
   */
  #change(taskId, title, field, value, version) {
    taskId = this.store.idOf(taskId);
    const base = Math.max(version, this.versions.get(`${taskId} ${field}`) ?? 0);
    const answer = this.client.updateTask(taskId, { [field]: value }, base, { follows: true });
    return this.#changed({ taskId, title, field, value, version: base, answer });
  }

  /**
   * @param {{taskId: number, title: string, field: string, value: any, version: number, answer: Promise<{version: number}>}} edit
   *   `title`: as it was; where it has another one by now, that is reported
   * @returns {Promise<number | null>} the version that it made, null where it was refused
   */
  async #changed({ taskId, title, field, value, version, answer }) {
    const expectation = this.store.expect(taskId, { patch: { [field]: value } });
    try {
      const made = (await answer).version;
      const key = `${this.store.idOf(taskId)} ${field}`;
      this.versions.set(key, Math.max(made, this.versions.get(key) ?? 0));
      this.store.fulfil(expectation, made);
      return made;
    } catch (error) {
      if (isKept(error)) return null;
      this.store.forget(expectation);
      void this.#refused({ taskId: this.store.idOf(taskId), title: this.titleOf(taskId) || title, field, value, version, error });
      return null;
    }
  }

  /** @param {{taskId: number, title: string, field: string, value: any, version: number, error: any}} edit */
  async #refused({ taskId, title, field, value, version, error }) {
    const current = error.code === 'conflict' ? error.details?.task : null;
    const values = { field: FIELD_NAMES[field], title: quote(title) };
    // Both meant the same: there is nothing to choose.
    if (current && isSameValue(field, value, current[field])) return this.store.setConflict(taskId, field, null);
    if (!current || !this.store.state?.tasks.has(taskId)) {
      const again = { label: t('Try again'), act: () => void this.update(taskId, field, value, version, title) };
      return this.refused(
        error,
        t('Couldn’t change the {field} of {title}.', values),
        ...(isFinal(error) ? [] : [again]),
        ...(TEXTS.includes(field) ? [copying(value)] : []),
      );
    }
    const isTold = this.store.conflicts.get(taskId)?.has(field); // of two edits in a row both were refused: the last one is mine
    const conflict = { mine: value, version: current.version, by: this.store.authorOf(taskId, field) };
    this.store.setConflict(taskId, field, conflict);
    const by = conflict.by ?? (await this.#findAuthor(taskId, field));
    if (by !== conflict.by && this.store.conflicts.get(taskId)?.get(field) === conflict) this.store.setConflict(taskId, field, { ...conflict, by });
    if (isTold || this.shownTask === taskId) return;
    const isOther = by !== null && by.id !== this.store.userId;
    this.problems.report(
      isOther
        ? t('{name} changed the {field} of {title} at the same time.', { ...values, name: displayName(by) })
        : t('Someone else changed the {field} of {title} at the same time.', values),
      { label: t('Compare'), act: () => this.openTask(taskId) },
      ...(TEXTS.includes(field) ? [copying(value)] : []),
    );
  }

  /** What the event would have said, had it come: the last page of the log does. @param {number} taskId @param {string} field @returns {Promise<import("../state/store.js").Actor | null>} */
  async #findAuthor(taskId, field) {
    const frames = await readBack(this.projectId, (this.store.state?.seq ?? 0) + 1).catch(() => []);
    for (const { event, data } of frames.reverse()) {
      if (event === 'task_updated' && data.task_id === taskId && field in data.changes) return data.by;
    }
    return null;
  }
}
