// @ts-check
/** Adding tasks at a column's foot: a button that becomes a field, and stays one for the next title. */

import { clone, find, part } from '../ui/dom.js';
import { onKey } from '../ui/keys.js';

export class Composers {
  /**
   * @param {HTMLElement} board
   * @param {(status: import("../language/words.js").Status, title: string) => Promise<boolean>} create tells whether it worked
   */
  constructor(board, create) {
    this.board = board;
    this.create = create;
    /** @type {boolean | null} as it was painted */
    this.mayEdit = null;
    board.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-add-task]') : null;
      if (button) this.open(/** @type {HTMLElement} */ (button.closest('[data-status]')));
    });
  }

  /** @param {boolean} mayEdit viewers have no button */
  paint(mayEdit) {
    if (mayEdit === this.mayEdit) return;
    this.mayEdit = mayEdit;
    for (const foot of this.board.querySelectorAll('[data-foot]')) {
      if (!mayEdit) foot.replaceChildren();
      else if (!foot.firstElementChild) foot.append(clone('add'));
    }
  }

  /** @param {HTMLElement} column */
  open(column) {
    const foot = find(column, '[data-foot]');
    if (!foot.firstElementChild) return;
    const form = /** @type {HTMLFormElement} */ (clone('composer'));
    const input = find(form, 'input');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(column, /** @type {HTMLInputElement} */ (input));
    });
    onKey(form, (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#close(foot);
    });
    form.addEventListener('focusout', (event) => {
      const leaves = !(event.relatedTarget instanceof Node && form.contains(event.relatedTarget));
      if (leaves && form.isConnected && !(/** @type {HTMLInputElement} */ (input).value.trim()))
        this.#close(foot, { focus: false });
    });
    part(form, 'cancel').addEventListener('click', () => this.#close(foot));
    foot.replaceChildren(form);
    input.focus();
  }

  /** @param {HTMLElement} column @param {HTMLInputElement} input */
  async #submit(column, input) {
    const title = input.value.trim();
    if (!title) return;
    input.value = '';
    const created = this.create(/** @type {import("../language/words.js").Status} */ (column.dataset.status), title);
    const list = find(column, '[data-cards]');
    list.scrollTop = list.scrollHeight;
    if (!(await created) && !input.value) input.value = title; // what was refused can be mended
  }

  /** @param {HTMLElement} foot @param {{focus: boolean}} [options] */
  #close(foot, { focus } = { focus: true }) {
    const button = clone('add');
    foot.replaceChildren(button);
    if (focus) button.focus();
  }
}
