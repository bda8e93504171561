// @ts-check
/** Cards are moved, and moved back. */

import { Asking, isKept } from './asking.js';
import { t } from '../language/language.js';
import { titleLeft } from './leftovers.js';
import { compareTasks } from '../reducer.js';
import { quote } from '../language/words.js';

/**
 * @typedef {import("./asking.js").Task} Task
 * @typedef {import("../state/pending.js").Place} Place
 * @typedef {import("../../client/wire.d.ts").TaskPlace} Spot
 * @typedef {import("../../client/wire.d.ts").Answers["task_move"]} Moved what a move made, and where it found the task; older servers do not say that
 */

export class Moving extends Asking {
  /**
   * @param {number} taskId
   * @param {Place} place
   * @returns {Promise<boolean>} whether it was moved
   */
  async move(taskId, place) {
    const task = this.taskOf(taskId);
    if (!task) return false;
    const moving = this.#move(task, this.#findable(place, task.id));
    const title = quote(task.title);
    const words = { undo: t('Undo move of {title}', { title }), undone: t('Move of {title} undone', { title }) };
    const moved = await this.reversibly(words, moving, (made) => this.#wayBack(task, made));
    return moved !== null;
  }

  /** @param {import("./asking.js").Leftover} leftover */
  resume({ data, note, answer }) {
    const place = { status: data.status ?? note?.status, beforeId: data.before_id ?? null, orAfterId: data.or_after_id };
    void this.#moved(data.task_id, titleLeft(note), place, answer);
  }

  /**
   * A drop of a card means a place between two others. The one below may be gone from there when the change reaches the server: so
   * the one above is named, too; a card that has no id yet can be none.
   *
   * @param {Place} place
   * @param {number} taskId of the card that goes there
   * @returns {Place}
   */
  #findable({ status, beforeId }, taskId) {
    if (beforeId === null) return { status, beforeId };
    const order = this.store.painted?.columns.get(status) ?? [];
    const above = order.slice(0, order.indexOf(beforeId)).filter((id) => id > 0 && id !== taskId);
    return { status, beforeId, orAfterId: above[above.length - 1] ?? null };
  }

  /** @param {Task} task @param {Place} place @returns {Promise<Moved | null>} null: it was refused */
  #move({ id, title }, place) {
    const { status, beforeId, orAfterId } = place;
    const where = beforeId === null ? { status } : { status, beforeId, orAfterId };
    const answer = this.client.moveTask(id, { ...where, tellPrevious: true });
    return this.#moved(id, title, place, answer);
  }

  /**
   * @param {number} taskId
   * @param {string} title
   * @param {Place} place
   * @param {Promise<import("../../client/wire.d.ts").Answers["task_move"]>} answering
   * @returns {Promise<Moved | null>}
   */
  async #moved(taskId, title, place, answering) {
    const expectation = this.store.expect(taskId, { patch: { status: place.status }, place });
    try {
      const answer = await answering;
      this.store.fulfil(expectation, answer.version);
      return answer;
    } catch (error) {
      if (isKept(error)) return null;
      this.store.forget(expectation);
      this.refused(error, t('Couldn’t move {title}.', { title: quote(title) }));
      return null;
    }
  }

  /** @param {Task} task @param {Moved} moved @returns {(() => Promise<boolean>) | null} null: it stood there already, or that is not known */
  #wayBack(task, moved) {
    const { previous } = moved;
    if (!previous || isSameSpot(previous, moved)) return null;
    return () => this.#moveBack(task, previous, moved);
  }

  /**
   * To where our own move found it, which may be another place than the one that we saw; not where another user has moved it since.
   *
   * @param {Task} before as it was when it was moved
   * @param {Spot} previous
   * @param {Moved} moved
   * @returns {Promise<boolean>}
   */
  async #moveBack({ id, title }, previous, moved) {
    const task = this.store.state?.tasks.get(this.store.idOf(id));
    if (!task || (task.version > moved.version && !isSameSpot(task, moved))) {
      this.toasts.say(
        task
          ? t('Someone else has moved {title} since then.', { title: quote(task.title) })
          : t('Someone else has deleted {title} since then.', { title: quote(title) }),
      );
      return false;
    }
    return (await this.#move(task, this.#placeAt({ ...previous, id: task.id }))) !== null;
  }

  /** @param {Spot & {id: number}} card @returns {Place} between those that stand around that spot now */
  #placeAt(card) {
    const column = [...(this.store.state?.tasks.values() ?? [])].filter(({ id, status }) => id !== card.id && status === card.status);
    const order = column.sort(compareTasks);
    const below = order.findIndex((task) => compareTasks(task, card) > 0);
    if (below < 0) return { status: card.status, beforeId: null };
    return { status: card.status, beforeId: order[below].id, orAfterId: order[below - 1]?.id ?? null };
  }
}

/** @param {Spot} one @param {Spot} other @returns {boolean} */
function isSameSpot(one, other) {
  return one.status === other.status && one.position === other.position;
}
