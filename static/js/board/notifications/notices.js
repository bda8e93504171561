// @ts-check
/** What a notification says: one sentence per kind, what it is about, and where it leads. Pure. */

import { t } from '../language/language.js';
import { saidIn } from '../language/plain.js';
import { write } from '../page/route.js';
import { quote } from '../language/words.js';
import { base } from '../page/site.js';

/**
 * @typedef {import("./inbox.js").Notification} Notification
 * @typedef {import("../state/frames.js").About} About
 * @typedef {import("../people/people.js").Person} Person
 * @typedef {{
 *   project: (id: number) => string | null, task: (id: number) => string | null, person: (id: number) => Person | null,
 * }} Names null: not known here
 * @typedef {{
 *   who: Person | null, text: string, excerpt: string, isGone: boolean, href: string | null, isReminder: boolean,
 * }} Notice `text` is the sentence; `excerpt` what was said; `isGone`: its content was deleted, or is no longer ours to
 *   see; `href`: the page that shows it
 */

const EXCERPT = 160; // characters of a comment; the rest is behind the link

/** The kinds that can be switched off, and what they are called. @type {Record<string, string>} */
export const KIND_NAMES = {
  task_assigned: t('Tasks assigned to me'),
  comment_added: t('Mentions and comments on my tasks'),
  project_member_added: t('Projects I’m added to'),
  due_date_reminder: t('Due dates of my tasks'),
};

/**
 * @typedef {Omit<About, "title" | "project"> & {title: string | null, project: string | null}} Described with the names of task and project
 * @typedef {Record<string, ((who: string | null, subject: Described) => string) | undefined>} Sentences `who` null: the system
 */

/** Why the user is notified of a comment, in words. @type {Record<import("../../client/wire.d.ts").Reason, (who: string, subject: Described) => string>} */
const COMMENTED = {
  mention: (who, { title }) =>
    title ? t('{who} mentioned you in {title}', { who, title }) : t('{who} mentioned you', { who }),
  assignee: (who, { title }) =>
    title
      ? t('{who} commented on your task {title}', { who, title })
      : t('{who} commented on one of your tasks', { who }),
  creator: (who, { title }) =>
    title
      ? t('{who} commented on {title}, which you created', { who, title })
      : t('{who} commented on a task you created', { who }),
  participant: (who, { title }) =>
    t('{who} also commented on {title}', { who, title: title || t('a task') }),
};

/** @type {Sentences} */
const SENTENCES = {
  task_assigned: (who, { title }) =>
    who
      ? t('{who} assigned {title} to you', { who, title: title || t('A task') })
      : t('{title} was assigned to you', { title: title || t('A task') }),
  comment_added: (who, subject) => (COMMENTED[subject.reason ?? 'participant'] ?? COMMENTED.participant)(who ?? t('Someone'), subject),
  project_member_added: (who, { project }) => {
    const name = project ? quote(project) : t('a project');
    return who ? t('{who} added you to {project}', { who, project: name }) : t('You were added to {project}', { project: name });
  },
  project_member_requested: (who, { project }) =>
    t('{who} wants to add you to {project}', { who: who ?? t('Someone'), project: project ? quote(project) : t('a project') }),
  due_date_reminder: (_who, { title: given, kind }) => {
    const title = given || t('A task');
    return kind === 'overdue' ? t('{title} is overdue', { title }) : t('{title} is due soon', { title });
  },
};

/** What is left to say where the content was deleted, or is no longer ours to see. @type {Sentences} */
const GONE = {
  task_assigned: (who) =>
    who
      ? t('{who} assigned you a task that is no longer available', { who })
      : t('You were assigned a task that is no longer available'),
  comment_added: (who) => t('{who} wrote a comment that is no longer available', { who: who ?? t('Someone') }),
  project_member_added: () => t('You were added to a project that is no longer available to you'),
  due_date_reminder: () => t('A task that is no longer available was due'),
};

/**
 * @param {Notification} notification
 * @param {Names} names
 * @returns {Notice}
 */
export function describe({ event, data: about }, names) {
  /** @type {About} */
  const data = about;
  const isGone = data.redacted === true;
  const who = whoDid(data, names);
  const title = data.title || (data.task_id ? names.task(data.task_id) : null);
  const project = data.project?.name ?? (data.project_id ? names.project(data.project_id) : null);
  const subject = { ...data, title: title && quote(title), project };
  return {
    who,
    text: (isGone ? GONE : SENTENCES)[event]?.(who && (who.name || who.username), subject) ?? t('New notification'),
    excerpt: isGone ? '' : shorten(data.comment ? saidIn(data.comment) : ''),
    isGone,
    href: event === 'project_member_requested' ? `${base}/` : isGone && event !== 'comment_added' ? null : hrefOf(data),
    isReminder: event === 'due_date_reminder' && !isGone,
  };
}

/** @param {About} data @param {Names} names @returns {Person | null} with the name, where anything here knows it; null: the system */
function whoDid({ by, comment }, names) {
  if (!by) return null;
  return names.person(by.id) ?? (comment?.author?.id === by.id ? comment.author : by);
}

/** @param {About} data @returns {string | null} */
function hrefOf({ project_id: project, task_id: task, comment }) {
  if (!project) return null;
  if (!task) return `${base}/projects/${project}/`;
  return `${base}/projects/${project}/${write({ taskId: task, commentId: comment?.id ?? null })}`;
}

/** @param {string} text @returns {string} on one line, and not too long */
function shorten(text) {
  const line = [...text.replace(/\s+/g, ' ').trim()];
  return line.length > EXCERPT ? `${line.slice(0, EXCERPT - 1).join('')}…` : line.join('');
}
