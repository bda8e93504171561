// @ts-check
/** What an earlier page asked for and has no answer so far: where it belongs, and what is said of it elsewhere. Pure. */

import { t } from '../language/language.js';
import { explain, quote } from '../language/words.js';

/**
 * @typedef {import("../../client/signals.d.ts").Signals["recovered"][number]} Leftover
 * @typedef {{projectId: number | null, title?: string, status?: import("../language/words.js").Status, from?: string}} Note kept beside a change; `from`: the status that the task had
 */

/** @type {Record<string, (title: string) => string>} */
const NOT_DONE = {
  task_create: (title) => t('Couldn’t create {title}.', { title }),
  task_update: (title) => t('Couldn’t change {title}.', { title }),
  task_move: (title) => t('Couldn’t move {title}.', { title }),
  task_delete: (title) => t('Couldn’t delete {title}.', { title }),
  task_restore: (title) => t('Couldn’t restore {title}.', { title }),
  new_comment: (title) => t('Couldn’t comment on {title}.', { title }),
  comment_update: (title) => t('Couldn’t save your edit of a comment on {title}.', { title }),
  comment_delete: (title) => t('Couldn’t delete a comment on {title}.', { title }),
};

/**
 * What to keep beside a change, for the words that are said of it after a reload.
 *
 * @param {any} data of the change
 * @param {{projectId: number, task: import("../reducer.js").Task | undefined}} place the board that it was made on
 * @returns {Note}
 */
export function noteOf(data, { projectId, task }) {
  return { projectId, title: data.title ?? task?.title, status: data.status ?? task?.status, from: task?.status };
}

/** @param {Note | null} note @returns {string} of the task that a change on this board is about */
export function titleLeft(note) {
  return note?.title ?? t('the task');
}

/**
 * A change of another board than the one on the screen: it is reported where it came to nothing.
 *
 * @param {Leftover} leftover
 * @param {(text: string, lost: string | null) => void} report `lost`: the text that the user wrote
 */
export async function followElsewhere({ event, data, note, answer }, report) {
  try {
    await answer;
  } catch (/** @type {any} */ error) {
    const notDone = NOT_DONE[event];
    if (!notDone || ['closed', 'cancelled'].includes(error.code) || (event.endsWith('_delete') && error.code === 'not_found')) return;
    const why = error.code === 'conflict' ? t('Someone else changed it in the meantime.') : explain(error);
    report(`${notDone(quote(note?.title ?? t('A task')))} ${why}`, textOf(data));
  }
}

/** @param {any} data @returns {string | null} */
function textOf(data) {
  const text = data.content ?? data.changes?.description ?? data.changes?.title ?? data.title;
  return typeof text === 'string' && text ? text : null;
}
