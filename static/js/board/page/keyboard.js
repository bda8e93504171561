// @ts-check
/** The board's keys: arrows walk the cards (from nowhere: to the first), `m` moves one, `n` adds one, `/` filters, Ctrl Z takes back, `?` lists the keys, Escape closes what is open. */

import { takesText } from '../ui/dom.js';
import { onKey, shortcutOf } from '../ui/keys.js';

const ARROWS = new Set(['ArrowDown', 'ArrowUp', 'ArrowLeft', 'ArrowRight']);

/**
 * @typedef {import("../columns/columns.js").Columns} Columns
 * @param {{
 *   columns: Columns, isOpen: () => boolean, close: () => void,
 *   move: (taskId: number) => void, add: (column: HTMLElement) => void, filter: () => void, help: () => void,
 *   undo: () => void,
 * }} parts
 */
export function listenToKeys({ columns, isOpen, close, move, add, filter, help, undo }) {
  onKey(window, (event) => {
    if (isUndo(event) && !takesText(event.target) && !document.querySelector('dialog[open]')) {
      event.preventDefault();
      return undo();
    }
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      document.querySelector('dialog[open]')
    )
      return;
    if (event.key === 'Escape' && isOpen()) return close();
    if (takesText(event.target)) return;
    const taskId = columns.taskAt(document.activeElement);
    const acts = {
      m: () => taskId !== null && move(taskId),
      n: () => add(columnOf(columns, taskId)),
      '/': filter,
      '?': help,
    };
    const act = acts[/** @type {keyof typeof acts} */ (shortcutOf(event))];
    if (act) act();
    else if (taskId === null ? isOpen() || !enter(columns, event) : !walk(columns, taskId, event.key)) return;
    event.preventDefault();
  });
}

/** @param {KeyboardEvent} event @returns {boolean} */
function isUndo(event) {
  const { ctrlKey, metaKey, shiftKey, altKey } = event;
  return shortcutOf(event).toLowerCase() === 'z' && (ctrlKey || metaKey) && !shiftKey && !altKey;
}

/** @param {Columns} columns @param {number | null} taskId @returns {HTMLElement} the column one is in, or the first */
function columnOf(columns, taskId) {
  const status = taskId === null ? undefined : columns.locate(taskId)?.status;
  const column = columns.columns.get(status ?? 'todo');
  return /** @type {import("../columns/columns.js").Column} */ (column).root;
}

/**
 * Goes to the cards from where nothing else needs the arrows: the page itself, or a column's button.
 *
 * @param {Columns} columns
 * @param {KeyboardEvent} event
 * @returns {boolean} whether the key does that
 */
function enter(columns, { key, target }) {
  if (!ARROWS.has(key) || !(target instanceof Element)) return false;
  const full = [...columns.columns.values()].filter(({ order }) => order.length);
  const column = target === document.body ? full[0] : full.find(({ root }) => root.contains(target));
  return column !== undefined && columns.focus(column.tabStop ?? column.order[0]);
}

/**
 * @param {Columns} columns
 * @param {number} taskId
 * @param {string} key
 * @returns {boolean} whether the key walks
 */
function walk(columns, taskId, key) {
  const at = columns.locate(taskId);
  if (!at) return false;
  if (key === 'ArrowDown' || key === 'ArrowUp') {
    const next = at.order[at.index + (key === 'ArrowDown' ? 1 : -1)];
    if (next !== undefined) columns.focus(next);
    return true;
  }
  if (key !== 'ArrowLeft' && key !== 'ArrowRight') return false;
  const all = [...columns.columns];
  const here = all.findIndex(([status]) => status === at.status);
  const beyond = key === 'ArrowRight' ? all.slice(here + 1) : all.slice(0, here).reverse();
  const order = beyond.find(([, column]) => column.order.length)?.[1].order;
  if (order) columns.focus(order[Math.min(at.index, order.length - 1)]);
  return true;
}
