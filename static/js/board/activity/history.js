// @ts-check
/** What happened in a project, read backwards from its log, and put into sentences. */

import { fetchEvents } from '../page/api.js';
import { taskIdOf } from '../state/frames.js';
import { describeEvent } from './sentences.js';

/**
 * @typedef {import("../reducer.js").BoardState} BoardState
 * @typedef {import("../reducer.js").LoggedFrame} LoggedFrame
 * @typedef {{seq: number, at: string, taskId: number | null, by: import("../../client/wire.d.ts").Actor | null, sentence: string}} Entry
 */

const PAGE = 100; // events of one request

/**
 * One page of the log, read backwards. Where the log begins within it, what is left of it is found by halving.
 *
 * @param {number} projectId
 * @param {number} before events from here on are known
 * @param {(projectId: number, since: number, limit: number) => Promise<Pick<import("../../client/wire.d.ts").Events, "events" | "reset">>} [fetchPage]
 * @returns {Promise<LoggedFrame[]>} the events right before that one, oldest first; none: there are no older ones
 */
export async function readBack(projectId, before, fetchPage = fetchEvents) {
  for (let size = Math.min(PAGE, before - 1); size >= 1; size = Math.floor(size / 2)) {
    const { events, reset } = await fetchPage(projectId, before - 1 - size, size);
    if (!reset) return readOn(projectId, events, before, fetchPage);
  }
  return [];
}

/**
 * The server ends a page earlier where it has many bytes.
 *
 * @param {number} projectId
 * @param {readonly LoggedFrame[]} events
 * @param {number} before
 * @param {(projectId: number, since: number, limit: number) => Promise<Pick<import("../../client/wire.d.ts").Events, "events" | "reset">>} fetchPage
 * @returns {Promise<LoggedFrame[]>} these and what follows them up to that event
 */
async function readOn(projectId, events, before, fetchPage) {
  const found = [...events];
  for (let last = found.at(-1)?.seq ?? before; last < before - 1; last = found.at(-1)?.seq ?? before) {
    const { events: more } = await fetchPage(projectId, last, before - 1 - last);
    if (more.length === 0) break;
    found.push(...more);
  }
  return found;
}

/**
 * @param {readonly LoggedFrame[]} frames oldest first
 * @param {BoardState} state the board as it is now: it names tasks and members
 * @returns {Entry[]} newest first, without what says nothing worth reading
 */
export function toEntries(frames, state) {
  // A task is called as it was then; what the log does not say, the board does.
  const tasks = new Map(state.tasks);
  const rename = (/** @type {number} */ id, /** @type {string | undefined} */ title) => {
    if (title !== undefined) tasks.set(id, /** @type {any} */ ({ ...tasks.get(id), title }));
  };
  for (const { event, data } of [...frames].reverse()) if (event === 'task_updated') rename(data.task_id, data.previous.title);
  const entries = [];
  for (const frame of frames) {
    const { event, data, seq, at } = frame;
    if ('task' in data) rename(data.task.id, data.task.title);
    const sentence = describeEvent(frame, { ...state, tasks });
    if (event === 'task_updated') rename(data.task_id, data.changes.title);
    if (sentence) entries.push({ seq, at, taskId: taskIdOf(frame) ?? null, by: data.by, sentence });
  }
  return entries.reverse();
}
