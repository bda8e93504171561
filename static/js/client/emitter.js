// @ts-check
/** The handlers of each event. */

/** @typedef {(data: any, frame?: any) => void} Handler */

export class Emitter {
  /** @type {Map<string, Map<Handler, {once: boolean}>>} */
  #handlers = new Map();

  /**
   * @param {string} event
   * @param {Handler} handler
   * @param {{once: boolean}} [how]
   * @returns {() => void} takes the handler away again
   */
  on(event, handler, how = { once: false }) {
    if (typeof handler !== 'function') throw new TypeError('A handler must be a function.');
    const handlers = this.#handlers.get(event) ?? new Map();
    this.#handlers.set(event, handlers.set(handler, how));
    return () => this.off(event, handler);
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
    for (const [handler, { once }] of [...(this.#handlers.get(event) ?? [])]) {
      if (once) this.off(event, handler);
      try {
        handler(data, frame);
      } catch (error) {
        console.error(`A handler of "${event}" failed:`, error);
      }
    }
  }
}
