// @ts-check
/** What others did, in sentences: for those who hear the board, and for messages. */

import { FIELD_NAMES, PRIORITY_NAMES, quote, ROLE_NAMES, STATUS_NAMES } from './words.js';

/**
 * @typedef {import("./reducer.js").BoardState} BoardState
 * @typedef {{title: string, person: (id: number | null) => string, labels: readonly import("./reducer.js").Label[]}} Names
 * @typedef {(data: any, who: string, names: Names) => string | null} Teller
 */

/** Events that another one has told already, or that say nothing worth hearing, have no teller. @type {Record<string, Teller | undefined>} */
const TELLERS = {
  task_created: ({ task }, who) => `${who} added ${named(task.title)} to ${STATUS_NAMES[task.status]}`,
  task_restored: ({ task }, who) => `${who} restored ${named(task.title)}`,
  task_deleted: ({ archived }, who, { title }) => `${who} ${archived ? 'archived' : 'deleted'} ${title}`,
  task_updated: (data, who, names) => tellChanges(data, who, names),
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
  project_updated: (data, who) => {
    if (data.changes.labels) return tellLabels(data, who);
    return data.changes.name ? `${who} renamed the project to ${quote(data.changes.name)}` : null;
  },
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
  return TELLERS[frame.event]?.(frame.data, who, { title: named(task?.title), person, labels: before.project.labels ?? [] }) ?? null;
}

/** @param {any} data @param {string} who @param {Names} names */
function tellChanges(data, who, names) {
  const { title, person } = names;
  /** @type {Record<string, any>} */
  const changes = data.changes;
  if (changes.status) return `${who} moved ${title} to ${STATUS_NAMES[changes.status]}`;
  if ('assignee_id' in changes) {
    return changes.assignee_id === null
      ? `${who} unassigned ${title}`
      : `${who} assigned ${title} to ${person(changes.assignee_id)}`;
  }
  if (changes.priority)
    return `${who} set the priority of ${title} to ${PRIORITY_NAMES[changes.priority].toLowerCase()}`;
  if ('title' in changes) return `${who} renamed ${title} to ${named(changes.title)}`;
  if (Object.keys(changes).join() === 'labels') return tellCarried(data, who, names);
  const fields = Object.keys(changes).flatMap((field) => FIELD_NAMES[field] ?? []);
  return fields.length ? `${who} changed the ${fields.join(' and the ')} of ${title}` : null;
}

/** @param {string | undefined} title @returns {string} a deleted task has none any more */
function named(title) {
  return title ? quote(title) : 'a task';
}

/** @param {any} data of a `task_updated` @param {string} who @param {Names} names @returns {string} */
function tellCarried({ changes, previous }, who, { title, labels }) {
  const [now, before] = [changes.labels, previous.labels ?? []];
  const added = now.filter((/** @type {number} */ id) => !before.includes(id));
  const [id, ...more] = [...added, ...before.filter((/** @type {number} */ id) => !now.includes(id))];
  const label = labels.find((one) => one.id === id);
  if (!label || more.length) return `${who} changed the labels of ${title}`;
  return added.length ? `${who} added the label ${quote(label.name)} to ${title}` : `${who} removed the label ${quote(label.name)} from ${title}`;
}

/** @param {any} data of a `project_updated` @param {string} who @returns {string} one of them changes at a time */
function tellLabels({ changes: { labels }, previous }, who) {
  /** @type {Map<number, import("./reducer.js").Label>} */
  const before = new Map(previous.labels.map((/** @type {any} */ label) => [label.id, label]));
  for (const { id, name, color } of labels) {
    const old = before.get(id);
    if (!old) return `${who} made the label ${quote(name)}`;
    if (old.name !== name) return `${who} renamed the label ${quote(old.name)} to ${quote(name)}`;
    if (old.color !== color) return `${who} gave the label ${quote(name)} another colour`;
    before.delete(id);
  }
  const [gone] = before.values();
  return gone ? `${who} deleted the label ${quote(gone.name)}` : `${who} changed the labels`;
}
