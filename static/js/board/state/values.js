// @ts-check
/** When two values of a task's field are the same to a reader. Pure. */

import { toLocalInput } from '../language/time.js';

/** @param {string} field @param {any} one @param {any} other @returns {boolean} */
export function isSameValue(field, one, other) {
  // The field shows minutes: seconds that a script set are no difference that was made here.
  if (field === 'due_at') return toLocalInput(one) === toLocalInput(other);
  return one === other;
}
