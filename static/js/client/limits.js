// @ts-check
/** Calls that end early: by the caller's signal, or after a time. */

import { TaskManagerError } from './envelope.js';

/**
 * @typedef {object} Limits
 * @property {AbortSignal} [signal] rejects the call with `cancelled` when it aborts
 * @property {number} [timeout] rejects the call with `timed_out` after so many milliseconds
 */

/**
 * Call `end` once when a limit is reached.
 *
 * @param {import('./clock.js').Clock} clock
 * @param {Limits} limits
 * @param {(error: TaskManagerError) => void} end
 * @returns {() => void} removes the limits
 */
export function watchLimits(clock, { signal, timeout }, end) {
  const timer = timeout === undefined ? null : clock.setTimeout(expire, timeout);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  return remove;

  function abort() {
    remove();
    end(new TaskManagerError('cancelled', `The call was cancelled: ${signal?.reason ?? 'its signal aborted'}.`));
  }

  function expire() {
    remove();
    end(new TaskManagerError('timed_out', `There was no answer within ${timeout} ms.`));
  }

  function remove() {
    if (timer !== null) clock.clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * Return a promise that settles as the call does, or is rejected when a limit is reached.
 *
 * @template T
 * @param {import('./clock.js').Clock} clock
 * @param {Limits} limits
 * @param {Promise<T>} call
 * @param {() => void} [cancel] called when a limit ends it
 * @returns {Promise<T>}
 */
export function limited(clock, limits, call, cancel = () => {}) {
  if (!limits.signal && limits.timeout === undefined) return call;
  return new Promise((resolve, reject) => {
    const end = (/** @type {TaskManagerError} */ error) => (reject(error), cancel());
    const remove = watchLimits(clock, limits, end);
    call.then(resolve, reject).finally(remove);
  });
}
