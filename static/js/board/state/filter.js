// @ts-check
/** Which tasks are shown: as the address says it, and whether a task fits. Pure; `now` is an argument. */

import { fold } from '../language/fold.js';

/**
 * @typedef {{text: string, assignee: string, priority: string, label: string, due: string}} Filter "" everywhere: all tasks
 *   `assignee`: `me`, `none` or a user's id; `label`: `none` or a label's id; `due`: `overdue`, `day`, `week` or `none`
 * @typedef {import("../reducer.js").Task} Task
 */

const DAY = 24 * 3_600_000;

/** @type {Filter} */
export const ALL = { text: '', assignee: '', priority: '', label: '', due: '' };

/** How the fields are called in the address. @type {Record<keyof Filter, string>} */
const NAMES = { text: 'q', assignee: 'assignee', priority: 'priority', label: 'label', due: 'due' };

/** @param {string} search the address's, with its question mark @returns {Filter} */
export function parse(search) {
  const query = new URLSearchParams(search);
  const entries = Object.entries(NAMES).map(([field, name]) => [field, query.get(name) ?? '']);
  return /** @type {Filter} */ (Object.fromEntries(entries));
}

/** @param {Filter} filter @returns {string} "" for all tasks */
export function write(filter) {
  const query = new URLSearchParams();
  for (const [field, name] of Object.entries(NAMES)) {
    const value = filter[/** @type {keyof Filter} */ (field)].trim();
    if (value) query.set(name, value);
  }
  return query.size ? `?${query}` : '';
}

/** @param {Filter} filter @returns {boolean} whether it may leave out anything */
export function isActive(filter) {
  return write(filter) !== '';
}

/**
 * @param {Task} task
 * @param {Filter} filter
 * @param {{userId: number, now: Date}} looking the user, and when
 * @returns {boolean}
 */
export function matches(task, filter, { userId, now }) {
  const wanted = filter.assignee === 'me' ? String(userId) : filter.assignee === 'none' ? 'null' : filter.assignee;
  if (wanted && String(task.assignee_id) !== wanted) return false;
  if (filter.priority && task.priority !== filter.priority) return false;
  return isLabelled(task, filter.label) && isDue(task, filter.due, now) && hasWords(task, filter.text);
}

/** @param {Task} task @param {string} label @returns {boolean} */
function isLabelled({ labels = [] }, label) {
  if (label === 'none') return !labels.length;
  return !label || labels.includes(Number(label));
}

/** @param {Task} task @param {string} due @param {Date} now @returns {boolean} what is completed is not due any more */
function isDue({ due_at: at, status }, due, now) {
  if (!due) return true;
  if (due === 'none') return at === null;
  if (at === null || status === 'completed') return false;
  const distance = Date.parse(at) - now.getTime();
  if (due === 'overdue') return distance < 0;
  return distance < (due === 'day' ? DAY : 7 * DAY);
}

/** @param {Task} task @param {string} text @returns {boolean} whether each word is somewhere in it, or is its number */
function hasWords({ id, title, description }, text) {
  const words = fold(text).split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const own = fold(`${title}\n${description}`);
  return words.every((word) => own.includes(word) || word === `#${id}`);
}
