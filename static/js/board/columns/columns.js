// @ts-check
/** The four columns: keeps the cards in the document the same, and in the same order, as the view. */

import { anchorIn, holdAt } from './anchor.js';
import { createCard, nameCard, paintCard, taskAt } from './card.js';
import { find, setAttribute, setText } from '../ui/dom.js';
import { glide, glow, whereabouts } from '../ui/motion.js';
import { isSameOrder, longestRun } from './order.js';

/**
 * @typedef {import("../state/store.js").View} View
 * @typedef {import("./card.js").Card} Card
 * @typedef {import("../state/pending.js").Place} Place
 * @typedef {import("../language/words.js").Status} Status
 * @typedef {{root: HTMLElement, list: HTMLElement, label: HTMLElement, order: number[], tabStop: number | null}} Column
 */

export class Columns {
  /** @param {HTMLElement} board the element that holds the four columns */
  constructor(board) {
    this.board = board;
    /** @type {Map<Status, Column>} */
    this.columns = new Map();
    /** @type {Map<number, Card>} */
    this.cards = new Map();
    /** @type {HTMLElement | null} where a dragged card would land */
    this.placeholder = null;
    /** @type {Place | null} */
    this.place = null;
    /** @type {HTMLElement | null} the slot of the card that is dragged */
    this.lifted = null;
    for (const root of /** @type {NodeListOf<HTMLElement>} */ (board.querySelectorAll('[data-status]'))) {
      const column = {
        root,
        list: find(root, '[data-cards]'),
        label: find(root, '[data-count-label]'),
        order: [],
        tabStop: null,
      };
      this.columns.set(/** @type {Status} */ (root.dataset.status), column);
    }
    board.addEventListener('focusin', (event) => this.#rememberTabStop(event.target));
  }

  /**
   * @param {View} view
   * @param {{now: Date, openTask: number | null, marks: ReadonlyMap<number, import("../activity/absence.js").Mark>}} context
   */
  paint(view, context) {
    for (const [placeholder, id] of view.ids) this.#rename(placeholder, id);
    const changed = [...this.columns].flatMap(([status, column]) =>
      isSameOrder(column.order, view.columns.get(status) ?? []) ? [] : [status],
    );
    const anchors = this.#anchors(view);
    const before = whereabouts(changed.flatMap((status) => this.#slotsIn(status)));
    this.#removeSkeletons();
    const fresh = changed.length ? this.#rearrange(view, changed) : [];
    const members = new Map(view.members.map(({ user }) => [user.id, user]));
    for (const [id, card] of this.cards) {
      const task = view.tasks.get(id);
      if (!task) continue;
      const assignee = members.get(task.assignee_id ?? 0) ?? null;
      paintCard(card, task, {
        waiting: view.waiting.has(id),
        isOpen: context.openTask === id,
        mark: context.marks.get(id) ?? null,
        assignee,
        project: view.project,
        now: context.now,
      });
    }
    for (const anchor of anchors) holdAt(anchor);
    if (changed.length) glide(before, fresh);
    for (const [status, column] of this.columns) this.#paintHead(column, view.columns.get(status) ?? []);
  }

  /** @param {number} taskId */
  glow(taskId) {
    const card = this.cards.get(taskId);
    if (card) glow(card.link);
  }

  /** @param {number} taskId @returns {boolean} whether there was such a card */
  focus(taskId) {
    this.cards.get(taskId)?.link.focus();
    this.reveal(taskId);
    return this.cards.has(taskId);
  }

  /** @param {number} taskId */
  reveal(taskId) {
    this.cards.get(taskId)?.link.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }

  /** @param {EventTarget | null} target @returns {number | null} the task of the card on this board that holds it */
  taskAt(target) {
    return target instanceof Node && this.board.contains(target) ? taskAt(target) : null;
  }

  /** @param {number} taskId @returns {{status: Status, index: number, order: number[]} | null} */
  locate(taskId) {
    for (const [status, { order }] of this.columns) {
      const index = order.indexOf(taskId);
      if (index >= 0) return { status, index, order };
    }
    return null;
  }

  /**
   * Takes a card off the board for the time of a drag; a gap of its height marks where it would land.
   *
   * @param {HTMLElement} slot
   * @param {Place} place
   * @param {number} height px
   */
  lift(slot, place, height) {
    this.lifted = slot;
    this.placeholder = document.createElement('li');
    this.placeholder.className = 'placeholder';
    this.placeholder.style.height = `${height}px`;
    this.placeholder.setAttribute('aria-hidden', 'true');
    this.showPlace(place);
  }

  /**
   * Moves the gap, and the others out of its way.
   *
   * @param {Place | null} place null closes it, and puts the card back where it belongs
   */
  showPlace(place) {
    if (place?.status === this.place?.status && place?.beforeId === this.place?.beforeId) return;
    const before = whereabouts([this.place, place].flatMap((one) => (one ? this.#slotsIn(one.status) : [])));
    for (const [status, { root }] of this.columns) root.classList.toggle('is-target', status === place?.status);
    this.place = place;
    this.lifted?.classList.toggle('slot--lifted', place !== null);
    this.#putPlaceholder();
    if (!place) this.placeholder = this.lifted = null;
    glide(before);
  }

  /**
   * @param {View} view
   * @param {Status[]} statuses the columns whose order is different now
   * @returns {HTMLElement[]} the slots of cards that appear; those of a board that was empty do not
   */
  #rearrange(view, statuses) {
    const known = new Set(this.cards.keys());
    const focused = document.activeElement;
    const neighbour = this.#neighbourOf(focused, view);
    this.placeholder?.remove();
    this.#dropCards(view);
    for (const status of statuses) this.#order(status, view.columns.get(status) ?? []);
    this.#putPlaceholder();
    if (focused instanceof HTMLElement && focused !== document.activeElement) {
      if (focused.isConnected) focused.focus({ preventScroll: true });
      else neighbour?.link.focus({ preventScroll: true });
    }
    return known.size ? [...this.cards].flatMap(([id, { slot }]) => (known.has(id) ? [] : [slot])) : [];
  }

  /** @param {View} view @returns {import("./anchor.js").Anchor[]} by cards that were not moved since the last look */
  #anchors(view) {
    return [...this.columns.values()].flatMap(({ list, order }) => {
      const findSlots = () => order.filter((id) => this.#staysPut(id, view)).map((id) => this.#card(id).slot);
      return anchorIn(list, findSlots) ?? [];
    });
  }

  /** @param {number} id @param {View} view @returns {boolean} whether the card keeps its place among the others */
  #staysPut(id, view) {
    const before = this.cards.get(id)?.painted?.task;
    const task = view.tasks.get(id);
    return !view.waiting.has(id) && before?.position === task?.position && before?.status === task?.status;
  }

  /** @param {View} view */
  #dropCards(view) {
    const shown = new Set([...view.columns.values()].flat());
    for (const [id, { slot }] of this.cards) {
      if (shown.has(id)) continue;
      slot.remove();
      this.cards.delete(id);
    }
  }

  /**
   * Puts a column's cards in order with as few moves as it takes: a card that left its old place is stepped
   * over, so that one card's move does not move all the others.
   *
   * @param {Status} status
   * @param {number[]} order
   */
  #order(status, order) {
    const column = /** @type {Column} */ (this.columns.get(status));
    const rank = new Map(column.order.map((id, index) => [id, index]));
    const stays = new Set(longestRun(order.map((id) => rank.get(id) ?? -1)).map((index) => column.order[index]));
    let cursor = column.list.firstElementChild;
    for (const id of order) {
      const { slot } = this.#card(id);
      while (cursor && cursor !== slot && !stays.has(Number(taskAt(cursor.firstElementChild)))) cursor = cursor.nextElementSibling;
      if (cursor === slot) cursor = cursor.nextElementSibling;
      else column.list.insertBefore(slot, cursor);
    }
    column.order = order;
  }

  /** The card of a task that has an id by now stays what it was. @param {number} placeholder @param {number} id */
  #rename(placeholder, id) {
    const card = this.cards.get(placeholder);
    if (!card) return;
    const twin = this.cards.get(id); // made for its event, which came before the answer that names it
    twin?.slot.remove();
    this.cards.delete(placeholder);
    this.cards.set(id, card);
    nameCard(card.link, id);
    for (const column of this.columns.values()) {
      if (twin) column.order = column.order.filter((other) => other !== id);
      column.order = column.order.map((other) => (other === placeholder ? id : other));
      if (column.tabStop === placeholder) column.tabStop = id;
    }
  }

  /** @param {Column} column @param {number[]} order */
  #paintHead(column, order) {
    setAttribute(column.root, 'data-count', String(order.length));
    setText(column.label, String(order.length));
    if (column.tabStop === null || !order.includes(column.tabStop)) this.#setTabStop(column, order[0] ?? null);
  }

