// @ts-check
/** What others did, in sentences: for those who hear the board, and for messages. */

import { listed, t } from './language.js';
import { FIELD_NAMES, IN_SENTENCES, quote, STATUS_NAMES } from './words.js';

/**
 * @typedef {import("./reducer.js").BoardState} BoardState
 * @typedef {(data: any, who: string, names: {title: string, person: (id: number | null) => string}) => string | null} Teller
 */

/** Events that another one has told already, or that say nothing worth hearing, have no teller. @type {Record<string, Teller | undefined>} */
const TELLERS = {
  task_created: ({ task }, who) =>
    t('{who} added {title} to {status}', { who, title: named(task.title), status: STATUS_NAMES[task.status] }),
  task_restored: ({ task }, who) => t('{who} restored {title}', { who, title: named(task.title) }),
  task_deleted: ({ archived }, who, { title }) =>
    archived ? t('{who} archived {title}', { who, title }) : t('{who} deleted {title}', { who, title }),
  task_updated: ({ changes }, who, names) => tellChanges(changes, who, names),
  comment_added: ({ comment, redacted }, who, { title }) =>
    redacted
      ? t('{who} commented on {title}, and it was deleted', { who, title })
      : t('{who} commented on {title}: {text}', { who, title, text: quote(comment.content) }),
  project_member_added: ({ by, user, role }, who) => {
    const values = { who, person: user.name || user.username, role: IN_SENTENCES[role] };
    return by?.id === user.id // by a link
      ? t('{person} joined as {role}', values)
      : t('{who} added {person} as {role}', values);
  },
  project_member_updated: ({ user_id: id, role }, who, { person }) =>
    t('{who} made {person} {role}', { who, person: person(id), role: IN_SENTENCES[role] }),
  project_member_removed: ({ by, user_id: id }, who, { person }) =>
    by?.id === id
      ? t('{person} left the project', { person: person(id) })
      : t('{who} removed {person} from the project', { who, person: person(id) }),
  project_updated: ({ changes }, who) =>
    changes.name ? t('{who} renamed the project to {name}', { who, name: quote(changes.name) }) : null,
};

/**
 * @param {import("./reducer.js").LoggedFrame} frame
 * @param {BoardState} before the state that the event changed: it still knows what was deleted
 * @returns {string | null} null: nothing worth telling
 */
export function tell(frame, before) {
  const task = before.tasks.get(frame.data.task_id);
  const member = (/** @type {number | null} */ id) => before.members.find(({ user }) => user.id === id)?.user;
  const person = (/** @type {number | null} */ id) => member(id)?.name || member(id)?.username || t('somebody');
  const { by } = frame.data;
  const who = by ? member(by.id)?.name || by.username : t('The system');
  return TELLERS[frame.event]?.(frame.data, who, { title: named(task?.title), person }) ?? null;
}

/** @param {Record<string, any>} changes @param {string} who @param {{title: string, person: (id: number | null) => string}} names */
function tellChanges(changes, who, { title, person }) {
  if (changes.status) return t('{who} moved {title} to {status}', { who, title, status: STATUS_NAMES[changes.status] });
  if ('assignee_id' in changes) {
    return changes.assignee_id === null
      ? t('{who} unassigned {title}', { who, title })
      : t('{who} assigned {title} to {person}', { who, title, person: person(changes.assignee_id) });
  }
  if (changes.priority) {
    const priority = IN_SENTENCES[changes.priority];
    return t('{who} set the priority of {title} to {priority}', { who, title, priority });
  }
  if ('title' in changes) return t('{who} renamed {title} to {name}', { who, title, name: named(changes.title) });
  const fields = Object.keys(changes).flatMap((field) => FIELD_NAMES[field] ?? []);
  return fields.length ? t('{who} changed the {fields} of {title}', { who, title, fields: listed(fields) }) : null;
}

/** @param {string | undefined} title @returns {string} a deleted task has none any more */
function named(title) {
  return title ? quote(title) : t('a task');
}
