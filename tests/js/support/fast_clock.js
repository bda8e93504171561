// @ts-check
/** A client's clock that is faster than the machine's, but never faster than this process gets to run. */

/** Milliseconds between two ticks. */
const TICK = 5;

/**
 * Its time goes on by ticks, and one that comes late counts as one. Client and server run in this process: while a busy
 * machine keeps it waiting, nothing times out that would have been answered.
 */
export class FastClock {
  #time = 0;
  #step;
  /** @type {Map<object, {due: number, callback: () => void}>} */
  #timers = new Map();
  /** @type {any} */
  #tick = null;
  #isStopped = false;

  /** @param {number} speed how much faster than the machine's */
  constructor(speed) {
    this.#step = TICK * speed;
    this.#wait();
  }

  now = () => this.#time;

  /** @param {() => void} callback @param {number} delay milliseconds of this clock */
  setTimeout = (callback, delay) => {
    const timer = {};
    // Never early: a part of this tick is over already.
    this.#timers.set(timer, { due: this.#time + delay + (delay > 0 ? this.#step : 0), callback });
    return timer;
  };

  /** @param {any} timer */
  clearTimeout = (timer) => {
    this.#timers.delete(timer);
  };

  stop() {
    this.#isStopped = true;
    clearTimeout(this.#tick);
  }

  #wait() {
    if (!this.#isStopped) this.#tick = setTimeout(() => this.#goOn(), TICK);
  }

  async #goOn() {
    const until = this.#time + this.#step;
    for (let next = this.#next(until); next && !this.#isStopped; next = this.#next(until)) {
      const [timer, { due, callback }] = next;
      this.#timers.delete(timer);
      this.#time = Math.max(this.#time, due);
      callback();
      await new Promise((resolve) => setImmediate(resolve)); // What it caused goes on before the next one, as in browsers.
    }
    this.#time = until;
    this.#wait();
  }

  /** @param {number} until */
  #next(until) {
    const due = [...this.#timers].filter(([, timer]) => timer.due <= until);
    return due.sort(([, one], [, other]) => one.due - other.due)[0];
  }
}
