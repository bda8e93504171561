// @ts-check
/** Dragging cards with a mouse, a pen or a finger. */

import { onKey } from '../ui/keys.js';
import { likeness, slide } from '../ui/motion.js';

/**
 * @typedef {import("./columns.js").Columns} Columns
 * @typedef {import("../state/pending.js").Place} Place
 * @typedef {{
 *   taskId: number, pointerId: number, slot: HTMLElement, image: HTMLElement, home: Place,
 *   grip: {x: number, y: number}, box: DOMRect, at: {x: number, y: number}, frame: number, resting: {x: number, y: number} | null,
 * }} Drag `grip`: where in the card it was taken; `home`: where it came from; `resting`: where a finger lies that has not moved it so far
 */

const THRESHOLD = 4; // px that a mouse may tremble while it clicks
const HOLD = 260; // ms that a finger rests on a card before it lifts; a shorter touch scrolls
const FINGER = 10; // px that a resting finger may tremble
const EDGE = 56; // px from an edge within which a list scrolls by itself
const SPEED = 14; // px per frame at the very edge
const LINE = 20; // px that a wheel turns where it counts in lines

export class CardDrag {
  /**
   * @param {{
   *   board: HTMLElement, columns: Columns, mayDrag: () => boolean,
   *   drop: (taskId: number, place: Place) => void, held: (taskId: number, at: {x: number, y: number}) => void,
   * }} parts `drop` is called with a place that differs from where the card was; `held` after a long press that moved nothing
   */
  constructor({ board, columns, mayDrag, drop, held }) {
    this.board = board;
    this.columns = columns;
    this.mayDrag = mayDrag;
    this.drop = drop;
    this.held = held;
    /** @type {Drag | null} */
    this.drag = null;
    /** Over everything while a card is in the hand: a cursor for the whole page that no other style has to know of. */
    this.shield = document.createElement('div');
    this.shield.className = 'drag-shield';
    /** @type {{taskId: number, pointerId: number, x: number, y: number, timer: ReturnType<typeof setTimeout> | undefined} | null} */
    this.press = null;
    /** @type {number | null} the pointer that was dragging and is still down, though the card was put back */
    this.spent = null;

    board.addEventListener('pointerdown', (event) => this.#pressed(event));
    board.addEventListener('dragstart', (event) => event.preventDefault());
    board.addEventListener('contextmenu', (event) => this.drag && event.preventDefault());
    addEventListener('pointermove', (event) => this.#moved(event));
    addEventListener('pointerup', (event) => this.#released(event));
    addEventListener('pointercancel', () => this.cancel());
    addEventListener('blur', () => this.cancel());
    onKey(window, (event) => this.#key(event), true);
    this.shield.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    // Only a listener that is not passive can keep a finger from scrolling the list under the lifted card.
    addEventListener('touchmove', (event) => this.drag && event.cancelable && event.preventDefault(), {
      passive: false,
    });
  }

  /** @returns {number | null} the task in the hand */
  get taskId() {
    return this.drag?.taskId ?? null;
  }

  /** Lets go without a change; the card goes back. */
  cancel() {
    clearTimeout(this.press?.timer);
    this.press = null;
    if (!this.drag) return;
    this.spent = this.drag.pointerId;
    this.#putDown();
  }

  /** @param {PointerEvent} event */
  #pressed(event) {
    this.spent = null;
    if (this.drag || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const taskId = this.columns.taskAt(event.target);
    if (taskId === null || !this.mayDrag()) return;
    clearTimeout(this.press?.timer);
    const { pointerId, clientX: x, clientY: y } = event;
    const timer = event.pointerType === 'touch' ? setTimeout(() => this.#lift(x, y), HOLD) : undefined;
    this.press = { taskId, pointerId, x, y, timer };
  }

  /** @param {PointerEvent} event */
  #moved(event) {
    const { press } = this;
    if (press && event.pointerId === press.pointerId && !this.drag) {
      const distance = Math.hypot(event.clientX - press.x, event.clientY - press.y);
      if (press.timer !== undefined) {
        if (distance > FINGER) this.cancel(); // the finger scrolls
      } else if (distance > THRESHOLD) this.#lift(event.clientX, event.clientY);
    }
    if (!this.drag || event.pointerId !== this.drag.pointerId) return;
    event.preventDefault();
    this.drag.at = { x: event.clientX, y: event.clientY };
    const { resting } = this.drag;
    if (resting && Math.hypot(event.clientX - resting.x, event.clientY - resting.y) > FINGER) this.drag.resting = null;
    this.#follow();
  }

  /** @param {PointerEvent} event */
  #released(event) {
    clearTimeout(this.press?.timer);
    this.press = null;
    if (event.pointerId === this.spent) swallowClick();
    this.spent = null;
    const { drag } = this;
    if (!drag || event.pointerId !== drag.pointerId) return;
    drag.at = { x: event.clientX, y: event.clientY };
    this.#follow();
    const place = this.columns.place;
    swallowClick();
    if (drag.resting) {
      this.#putDown();
      return this.held(drag.taskId, drag.at);
    }
    this.#putDown(place && !isSame(place, drag.home) ? () => this.drop(drag.taskId, place) : undefined);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== 'Escape' || !this.drag) return;
    event.stopPropagation();
    this.cancel();
  }

  /** The wheel turns what is under the card in the hand. @param {WheelEvent} event */
  #wheel(event) {
    if (!this.drag || event.ctrlKey) return;
    event.preventDefault();
    const { list } = this.#columnAt(event.clientX)[1];
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE;
    const [x, y] = event.shiftKey && !event.deltaX ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
    list.scrollTop += y * unit;
    page().scrollTop += y * unit;
    this.board.scrollLeft += x * unit;
    this.#follow();
  }

  /** @param {number} x @param {number} y */
  #lift(x, y) {
    const press = /** @type {NonNullable<CardDrag["press"]>} */ (this.press);
    const card = this.columns.cards.get(press.taskId);
    const found = this.columns.locate(press.taskId);
    if (!card || !found) return this.cancel();
    const { slot, link } = card;
    const box = link.getBoundingClientRect();
    const image = likeness(slot, 'drag-image');
    image.style.width = `${box.width}px`;
    document.body.append(image);
    const home = { status: found.status, beforeId: found.order[found.index + 1] ?? null };
    const grip = { x: press.x - box.left, y: press.y - box.top };
    this.drag = {
      taskId: press.taskId,
      pointerId: press.pointerId,
      slot,
      image,
      home,
      grip,
      box,
      at: { x, y },
      frame: 0,
      resting: press.timer === undefined ? null : { x, y },
    };
    document.body.append(this.shield);
    this.board.classList.add('is-dragging');
    this.columns.lift(slot, home, box.height);
    navigator.vibrate?.(press.timer === undefined ? 0 : 8);
    this.#follow();
    this.#scrollAtEdges();
  }

  /** The image follows the pointer, and the gap follows the image. */
  #follow() {
    const drag = /** @type {Drag} */ (this.drag);
    const left = drag.at.x - drag.grip.x;
    const top = drag.at.y - drag.grip.y;
    drag.image.style.transform = `translate(${left}px, ${top}px)`;
    this.columns.showPlace(this.#placeUnder(drag, top));
  }

  /**
   * The column under the pointer; in it, the card gives way once the dragged one covers half of it.
   *
   * @param {Drag} drag
   * @param {number} top of the image, px from the window's
   * @returns {Place}
   */
  #placeUnder({ slot: lifted, at, box }, top) {
    const [status, column] = this.#columnAt(at.x);
    const inside = this.columns.place?.status === status;
    const listTop = column.list.getBoundingClientRect().top - column.list.scrollTop;
    const gap = this.columns.placeholder?.offsetTop ?? 0;
    const bottom = top + box.height;
    for (const id of column.order) {
      const slot = this.columns.cards.get(id)?.slot;
      if (!slot || slot === lifted || slot.parentElement !== column.list) continue;
      const middle = listTop + slot.offsetTop + slot.offsetHeight / 2; // where it rests, not where it glides just now
      const edge = !inside ? (top + bottom) / 2 : slot.offsetTop < gap ? top : bottom;
      if (edge <= middle) return { status, beforeId: id };
    }
    return { status, beforeId: null };
  }

