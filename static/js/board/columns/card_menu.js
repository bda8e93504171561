// @ts-check
/** What one can do with a card without opening it: by a right click, a long press, or the button that a pointer over it shows. */

import { clone } from '../ui/dom.js';
import { t } from '../language/language.js';
import { openMenu } from '../ui/menu.js';

/**
 * @typedef {import("../ui/menu.js").Item} Item
 * @typedef {import("./columns.js").Columns} Columns
 */

export class CardMenu {
  /**
   * @param {{
   *   board: HTMLElement, columns: Columns, isDragging: () => boolean, itemsFor: (taskId: number, card: HTMLElement) => Item[],
   * }} parts
   */
  constructor({ board, columns, isDragging, itemsFor }) {
    this.columns = columns;
    this.itemsFor = itemsFor;
    /** The one button, in the card under the pointer. */
    this.button = clone('card-menu');
    this.button.addEventListener('click', () => this.open(this.columns.taskAt(this.button.previousElementSibling), this.button));
    board.addEventListener('pointerover', ({ target, pointerType }) => {
      const card = target instanceof Element && pointerType === 'mouse' ? target.closest('.slot')?.firstElementChild : null;
      if (card && card.nextElementSibling !== this.button && this.columns.taskAt(card) !== null) card.after(this.button);
    });
    board.addEventListener('contextmenu', (event) => {
      const taskId = columns.taskAt(event.target);
      // The browser's own menu is there with Shift, as everywhere.
      if (taskId === null || event.shiftKey || event.ctrlKey || event.metaKey || isDragging()) return;
      event.preventDefault();
      this.open(taskId, null, { x: event.clientX, y: event.clientY });
    });
  }

  /** @param {number | null} taskId @param {HTMLElement | null} [anchor] the card, if it is not given @param {{x: number, y: number}} [at] */
  open(taskId, anchor = null, at) {
    const card = taskId === null ? undefined : this.columns.cards.get(taskId)?.link;
    if (taskId === null || !card) return;
    openMenu(anchor ?? card, { label: t('Task'), items: this.itemsFor(taskId, card), at });
  }
}