  /** @param {Column} column @param {number | null} id the one card of the column that Tab comes to */
  #setTabStop(column, id) {
    const former = column.tabStop === null ? null : this.cards.get(column.tabStop);
    const next = id === null ? null : this.cards.get(id);
    column.tabStop = id;
    if (former) former.link.tabIndex = -1;
    if (next) next.link.tabIndex = 0;
  }

  #putPlaceholder() {
    if (!this.place || !this.placeholder) return this.placeholder?.remove();
    const list = /** @type {Column} */ (this.columns.get(this.place.status)).list;
    const next = this.place.beforeId === null ? null : this.cards.get(this.place.beforeId)?.slot;
    list.insertBefore(this.placeholder, next?.parentElement === list ? next : null);
  }

  #removeSkeletons() {
    if (!this.board.hasAttribute('aria-busy')) return;
    this.board.removeAttribute('aria-busy');
    for (const skeleton of this.board.querySelectorAll('.skeleton')) skeleton.remove();
  }

  /** @param {number} id @returns {Card} */
  #card(id) {
    let card = this.cards.get(id);
    if (!card) this.cards.set(id, (card = createCard(id)));
    return card;
  }

  /** @param {Status} status @returns {HTMLElement[]} */
  #slotsIn(status) {
    return /** @type {HTMLElement[]} */ ([...(this.columns.get(status)?.list.children ?? [])]).filter(
      (child) => child !== this.placeholder,
    );
  }

  /**
   * @param {Element | null} focused
   * @param {View} view
   * @returns {Card | null} the card that takes the focus if this one is going
   */
  #neighbourOf(focused, view) {
    const id = this.taskAt(focused);
    const place = id === null ? null : this.locate(id);
    if (!place) return null;
    const others = [...place.order.slice(place.index + 1), ...place.order.slice(0, place.index).reverse()];
    const shown = new Set([...view.columns.values()].flat());
    const next = others.find((other) => shown.has(other));
    return next === undefined ? null : (this.cards.get(next) ?? null);
  }

  /** @param {EventTarget | null} target the card that Tab comes back to in its column */
  #rememberTabStop(target) {
    const id = this.taskAt(target);
    const at = id === null ? null : this.locate(id);
    const column = at && this.columns.get(at.status);
    if (column && column.tabStop !== id) this.#setTabStop(column, id);
  }
}
