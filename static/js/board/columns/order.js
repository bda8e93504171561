// @ts-check
/** Comparing the order of cards before and after. */

/** @param {readonly number[]} one @param {readonly number[]} other @returns {boolean} */
export function isSameOrder(one, other) {
  return one.length === other.length && one.every((id, index) => id === other[index]);
}

/**
 * The longest subsequence that already ascends: those cards can stay where they are.
 *
 * @param {readonly number[]} ranks -1 stands for a newcomer, which never stays
 * @returns {number[]}
 */
export function longestRun(ranks) {
  /** @type {number[]} the index in `ranks` that ends the best run of each length */
  const ends = [];
  /** @type {number[]} */
  const previous = [];
  ranks.forEach((rank, index) => {
    if (rank < 0) return;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranks[ends[middle]] < rank) low = middle + 1;
      else high = middle;
    }
    previous[index] = low ? ends[low - 1] : -1;
    ends[low] = index;
  });
  const run = [];
  for (let index = ends[ends.length - 1] ?? -1; index >= 0; index = previous[index]) run.push(ranks[index]);
  return run.reverse();
}
