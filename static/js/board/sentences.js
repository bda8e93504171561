// @ts-check
/** What others did, in sentences: for those who hear the board, and for messages. */

import { FIELD_NAMES, PRIORITY_NAMES, quote, ROLE_NAMES, STATUS_NAMES } from './words.js';

/**
 * @typedef {import("./reducer.js").BoardState} BoardState
 * @typedef {(data: any, who: string, names: {title: string, person: (id: number | null) => string}) => string | null} Teller
 */

/** Events that another one has told already, or that say nothing worth hearing, have no teller. @type {Record<string, Teller | undefined>} */
const TELLERS = {
  task_created: ({ task }, who) => `${who} added ${named(task.title)} to ${STATUS_NAMES[task.status]}`,
  task_restored: ({ task }, who) => `${who} restored ${named(task.title)}`,
  task_deleted: ({ archived }, who, { title }) => `${who} ${archived ? 'archived' : 'deleted'} ${title}`,
  task_updated: ({ changes }, who, names) => tellChanges(changes, who, names),
  comment_added: ({ comment, redacted }, who, { title }) =>
    redacted ? `${who} commented on ${title}, and it was deleted` : `${who} commented on ${title}: ${quote(comment.content)}`,
  project_member_added: ({ by, user, role }, who) =>
    by?.id === user.id // by a link
      ? `${user.name || user.username} joined as ${ROLE_NAMES[role].toLowerCase()}`
      : `${who} added ${user.name || user.username} as ${ROLE_NAMES[role].toLowerCase()}`,
  project_member_updated: ({ user_id: id, role }, who, { person }) =>
    `${who} made ${person(id)} ${ROLE_NAMES[role].toLowerCase()}`,
  project_member_removed: ({ by, user_id: id }, who, { person }) =>
    by?.id === id ? `${person(id)} left the project` : `${who} removed ${person(id)} from the project`,
  project_updated: ({ changes }, who) => (changes.name ? `${who} renamed the project to ${quote(changes.name)}` : null),
};

/**
 * @param {import("./reducer.js").LoggedFrame} frame
 * @param {BoardState} before the state that the event changed: it still knows what was deleted
 * @returns {string | null} null: nothing worth telling
 */
export function tell(frame, before) {
  const task = before.tasks.get(frame.data.task_id);
  const member = (/** @type {number | null} */ id) => before.members.find(({ user }) => user.id === id)?.user;
  const person = (/** @type {number | null} */ id) => member(id)?.name || member(id)?.username || 'somebody';
  const { by } = frame.data;
  const who = by ? member(by.id)?.name || by.username : 'The system';
  return TELLERS[frame.event]?.(frame.data, who, { title: named(task?.title), person }) ?? null;
}

/** @param {Record<string, any>} changes @param {string} who @param {{title: string, person: (id: number | null) => string}} names */
function tellChanges(changes, who, { title, person }) {
  if (changes.status) return `${who} moved ${title} to ${STATUS_NAMES[changes.status]}`;
  if ('assignee_id' in changes) {
    return changes.assignee_id === null
      ? `${who} unassigned ${title}`
      : `${who} assigned ${title} to ${person(changes.assignee_id)}`;
  }
  if (changes.priority)
    return `${who} set the priority of ${title} to ${PRIORITY_NAMES[changes.priority].toLowerCase()}`;
  if ('title' in changes) return `${who} renamed ${title} to ${named(changes.title)}`;
  const names = Object.keys(changes).flatMap((field) => FIELD_NAMES[field] ?? []);
  return names.length ? `${who} changed the ${names.join(' and the ')} of ${title}` : null;
}

/** @param {string | undefined} title @returns {string} a deleted task has none any more */
function named(title) {
  return title ? quote(title) : 'a task';
}
