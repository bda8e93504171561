// @ts-check
/** The four columns: keeps the cards in the document the same, and in the same order, as the view. */

import { createCard, paintCard } from './card.js';
import { clone, find, part, setAttribute, setText } from './dom.js';
import { glide, glow, whereabouts } from './motion.js';
import { isSameOrder, longestRun } from './order.js';

/**
 * @typedef {import("./store.js").View} View
 * @typedef {import("./store.js").Ghost} Ghost
 * @typedef {import("./card.js").Card} Card
 * @typedef {import("./pending.js").Place} Place
 * @typedef {{root: HTMLElement, list: HTMLElement, label: HTMLElement, order: number[], tabStop: number | null}} Column
 */

export class Columns {
  /** @param {HTMLElement} board the element that holds the four columns */
  constructor(board) {
    this.board = board;
    /** @type {Map<string, Column>} */
    this.columns = new Map();
    /** @type {Map<number, Card>} */
    this.cards = new Map();
    /** @type {Map<Ghost, HTMLElement>} */
    this.ghosts = new Map();
    /** @type {HTMLElement | null} where a dragged card would land */
    this.placeholder = null;
    /** @type {Place | null} */
    this.place = null;
    for (const root of /** @type {NodeListOf<HTMLElement>} */ (board.querySelectorAll('[data-status]'))) {
      const column = {
        root,
        list: find(root, '[data-cards]'),
        label: find(root, '[data-count-label]'),
        order: [],
        tabStop: null,
      };
      this.columns.set(String(root.dataset.status), column);
    }
    board.addEventListener('focusin', (event) => this.#rememberTabStop(event.target));
  }

  /**
   * @param {View} view
   * @param {{now: Date, openTask: number | null}} context
   */
  paint(view, context) {
    const changed = [...this.columns].filter(
      ([status, column]) => !isSameOrder(column.order, view.columns.get(status) ?? []),
    );
    this.#removeSkeletons();
    if (changed.length || this.ghosts.size || view.ghosts.length)
      this.#rearrange(
        view,
        changed.map(([status]) => status),
      );
    const members = new Map(view.members.map(({ user }) => [user.id, user]));
    for (const [id, card] of this.cards) {
      const task = view.tasks.get(id);
      if (!task) continue;
      const assignee = members.get(task.assignee_id ?? 0) ?? null;
      paintCard(card, task, {
        waiting: view.waiting.has(id),
        isOpen: context.openTask === id,
        assignee,
        now: context.now,
      });
    }
    for (const [status, column] of this.columns) this.#paintHead(column, view.columns.get(status) ?? []);
  }

  /** @param {number} taskId */
  glow(taskId) {
    const card = this.cards.get(taskId);
    if (card) glow(card.link);
  }

  /** @param {number} taskId @returns {boolean} whether there was such a card */
  focus(taskId) {
    const link = this.cards.get(taskId)?.link;
    link?.focus();
    link?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    return link !== undefined;
  }

