// @ts-check
/** Labels are put on a task and taken off one by one, so that what several people do at the same time is all done. Pure. */

/** @typedef {{add_labels?: readonly number[], remove_labels?: readonly number[]}} Relabelling as the server is asked for it */

/** @param {number} label @param {boolean} isOn whether the task is to carry it @returns {Relabelling} */
export function labelling(label, isOn) {
  return isOn ? { add_labels: [label] } : { remove_labels: [label] };
}

/**
 * @param {readonly number[]} labels that a task carries
 * @param {Relabelling} relabelling
 * @returns {number[]} those that it carries then, in their order
 */
export function relabelled(labels, { add_labels: added = [], remove_labels: removed = [] }) {
  const others = labels.filter((id) => !added.includes(id));
  return [...others, ...added].filter((id) => !removed.includes(id)).sort((one, other) => one - other);
}
