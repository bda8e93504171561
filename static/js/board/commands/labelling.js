// @ts-check
/** Labels are put on a task and taken off. */

import { Asking, isFinal, isKept } from './asking.js';
import { t } from '../language/language.js';
import { titleLeft } from './leftovers.js';
import { inverse, isAnswered, labelling } from './relabelling.js';
import { changeWords, quote } from '../language/words.js';

/**
 * @typedef {import("./relabelling.js").Relabelling} Relabelling
 * @typedef {import("./relabelling.js").Relabelled} Relabelled
 */

export class Labelling extends Asking {
  /**
   * Puts a label on a task or takes it off, and leaves alone what others do to the other labels.
   *
   * @param {number} taskId
   * @param {number} label its id
   * @param {boolean} isOn whether the task is to carry it
   * @param {string} [seen] the task's title as the person saw it
   * @returns {Promise<boolean>} whether it was done
   */
  async label(taskId, label, isOn, seen = '') {
    const title = this.titleOf(taskId) || seen;
    const done = await this.reversibly(
      changeWords('labels', title),
      this.#relabel(taskId, title, labelling(label, isOn)),
      (answer) => {
        const back = inverse(answer);
        return back && (async () => (await this.#relabel(taskId, title, back)) !== null);
      },
    );
    return done !== null;
  }

  /** @param {import("./asking.js").Leftover} leftover */
  resume({ data, note, answer }) {
    void this.#relabelled({ taskId: data.task_id, title: titleLeft(note), changes: data.changes, answer });
  }

  /** @param {number} taskId @param {string} title @param {Relabelling} changes @returns {Promise<Relabelled | null>} null: it was not done */
  #relabel(taskId, title, changes) {
    taskId = this.store.idOf(taskId);
    return this.#relabelled({ taskId, title, changes, answer: this.client.updateTask(taskId, changes) });
  }

  /** @param {{taskId: number, title: string, changes: Relabelling, answer: Promise<Relabelled>}} edit @returns {Promise<Relabelled | null>} */
  async #relabelled({ taskId, title, changes, answer }) {
    const expectation = this.store.expect(taskId, { relabelling: changes });
    try {
      const done = await answer;
      if (!isAnswered(changes, done)) throw Object.assign(new Error(), { code: 'outdated' });
      this.store.fulfil(expectation, done.version);
      return done;
    } catch (error) {
      if (isKept(error)) return null;
      this.store.forget(expectation);
      const again = { label: t('Try again'), act: () => void this.#relabel(taskId, title, changes) };
      this.refused(
        error,
        t('Couldn’t change the labels of {title}.', { title: quote(this.titleOf(taskId) || title) }),
        ...(isFinal(error) ? [] : [again]),
      );
      return null;
    }
  }
}
