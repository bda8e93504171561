// @ts-check
/** What logged events are about. Pure. */

/**
 * @typedef {{
 *   by: import("../../client/wire.d.ts").Actor | null, redacted?: true, project_id?: number, task_id?: number, title?: string,
 *   comment?: import("../../client/wire.d.ts").CommentObject, reason?: import("../../client/wire.d.ts").Reason,
 *   kind?: import("../../client/wire.d.ts").ReminderKind, project?: {name: string},
 * }} About what the data of any event may say of its subject
 */

/** @param {import("../reducer.js").LoggedFrame} frame @returns {number | undefined} the task that it is about, if any */
export function taskIdOf({ data }) {
  if ('task' in data) return data.task.id;
  return 'task_id' in data ? data.task_id : undefined;
}
