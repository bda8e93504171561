// @ts-check
/** Adding tasks at a column's foot: a button that becomes a field, and stays one for the next title. */

import { clone, find, part } from '../ui/dom.js';
import { onKey } from '../ui/keys.js';
import { t, tn } from '../language/language.js';

/** @typedef {import("../language/words.js").Status} Status */

const MOST = 50; // tasks of one paste
const NO_TASK = 0; // whose drafts those of new cards are

export class Composers {
  /**
   * @param {HTMLElement} board
   * @param {{drafts: import("../state/drafts.js").Drafts, projectId: number, create: (status: Status, title: string) => Promise<boolean>}} parts
   *   `create` returns whether it worked
   */
  constructor(board, { drafts, projectId, create }) {
    this.board = board;
    this.drafts = drafts;
    this.projectId = projectId;
    this.create = create;
    /** @type {boolean | null} as it was painted */
    this.mayEdit = null;
    board.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('[data-add-task]') : null;
      if (button) this.open(/** @type {HTMLElement} */ (button.closest('[data-status]')));
    });
  }

  /** @param {boolean} mayEdit viewers have no button; a title that was begun is there again for those who may edit */
  paint(mayEdit) {
    if (mayEdit === this.mayEdit) return;
    this.mayEdit = mayEdit;
    for (const foot of /** @type {NodeListOf<HTMLElement>} */ (this.board.querySelectorAll('[data-foot]'))) {
      const column = /** @type {HTMLElement} */ (foot.closest('[data-status]'));
      if (!mayEdit) foot.replaceChildren();
      else if (this.#draft(column)) this.#show(column);
      else if (!foot.firstElementChild) foot.append(clone('add'));
    }
  }

  /** @param {HTMLElement} column */
  open(column) {
    if (find(column, '[data-foot]').firstElementChild) this.#show(column).focus();
  }

  /** @param {HTMLElement} column @returns {HTMLInputElement} */
  #show(column) {
    const foot = find(column, '[data-foot]');
    const form = /** @type {HTMLFormElement} */ (clone('composer'));
    const input = /** @type {HTMLInputElement} */ (find(form, 'input'));
    input.value = this.#draft(column);
    input.addEventListener('input', (event) => {
      this.#keep(column, input.value);
      part(form, 'lines').hidden ||= /** @type {InputEvent} */ (event).inputType !== 'insertFromPaste';
    });
    input.addEventListener('paste', (event) => this.#pasted(event, column, form));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(column, input);
    });
    onKey(form, (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      this.#close(foot);
    });
    form.addEventListener('focusout', (event) => {
      const leaves = !(event.relatedTarget instanceof Node && form.contains(event.relatedTarget));
      if (leaves && form.isConnected && !input.value.trim()) this.#close(foot, { focus: false });
    });
    part(form, 'cancel').addEventListener('click', () => {
      this.#keep(column, '');
      this.#close(foot);
    });
    foot.replaceChildren(form);
    return input;
  }

  /** @param {HTMLElement} column @param {HTMLInputElement} input */
  async #submit(column, input) {
    const title = input.value.trim();
    if (!title) return;
    input.value = '';
    this.#keep(column, '');
    const created = this.create(/** @type {Status} */ (column.dataset.status), title);
    const list = find(column, '[data-cards]');
    list.scrollTop = list.scrollHeight;
    input.scrollIntoView({ block: 'nearest' }); // where the page scrolls, the new card has pushed it away
    if (!(await created) && !input.value) input.value = title; // what was refused can be mended
  }

  /** Several lines can be a task each: the browser would make one of them. @param {ClipboardEvent} event @param {HTMLElement} column @param {HTMLFormElement} form */
  #pasted(event, column, form) {
    const lines = (event.clipboardData?.getData('text/plain') ?? '').split(/[\r\n]+/).map(titleIn).filter(Boolean);
    const offer = part(form, 'lines');
    offer.hidden = lines.length < 2 || lines.length > MOST;
    if (offer.hidden) return;
    const input = /** @type {HTMLInputElement} */ (find(form, 'input'));
    const before = input.value;
    const most = Number(input.dataset.maxlength);
    const button = find(offer, 'button');
    button.textContent = tn(lines.length, 'Add {count} task, one for each line', 'Add {count} tasks, one for each line');
    button.onclick = () => {
      offer.hidden = true;
      const long = lines.filter((line) => [...line].length > most);
      for (const line of lines) if (!long.includes(line)) void this.create(/** @type {Status} */ (column.dataset.status), line);
      input.value = long.length ? long.join(' ') : before;
      input.dispatchEvent(new Event('input', { bubbles: true }));
      input.focus();
    };
  }

  /** @param {HTMLElement} foot @param {{focus: boolean}} [options] */
  #close(foot, { focus } = { focus: true }) {
    const button = clone('add');
    const kept = this.#draft(/** @type {HTMLElement} */ (foot.closest('[data-status]')));
    if (kept) {
      const draft = document.createElement('span');
      draft.className = 'add-task__draft';
      draft.textContent = t('“{text}”', { text: kept });
      button.append(draft);
    }
    foot.replaceChildren(button);
    if (focus) button.focus();
  }

  /** @param {HTMLElement} column @returns {string} what the user began to write there */
  #draft({ dataset: { status } }) {
    return this.drafts.get(NO_TASK, `card-${this.projectId}-${status}`)?.text ?? '';
  }

  /** @param {HTMLElement} column @param {string} text */
  #keep({ dataset: { status } }, text) {
    this.drafts.set(NO_TASK, `card-${this.projectId}-${status}`, { text: text.trim() && text });
  }
}

/** @param {string} line perhaps of a list @returns {string} */
function titleIn(line) {
  return line.replace(/^\s*(?:[-*•]|\d+[.)])\s+(?:\[[ xX]\]\s+)?/, '').trim();
}