  /** @param {number} x @returns {[import("../language/words.js").Status, import("./columns.js").Column]} the nearest column */
  #columnAt(x) {
    const distance = (/** @type {HTMLElement} */ root) => {
      const { left, right } = root.getBoundingClientRect();
      return Math.max(left - x, x - right, 0);
    };
    return [...this.columns.columns].reduce((best, next) =>
      distance(next[1].root) < distance(best[1].root) ? next : best,
    );
  }

  #scrollAtEdges() {
    const { drag } = this;
    if (!drag) return;
    const { list } = this.#columnAt(drag.at.x)[1];
    // In a low window the page scrolls instead of the columns.
    const moved =
      scrollBy(list, 'scrollTop', drag.at.y, list.getBoundingClientRect(), 'top', 'bottom') ||
      scrollBy(page(), 'scrollTop', drag.at.y, new DOMRect(0, 0, innerWidth, innerHeight), 'top', 'bottom');
    const movedBoard = scrollBy(
      this.board,
      'scrollLeft',
      drag.at.x,
      this.board.getBoundingClientRect(),
      'left',
      'right',
    );
    if (moved || movedBoard) this.#follow();
    drag.frame = requestAnimationFrame(() => this.#scrollAtEdges());
  }

  /** @param {() => void} [commit] puts the card at its new place before it settles there */
  #putDown(commit) {
    const { slot, image, frame } = /** @type {Drag} */ (this.drag);
    cancelAnimationFrame(frame);
    const from = image.firstElementChild?.getBoundingClientRect() ?? image.getBoundingClientRect();
    image.remove();
    this.drag = null;
    this.shield.remove();
    this.board.classList.remove('is-dragging');
    commit?.();
    this.columns.showPlace(null);
    const link = /** @type {HTMLElement} */ (slot.firstElementChild);
    if (link.isConnected) slide(slot, from, link.getBoundingClientRect());
    if (commit) link.focus({ preventScroll: true });
  }
}

