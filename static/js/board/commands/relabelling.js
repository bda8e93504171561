// @ts-check
/** Labels are put on a task and taken off one by one, so that what several people do at the same time is all done. Pure. */

/**
 * @typedef {Pick<import("../../client/wire.d.ts").TaskEdit, "labels" | "add_labels" | "remove_labels">} Relabelling
 *   as the server is asked for it; `labels`: all of them, as older pages sent them
 * @typedef {import("../../client/wire.d.ts").Answers["task_update"]} Relabelled as it answers
 */

/** @param {number} label @param {boolean} isOn whether the task is to carry it @returns {Relabelling} */
export function labelling(label, isOn) {
  return isOn ? { add_labels: [label] } : { remove_labels: [label] };
}

/**
 * @param {readonly number[]} carried by a task
 * @param {Relabelling} relabelling
 * @returns {number[]} those that it carries then, in their order
 */
export function relabelled(carried, { labels = carried, add_labels: added = [], remove_labels: removed = [] }) {
  const others = labels.filter((id) => !added.includes(id));
  return [...others, ...added].filter((id) => !removed.includes(id)).sort((one, other) => one - other);
}

/**
 * @param {Relabelled} done
 * @returns {Relabelling | null} takes back what was really done, and nothing that others had done already; null: it was nothing
 */
export function inverse({ added_labels: added = [], removed_labels: removed = [] }) {
  if (!added.length && !removed.length) return null;
  return { ...(removed.length && { add_labels: removed }), ...(added.length && { remove_labels: added }) };
}

/**
 * A server older than this page passes over what it does not know, and answers as if all were well.
 *
 * @param {Relabelling} asked
 * @param {Relabelled} answer
 * @returns {boolean} whether the answer speaks of what was asked for
 */
export function isAnswered({ add_labels: added, remove_labels: removed }, answer) {
  return (!added || !!answer.added_labels) && (!removed || !!answer.removed_labels);
}
