// @ts-check
/** What waits to be sent, in words. Pure. */

import { t } from '../language/language.js';
import { exactDue } from '../language/time.js';
import { PRIORITY_NAMES, quote, STATUS_NAMES } from '../language/words.js';

/**
 * @typedef {import("../../client/outbox.js").Waiting} Waiting
 * @typedef {import("../language/words.js").Status} Status
 * @typedef {{words: string, text: string | null}} Said `text`: what was written, where the words do not have it
 */

const EXCERPT = 200; // letters of a text

/** @type {Record<string, (data: any, title: string, note: import("./leftovers.js").Note | null) => string>} */
const WORDS = {
  task_create: ({ status }, title) => t('Add {title} to {column}', { title, column: columnOf(status) }),
  task_move: ({ status }, title, note) => {
    if (status && status !== note?.from) return t('Move {title} to {column}', { title, column: columnOf(status) });
    return t('Move {title} within its column', { title });
  },
  task_delete: (_, title) => t('Delete {title}', { title }),
  task_restore: (_, title) => t('Restore {title}', { title }),
  new_comment: (_, title) => t('Comment on {title}', { title }),
  comment_update: (_, title) => t('Edit a comment on {title}', { title }),
  comment_delete: (_, title) => t('Delete a comment on {title}', { title }),
};

/** @param {readonly Waiting[]} waiting @returns {readonly Waiting[]} what the user asked for: not that notifications were seen */
export function askedFor(waiting) {
  return waiting.filter(({ event }) => event !== 'notifications_read');
}

/**
 * @param {Waiting} change
 * @param {(userId: number) => string} nameOf a member
 * @returns {Said}
 */
export function inWords({ event, data, note }, nameOf) {
  const title = quote(note?.title ?? t('A task'));
  const words = event === 'task_update' ? changed(data.changes, title, nameOf) : WORDS[event]?.(data, title, note);
  return { words: words ?? t('Another change'), text: excerpt(data.content ?? data.changes?.description) };
}

/** @param {any} changes of one field @param {string} title @param {(userId: number) => string} nameOf @returns {string} */
function changed(changes, title, nameOf) {
  const [[field, value]] = Object.entries(changes);
  if (field === 'title') return t('Rename {title} to {name}', { title, name: quote(value) });
  if (field === 'status') return t('Move {title} to {column}', { title, column: columnOf(value) });
  if (field === 'priority') return t('Set the priority of {title}: {value}', { title, value: PRIORITY_NAMES[value] });
  if (field === 'assignee_id') return value === null ? t('Unassign {title}', { title }) : t('Assign {title} to {name}', { title, name: nameOf(value) });
  if (field === 'due_at') return value ? t('Set the due date of {title}: {moment}', { title, moment: exactDue(value) }) : t('Clear the due date of {title}', { title });
  if (field === 'description') return t('Change the description of {title}', { title });
  return t('Change the labels of {title}', { title });
}

/** @param {string} status @returns {string} */
function columnOf(status) {
  return STATUS_NAMES[/** @type {Status} */ (status)];
}

/** @param {unknown} text @returns {string | null} */
function excerpt(text) {
  if (typeof text !== 'string' || !text.trim()) return null;
  return text.length > EXCERPT ? `${text.slice(0, EXCERPT)}…` : text;
}
