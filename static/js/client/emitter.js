// @ts-check
/** Who listens to which event. */

/** @typedef {(data: any, frame?: any) => void} Handler */

export class Emitter {
  /** @type {Map<string, Set<Handler>>} */
  #handlers = new Map();

  /**
   * @param {string} event
   * @param {Handler} handler
   * @returns {() => void} takes the handler away again
   */
  on(event, handler) {
    if (typeof handler !== 'function') throw new TypeError('A handler must be a function.');
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers.add(handler));
    return () => this.off(event, handler);
  }

  /**
   * @param {string} event
   * @param {Handler} handler
   * @returns {() => void} takes the handler away again
   */
  once(event, handler) {
    const stop = this.on(event, (data, frame) => {
      stop();
      handler(data, frame);
    });
    return stop;
  }

  /**
   * @param {string} event
   * @param {Handler} handler
   */
  off(event, handler) {
    this.#handlers.get(event)?.delete(handler);
  }

  /**
   * Calls the handlers in the order in which they came. One that throws is reported and does not keep the
   * event from the others.
   *
   * @param {string} event
   * @param {any} [data]
   * @param {any} [frame]
   */
  emit(event, data, frame) {
    for (const handler of [...(this.#handlers.get(event) ?? [])]) {
      try {
        handler(data, frame);
      } catch (error) {
        console.error(`A handler of "${event}" failed:`, error);
      }
    }
  }
}
