// @ts-check
/**
 * How far a room's log was followed, and what that says about a frame that comes in. Pure: no sockets, no time.
 *
 * A room is
 * - `waiting` for its join to be answered on the present link;
 * - `following` the log from its position on;
 * - `resetting`: the log could not be continued, and a snapshot is being fetched. What comes in meanwhile is
 *   held; the server is live from the answer's `seq`, and a snapshot fetched afterwards is at or past it, so the
 *   snapshot and the held events after it are everything.
 */

/** @typedef {import('./envelope.js').Frame} Frame */
/** @typedef {{seq: number, epoch?: string}} Position without an epoch: of the present one */
/** @typedef {'deliver' | 'drop' | 'hold' | 'gap'} Verdict */

/** Past this many held frames a replay after the snapshot is the cheaper way. */
export const MAX_HELD = 5000;

export class Room {
  /** @type {'waiting' | 'following' | 'resetting'} */
  mode = 'waiting';
  /** Whether the present link was asked to feed this room. */
  attached = false;
  /** The log's end as of the last answer. */
  head = 0;
  /** @type {Frame[]} */
  #held = [];
  #overflown = false;
  /** @type {Position} where a reset's answer said that the live events begin */
  #liveFrom = { seq: 0, epoch: '' };

  /**
   * @param {string} name
   * @param {Position | null} position null: not known yet
   */
  constructor(name, position = null) {
    this.name = name;
    /** @type {Position | null} */
    this.position = position && { seq: position.seq, epoch: position.epoch };
  }

  /** What a join says to go on from here. */
  get since() {
    return this.position ? { since: this.position.seq, epoch: this.position.epoch } : {};
  }

  get caughtUp() {
    return this.mode === 'following' && this.position !== null && this.position.seq >= this.head;
  }

  /** The join is on its way over the present link. */
  attach() {
    this.attached = true;
    this.mode = 'waiting';
    this.#held = [];
  }

  /** The link is gone. A snapshot under way is still good: the log is read from it later. */
  detach() {
    this.attached = false;
    this.#held = [];
    if (this.mode === 'following') this.mode = 'waiting';
  }

  /**
   * The join was answered.
   *
   * @param {{seq: number, epoch: string, reset?: boolean}} answer
   * @returns {Frame[]} held frames that are due now
   */
  joined({ seq, epoch, reset }) {
    this.head = seq;
    if (reset) {
      this.mode = 'resetting';
      this.#liveFrom = { seq, epoch };
      this.#held = [];
      this.#overflown = false;
      return [];
    }
    this.mode = 'following';
    this.position = { seq: this.position?.seq ?? seq, epoch };
    return this.#release();
  }

  /**
   * What to do with a logged frame of this room. `deliver` moves the position.
   *
   * @param {Frame} frame
   * @returns {Verdict}
   */
  receive(frame) {
    if (this.mode === 'resetting' || !this.position) return this.#hold(frame);
    const seq = /** @type {number} */ (frame.seq);
    if (seq <= this.position.seq) return 'drop';
    if (seq > this.position.seq + 1) {
      // A join that is still unanswered replays what is missing, this frame included.
      return this.mode === 'waiting' ? 'drop' : 'gap';
    }
    this.position.seq = seq;
    return 'deliver';
  }

  /**
   * The snapshot after a reset was taken over.
   *
   * @param {Position} snapshot
   * @returns {{frames: Frame[], rejoin: boolean}} `frames` are due now; `rejoin`: the present link does not
   *   carry on from this snapshot, so join again from it
   */
  restart({ seq, epoch }) {
    this.position = { seq, epoch };
    const live = this.attached && !this.#overflown && epoch === this.#liveFrom.epoch && seq >= this.#liveFrom.seq;
    if (!live) {
      this.mode = 'waiting';
      this.#held = [];
      return { frames: [], rejoin: true };
    }
    this.mode = 'following';
    return { frames: this.#release(), rejoin: false };
  }

  /**
   * @param {Frame} frame
   * @returns {Verdict}
   */
  #hold(frame) {
    if (!this.attached) return 'drop';
    if (this.#held.length >= MAX_HELD) this.#overflown = true;
    else this.#held.push(frame);
    return 'hold';
  }

  /** @returns {Frame[]} */
  #release() {
    const held = this.#held;
    this.#held = [];
    return held.filter((frame) => this.receive(frame) === 'deliver');
  }
}
