// @ts-check
/** The words that the board uses for statuses, priorities, roles, fields and errors. */

import { said, t } from './language.js';

/** @typedef {import("../../client/wire.d.ts").Status} Status */

/** @type {Record<Status, string>} */
export const STATUS_NAMES = {
  todo: t('To do'),
  in_progress: t('In progress'),
  review: t('Review'),
  completed: t('Completed'),
};

/** In the order of the columns. */
export const STATUSES = /** @type {Status[]} */ (Object.keys(STATUS_NAMES));

/** @type {Record<string, string>} */
export const PRIORITY_NAMES = { low: t('Low'), medium: t('Medium'), high: t('High'), urgent: t('Urgent') };

/** @type {Record<string, string>} */
export const ROLE_NAMES = { owner: t('Owner'), member: t('Member'), viewer: t('Viewer') };

/** @type {Record<string, string>} */
export const STATE_NAMES = {
  online: t('Online'),
  idle: t('Idle'),
  busy: t('Busy'),
  offline: t('Offline'),
};

/** The same within a sentence. @type {Record<string, string>} */
export const IN_SENTENCES = {
  low: t('low'),
  medium: t('medium'),
  high: t('high'),
  urgent: t('urgent'),
  owner: t('owner'),
  member: t('member'),
  viewer: t('viewer'),
  online: t('online'),
  idle: t('idle'),
  busy: t('busy'),
  offline: t('offline'),
};

/** @type {Record<string, string>} */
export const FIELD_NAMES = {
  title: t('title'),
  description: t('description'),
  status: t('status'),
  priority: t('priority'),
  assignee_id: t('assignee'),
  due_at: t('due date'),
  labels: t('labels'),
};

/**
 * Why something was refused, for the user.
 *
 * @param {any} error what a call of the client or of the API rejected with
 * @returns {string} one sentence
 */
export function explain(error) {
  const code = error?.code;
  if (code === 'forbidden') return sentence(error.message) || t('Your role in this project doesn’t allow this.');
  if (code === 'not_found') return t('It no longer exists, or you no longer have access to it.');
  if (code === 'invalid_data') return detailsOf(error) || sentence(error.message) || t('The server rejected the request.');
  if (code === 'uncertain')
    return t('The connection was lost for too long to know whether this was saved. Check the board and try again if needed.');
  if (code === 'outdated') return t('The server is running an older version than this page. Try again in a moment.');
  if (code === 'too_large') return t('It’s too long to send.');
  if (code === 'closed' || code === 'cancelled') return t('The connection was closed before this could be sent.');
  if (code === 'rate_limited') return t('Too many requests. Wait a moment, then try again.');
  if (code === 'connection_lost') return t('Couldn’t reach the server.');
  return sentence(error?.message) || t('Something went wrong.');
}

/** @param {any} error @returns {string} */
function detailsOf(error) {
  if (!Array.isArray(error.details)) return '';
  return error.details
    .map((/** @type {any} */ detail) => sentence(detail?.message))
    .filter(Boolean)
    .join(' ');
}

/** @param {unknown} text of the server @returns {string} "" where there are no words for it in the page's language */
function sentence(text) {
  const trimmed = typeof text === 'string' ? said(text.trim()) : '';
  return trimmed && !/[.!?]$/.test(trimmed) ? `${trimmed}.` : trimmed;
}

/** @param {string} title @returns {string} the title as a card shows it: white space alone could not be read or clicked */
export function shown(title) {
  return title.trim() ? title : t('Untitled');
}

/** @param {string} title @returns {string} the title as it is quoted in messages, where it turns the direction of no words but its own */
export function quote(title) {
  const plain = shown(title.replace(/[\u202a-\u202e\u2066-\u2069]/g, ''));
  return t('“{text}”', { text: plain.length > 60 ? `${plain.slice(0, 57)}…` : plain });
}

/** @param {string} field @param {string} title of the task @returns {import("../commands/undo.js").Words} */
export function changeWords(field, title) {
  const named = { field: FIELD_NAMES[field], title: quote(title) };
  return { undo: t('Undo change to the {field} of {title}', named), undone: t('Change to the {field} of {title} undone', named) };
}
