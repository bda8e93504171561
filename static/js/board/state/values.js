// @ts-check
/** When two values of a task's field are the same to those who look at it. Pure. */

import { toLocalInput } from '../language/time.js';

/** @param {string} field @param {any} one @param {any} other @returns {boolean} */
export function isSameValue(field, one, other) {
  // The field shows minutes: seconds that a script set are no difference that anybody here made.
  if (field === 'due_at') return toLocalInput(one) === toLocalInput(other);
  return one === other;
}
