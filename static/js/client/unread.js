// @ts-check
/**
 * How many of the user's own events are unread. Pure.
 *
 * Numbers have no gaps: what is unread is the stretch between how far the room was read and where it ends. Both only
 * grow, so that answers and events may come in any order.
 */

export class Unread {
  /** @type {string | undefined} */
  #epoch;
  #head = 0;
  #read = 0;

  /** @returns {number | null} null: not known yet */
  get count() {
    return this.#epoch === undefined ? null : this.#head - Math.min(this.#read, this.#head);
  }

  /**
   * The server reported the room's position at some moment.
   *
   * @param {{seq: number, epoch: string, unread: number}} stand
   */
  stood({ seq, epoch, unread }) {
    if (epoch !== this.#epoch) [this.#epoch, this.#head, this.#read] = [epoch, 0, 0];
    this.#head = Math.max(this.#head, seq);
    this.read(seq - unread);
  }

  /** @param {number} seq the number of an event that came */
  came(seq) {
    this.#head = Math.max(this.#head, seq);
  }

  /** @param {number} upTo */
  read(upTo) {
    this.#read = Math.max(this.#read, upTo);
  }
}