/** @returns {Element} what scrolls where the window is low */
function page() {
  return document.scrollingElement ?? document.documentElement;
}

/** The click that follows a drag's end would open the card. */
function swallowClick() {
  const stop = (/** @type {Event} */ event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  addEventListener('click', stop, { capture: true, once: true });
  setTimeout(() => removeEventListener('click', stop, { capture: true }));
}

/** @param {Place} one @param {Place} other @returns {boolean} */
function isSame(one, other) {
  return one.status === other.status && one.beforeId === other.beforeId;
}

/**
 * @param {Element} element
 * @param {"scrollTop" | "scrollLeft"} axis
 * @param {number} at the pointer on that axis
 * @param {DOMRect} box
 * @param {"top" | "left"} start
 * @param {"bottom" | "right"} end
 * @returns {boolean} whether it scrolled
 */
function scrollBy(element, axis, at, box, start, end) {
  const before = element[axis];
  const nearStart = Math.min(1, (box[start] + EDGE - at) / EDGE);
  const nearEnd = Math.min(1, (at - box[end] + EDGE) / EDGE);
  if (nearStart > 0) element[axis] -= Math.ceil(nearStart * SPEED);
  else if (nearEnd > 0) element[axis] += Math.ceil(nearEnd * SPEED);
  return element[axis] !== before;
}
