// @ts-check
/** What others did, in sentences: for screen readers, and for messages. */

import { saidIn } from '../language/plain.js';
import { listed, t } from '../language/language.js';
import { taskIdOf } from '../state/frames.js';
import { FIELD_NAMES, IN_SENTENCES, quote, STATUS_NAMES } from '../language/words.js';

/**
 * @typedef {import("../reducer.js").BoardState} BoardState
 * @typedef {{title: string, person: (id: number | null) => string, labels: readonly import("../reducer.js").Label[]}} Names
 * @typedef {import("../../client/wire.d.ts").LoggedEvents} LoggedEvents
 */

/** Events that repeat another one, or that say nothing worth reading, have no sentence. @type {{[Name in keyof LoggedEvents]?: (data: LoggedEvents[Name], who: string, names: Names) => string | null}} */
const SENTENCES = {
  task_created: ({ task }, who) =>
    t('{who} added {title} to {status}', { who, title: named(task.title), status: STATUS_NAMES[task.status] }),
  task_restored: ({ task }, who) => t('{who} restored {title}', { who, title: named(task.title) }),
  task_deleted: ({ archived }, who, { title }) =>
    archived ? t('{who} archived {title}', { who, title }) : t('{who} deleted {title}', { who, title }),
  task_updated: (data, who, names) => describeChanges(data, who, names),
  comment_added: ({ comment, redacted, replaced }, who, { title }) => {
    if (redacted) return t('{who} commented on {title} (deleted)', { who, title });
    if (replaced) return t('{who} commented on {title} (edited)', { who, title });
    return t('{who} commented on {title}: {text}', { who, title, text: quote(saidIn(comment)) });
  },
  project_member_added: ({ by, user, role }, who) => {
    const values = { who, person: user.name || user.username, role: IN_SENTENCES[role] };
    return by?.id === user.id // by a link
      ? t('{person} joined as {role}', values)
      : t('{who} added {person} as {role}', values);
  },
  project_member_updated: ({ user_id: id, role }, who, { person }) =>
    t('{who} changed the role of {person} to {role}', { who, person: person(id), role: IN_SENTENCES[role] }),
  project_member_removed: ({ by, user_id: id }, who, { person }) =>
    by?.id === id
      ? t('{person} left the project', { person: person(id) })
      : t('{who} removed {person} from the project', { who, person: person(id) }),
  project_updated: (data, who) => {
    if (data.changes.labels) return describeLabels(data, who);
    return data.changes.name ? t('{who} renamed the project to {name}', { who, name: quote(data.changes.name) }) : null;
  },
};

/**
 * @param {import("../reducer.js").LoggedFrame} frame
 * @param {BoardState} before the state that the event changed: it still knows what was deleted
 * @returns {string | null} null: nothing worth reading
 */
export function describeEvent(frame, before) {
  const task = before.tasks.get(taskIdOf(frame) ?? 0);
  const member = (/** @type {number | null} */ id) => before.members.find(({ user }) => user.id === id)?.user;
  const person = (/** @type {number | null} */ id) => member(id)?.name || member(id)?.username || t('someone');
  const { by } = frame.data;
  const who = by ? member(by.id)?.name || by.username : t('The system');
  const names = { title: named(task?.title), person, labels: before.project.labels ?? [] };
  return sentenceOf(frame.event, frame.data, who, names);
}

/**
 * @template {keyof LoggedEvents} Name
 * @param {Name} event
 * @param {LoggedEvents[Name]} data
 * @param {string} who
 * @param {Names} names
 * @returns {string | null}
 */
function sentenceOf(event, data, who, names) {
  return SENTENCES[event]?.(data, who, names) ?? null;
}

/** @param {LoggedEvents["task_updated"]} data @param {string} who @param {Names} names */
function describeChanges(data, who, names) {
  const { title, person } = names;
  const { changes } = data;
  if (changes.status) return t('{who} moved {title} to {status}', { who, title, status: STATUS_NAMES[changes.status] });
  if (changes.assignee_id !== undefined) {
    return changes.assignee_id === null
      ? t('{who} unassigned {title}', { who, title })
      : t('{who} assigned {title} to {person}', { who, title, person: person(changes.assignee_id) });
  }
  if (changes.priority) {
    const priority = IN_SENTENCES[changes.priority];
    return t('{who} set the priority of {title} to {priority}', { who, title, priority });
  }
  if ('title' in changes) return t('{who} renamed {title} to {name}', { who, title, name: named(changes.title) });
  if (Object.keys(changes).join() === 'labels') return describeCarried(data, who, names);
  const fields = Object.keys(changes).flatMap((field) => FIELD_NAMES[field] ?? []);
  return fields.length ? t('{who} changed the {fields} of {title}', { who, title, fields: listed(fields) }) : null;
}

/** @param {string | undefined} title @returns {string} a deleted task has none any more */
function named(title) {
  return title ? quote(title) : t('a task');
}

/** @param {LoggedEvents["task_updated"]} data @param {string} who @param {Names} names @returns {string} */
function describeCarried({ changes, previous }, who, { title, labels }) {
  const { labels: now = [] } = changes;
  const { labels: before = [] } = previous;
  const added = now.filter((id) => !before.includes(id));
  const [id, ...more] = [...added, ...before.filter((id) => !now.includes(id))];
  const label = labels.find((one) => one.id === id);
  if (!label || more.length) return t('{who} changed the labels of {title}', { who, title });
  const values = { who, title, label: quote(label.name) };
  return added.length ? t('{who} added the label {label} to {title}', values) : t('{who} removed the label {label} from {title}', values);
}

/** @param {LoggedEvents["project_updated"]} data @param {string} who @returns {string} one of them changes at a time */
function describeLabels({ changes: { labels = [] }, previous, replaced }, who) {
  if (replaced) return t('{who} changed the labels', { who });
  const before = new Map((previous?.labels ?? []).map((label) => [label.id, label]));
  for (const { id, name, color } of labels) {
    const old = before.get(id);
    if (!old) return t('{who} created the label {label}', { who, label: quote(name) });
    if (old.name !== name) return t('{who} renamed the label {label} to {name}', { who, label: quote(old.name), name: quote(name) });
    if (old.color !== color) return t('{who} changed the colour of the label {label}', { who, label: quote(name) });
    before.delete(id);
  }
  const [gone] = before.values();
  return gone ? t('{who} deleted the label {label}', { who, label: quote(gone.name) }) : t('{who} changed the labels', { who });
}
