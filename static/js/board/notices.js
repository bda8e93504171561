// @ts-check
/** What a notification says: one sentence per kind, what it is about, and where it leads. Pure. */

import { write } from './route.js';
import { quote } from './words.js';

/**
 * @typedef {import("./inbox.js").Notification} Notification
 * @typedef {{id: number, username: string, name?: string}} Person
 * @typedef {{project: (id: number) => string | null, task: (id: number) => string | null}} Names null: not known here
 * @typedef {{
 *   who: Person | null, text: string, excerpt: string, isGone: boolean, href: string | null, isReminder: boolean,
 * }} Notice `text` is the sentence; `excerpt` what was said; `isGone`: its content was deleted, or is no longer ours to
 *   see; `href`: the page that shows it
 */

const EXCERPT = 160; // characters of a comment; the rest is behind the link

/** The kinds that can be switched off, and what they are called. @type {Record<string, string>} */
export const KIND_NAMES = {
  task_assigned: 'A task is assigned to me',
  comment_added: 'Somebody mentions me, or comments on a task of mine',
  project_member_added: 'Somebody adds me to a project',
  due_date_reminder: 'A task of mine is due',
};

/** Why one is told of a comment, in words. @type {Record<string, (who: string, task: string | null) => string>} */
const COMMENTED = {
  mention: (who, task) => `${who} mentioned you${task ? ` in ${task}` : ''}`,
  assignee: (who, task) => `${who} commented on ${task ? `${task}, which is yours` : 'a task of yours'}`,
  creator: (who, task) => `${who} commented on ${task ? `${task}, which you created` : 'a task that you created'}`,
  participant: (who, task) => `${who} commented on ${task ?? 'a task'}, as you did`,
};

/**
 * @param {Notification} notification
 * @param {Names} names
 * @returns {Notice}
 */
export function describe({ event, data }, names) {
  const isGone = data.redacted === true;
  return {
    who: data.by ?? null,
    text: isGone ? goneSentence(event, data) : sentence(event, data, names),
    excerpt: isGone ? '' : shorten(data.comment?.content ?? ''),
    isGone,
    href: isGone && event !== 'comment_added' ? null : hrefOf(data),
    isReminder: event === 'due_date_reminder' && !isGone,
  };
}

/**
 * @param {string} event
 * @param {any} data
 * @param {Names} names
 * @returns {string}
 */
function sentence(event, data, names) {
  const who = personName(data.by);
  const title = data.title || names.task(data.task_id);
  if (event === 'task_assigned') return `${who} assigned ${title ? quote(title) : 'a task'} to you`;
  if (event === 'due_date_reminder') return `${quote(title ?? 'A task')} ${data.kind === 'overdue' ? 'is overdue' : 'is due soon'}`;
  if (event === 'project_member_added') {
    const project = names.project(data.project_id);
    return `${who} added you to ${project ? quote(project) : 'a project'}`;
  }
  if (event !== 'comment_added') return 'Something happened that concerns you';
  return (COMMENTED[data.reason] ?? COMMENTED.participant)(who, title ? quote(title) : null);
}

/** @param {string} event @param {any} data @returns {string} what is left to say where the content is gone */
function goneSentence(event, data) {
  const who = personName(data.by);
  if (event === 'comment_added') return `${who} wrote a comment that is no longer there`;
  if (event === 'due_date_reminder') return 'A task that is no longer there came due';
  if (event === 'task_assigned') return `${who} assigned you a task that is no longer there`;
  return 'Something in a project that you no longer see';
}

/** @param {Person | null | undefined} person @returns {string} */
function personName(person) {
  return person ? person.name || person.username : 'Somebody';
}

/** @param {any} data @returns {string | null} */
function hrefOf({ project_id: project, task_id: task, comment }) {
  if (!project) return null;
  if (!task) return `/projects/${project}/`;
  return `/projects/${project}/${write({ taskId: task, commentId: comment?.id ?? null })}`;
}

/** @param {string} text @returns {string} on one line, and not too long */
function shorten(text) {
  const line = [...text.replace(/\s+/g, ' ').trim()];
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT - 1).join('')}…` : line.join('');
}
