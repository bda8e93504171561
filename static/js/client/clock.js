// @ts-check
/** Time as an argument: the browser's own by default, a test's where it gives one. */

/**
 * @typedef {object} Clock
 * @property {() => number} now milliseconds
 * @property {(callback: () => void, delay: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 */

/** Browsers take a longer delay for none at all. */
const LONGEST_DELAY = 2 ** 31 - 1;

/**
 * @param {Partial<Clock>} options
 * @returns {Clock}
 */
export function makeClock(options) {
  // Called by their own names: browsers refuse `setTimeout` as a method of anything but the window.
  const start = options.setTimeout ?? ((callback, delay) => setTimeout(callback, delay));
  return {
    now: options.now ?? (() => Date.now()),
    setTimeout: (callback, delay) => start(callback, Math.min(Math.max(delay, 0), LONGEST_DELAY)),
    clearTimeout: options.clearTimeout ?? ((timer) => clearTimeout(timer)),
  };
}

/** One alarm: setting it again replaces the former. */
export class Alarm {
  /** @type {any} */
  #timer = null;
  #clock;

  /** @param {Clock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  get pending() {
    return this.#timer !== null;
  }

  /**
   * @param {number} delay milliseconds
   * @param {() => void} callback
   */
  set(delay, callback) {
    this.clear();
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = null;
      callback();
    }, delay);
  }

  clear() {
    if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/**
 * @param {Clock} clock
 * @param {number} delay milliseconds
 * @param {AbortSignal} [signal] ends the pause early
 * @returns {Promise<void>}
 */
export function pause(clock, delay, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = clock.setTimeout(done, delay);
    signal?.addEventListener('abort', done, { once: true });

    function done() {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}
