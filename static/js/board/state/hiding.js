// @ts-check
/** Which cards a change of the user's own has taken out of the filter. Pure. */

/** @typedef {import("./store.js").View} View */

/**
 * @param {Pick<View, "columns"> | null} before under the same filter
 * @param {Pick<View, "columns" | "tasks" | "waiting">} view
 * @returns {number[]} tasks that were shown, are still on the board, and wait for the answer to a change
 */
export function hiddenBy(before, { columns, tasks, waiting }) {
  if (!before) return [];
  return [...waiting].filter((id) => tasks.has(id) && isAmong(before.columns, id) && !isAmong(columns, id));
}

/** @param {View["columns"]} columns @param {number} id @returns {boolean} */
function isAmong(columns, id) {
  return [...columns.values()].some((order) => order.includes(id));
}