  /** @param {EventTarget | null} target @returns {number | null} the task of the card that holds it */
  taskAt(target) {
    const card =
      target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest('[data-task-id]')) : null;
    return card && this.board.contains(card) ? Number(card.dataset.taskId) : null;
  }

  /** @param {number} taskId @returns {{status: string, index: number, order: number[]} | null} */
  locate(taskId) {
    for (const [status, { order }] of this.columns) {
      const index = order.indexOf(taskId);
      if (index >= 0) return { status, index, order };
    }
    return null;
  }

  /**
   * Opens a gap where a dragged card would land, and moves the others out of its way.
   *
   * @param {Place | null} place null closes it
   * @param {number} [height] px
   */
  showPlace(place, height = 0) {
    if (place?.status === this.place?.status && place?.beforeId === this.place?.beforeId) return;
    const touched = [this.place, place].flatMap((one) => (one ? this.#slotsIn(one.status) : []));
    const before = whereabouts(touched);
    for (const [status, { root }] of this.columns) root.classList.toggle('is-target', status === place?.status);
    this.place = place;
    if (place && !this.placeholder) {
      this.placeholder = document.createElement('li');
      this.placeholder.className = 'placeholder';
      this.placeholder.style.height = `${height}px`;
      this.placeholder.setAttribute('aria-hidden', 'true');
    }
    this.#putPlaceholder();
    if (!place) this.placeholder = null;
    glide(before, touched);
  }

  /** @param {View} view @param {string[]} statuses the columns whose order is different now */
  #rearrange(view, statuses) {
    const touched = new Set(statuses.flatMap((status) => this.#slotsIn(status)));
    const before = whereabouts(touched);
    const focused = document.activeElement;
    const neighbour = this.#neighbourOf(focused, view);
    this.placeholder?.remove();
    this.#dropCards(view);
    for (const status of statuses) this.#order(status, view.columns.get(status) ?? []);
    this.#paintGhosts(view.ghosts);
    this.#putPlaceholder();
    glide(
      before,
      statuses.flatMap((status) => this.#slotsIn(status)),
    );
    if (focused instanceof HTMLElement && focused !== document.activeElement) {
      if (focused.isConnected) focused.focus({ preventScroll: true });
      else neighbour?.link.focus({ preventScroll: true });
    }
  }

  /** @param {View} view */
  #dropCards(view) {
    for (const [id, { slot }] of this.cards) {
      if (view.tasks.has(id)) continue;
      slot.remove();
      this.cards.delete(id);
    }
  }

  /**
   * Puts a column's cards in order with as few moves as it takes: a card that left its old place is stepped
   * over, so that one card's move does not move all the others.
   *
   * @param {string} status
   * @param {number[]} order
   */
  #order(status, order) {
    const column = /** @type {Column} */ (this.columns.get(status));
    const rank = new Map(column.order.map((id, index) => [id, index]));
    const stays = new Set(longestRun(order.map((id) => rank.get(id) ?? -1)).map((index) => column.order[index]));
    let cursor = column.list.firstElementChild;
    for (const id of order) {
      const { slot } = this.#card(id);
      while (cursor && cursor !== slot && !stays.has(this.#idOf(cursor))) cursor = cursor.nextElementSibling;
      if (cursor === slot) cursor = cursor.nextElementSibling;
      else column.list.insertBefore(slot, cursor);
    }
    column.order = order;
  }

  /** @param {readonly Ghost[]} ghosts always last in their column, where new tasks go */
  #paintGhosts(ghosts) {
    for (const [ghost, element] of this.ghosts) {
      if (ghosts.includes(ghost)) continue;
      element.remove();
      this.ghosts.delete(ghost);
    }
    for (const ghost of ghosts) {
      if (!this.ghosts.has(ghost)) {
        const element = clone('ghost');
        setText(part(element, 'title'), ghost.title);
        this.ghosts.set(ghost, element);
      }
      const element = /** @type {HTMLElement} */ (this.ghosts.get(ghost));
      this.columns.get(ghost.status)?.list.append(element);
    }
  }

  /** @param {Column} column @param {number[]} order */
  #paintHead(column, order) {
    setAttribute(column.root, 'data-count', String(order.length));
    setText(column.label, String(order.length));
    if (column.tabStop === null || !order.includes(column.tabStop)) column.tabStop = order[0] ?? null;
    for (const id of order) {
      const { link } = this.#card(id);
      const tabIndex = id === column.tabStop ? 0 : -1;
      if (link.tabIndex !== tabIndex) link.tabIndex = tabIndex;
    }
  }

  #putPlaceholder() {
    if (!this.place || !this.placeholder) return this.placeholder?.remove();
    const list = /** @type {Column} */ (this.columns.get(this.place.status)).list;
    const next = this.place.beforeId === null ? null : this.cards.get(this.place.beforeId)?.slot;
    const ghost = [...this.ghosts.values()].find((element) => element.parentElement === list);
    list.insertBefore(this.placeholder, next?.parentElement === list ? next : (ghost ?? null));
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

  /** @param {string} status @returns {HTMLElement[]} */
  #slotsIn(status) {
    return /** @type {HTMLElement[]} */ ([...(this.columns.get(status)?.list.children ?? [])]).filter(
      (child) => child !== this.placeholder,
    );
  }

  /** @param {Element} slot @returns {number} */
  #idOf(slot) {
    return Number(/** @type {HTMLElement} */ (slot.firstElementChild)?.dataset.taskId);
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
    const next = others.find((other) => view.tasks.has(other));
    return next === undefined ? null : (this.cards.get(next) ?? null);
  }

  /** @param {EventTarget | null} target the card that Tab comes back to in its column */
  #rememberTabStop(target) {
    const id = this.taskAt(target);
    const column = id === null ? null : this.columns.get(this.locate(id)?.status ?? '');
    if (!column || column.tabStop === id) return;
    const former = column.tabStop === null ? null : this.cards.get(column.tabStop);
    if (former) former.link.tabIndex = -1;
    column.tabStop = id;
    this.#card(/** @type {number} */ (id)).link.tabIndex = 0;
  }
}
