// @ts-check
/** The own user room: joined by itself, resumed with the first message of each connection. */

import { Room } from './rooms.js';
import { Unread } from './unread.js';

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {import('./subscriptions.js').Link} Link
 */

export class UserRoom {
  path = 'notifications/events/';
  resetting = null;
  /** Without a name until the server sent it. */
  room = new Room('');
  #unread = new Unread();
  #link;
  #emit;

  /**
   * @param {object} options
   * @param {Link} options.link
   * @param {(event: string, data: any, frame?: Frame) => void} options.emit
   */
  constructor({ link, emit }) {
    this.#link = link;
    this.#emit = emit;
  }

  get name() {
    return this.room.name;
  }

  get caughtUp() {
    return this.room.caughtUp;
  }

  /** @returns {number | null} how many notifications are unread; null: not known yet */
  get unread() {
    return this.#unread.count;
  }

  /** @param {Frame} frame the first `connected` of a connection */
  opened(frame) {
    const { room: name, seq, epoch } = frame.data;
    this.stood(frame.data);
    // By polling it may have come somewhere before it had a name.
    if (!this.name) this.room.name = name;
    if (this.name === name && this.room.position) return this.#resume(this.room);
    const room = (this.room = new Room(name));
    room.attach();
    room.joined({ seq, epoch });
    this.#emit('connected', frame.data, frame);
  }

  /** @param {Frame} frame a logged one */
  receive(frame) {
    const verdict = this.room.receive(frame);
    if (verdict === 'deliver') this.#deliver(frame);
    else if (verdict === 'gap' && this.#link.ready) this.#link.restart('a gap in the user room');
  }

  all() {
    return [this];
  }

  /** @param {any} followed */
  has(followed) {
    return followed === this;
  }

  /**
   * Takes over what a poll of the log gave.
   *
   * @param {any} _
   * @param {{events: Frame[], head: number, epoch: string, reset: boolean}} answer
   */
  async polled(_, { events, head, epoch, reset }) {
    if (reset || this.room.mode !== 'following') this.room.joined({ seq: head, epoch, reset });
    if (reset) this.#reset(this.room, { seq: head, epoch });
    this.room.head = head;
    for (const frame of events) this.receive(frame);
  }

  /** No user is refused their own room; where the server has none to offer, it is followed again by the next socket. */
  refused() {}

  /**
   * The server reported the room's position at some moment.
   *
   * @param {{seq: number, epoch: string, unread: number}} stand
   */
  stood(stand) {
    this.#count(() => this.#unread.stood(stand));
  }

  /** @param {number} upTo how far it was read, here or elsewhere */
  read(upTo) {
    this.#count(() => this.#unread.read(upTo));
  }

  /** @param {Room} room */
  #resume(room) {
    room.attach();
    this.#link.request('connect', room.since, (error, answer) => {
      if (error?.code === 'connection_lost') return;
      if (error) {
        this.room = new Room('');
        return this.#link.restart(`the user room was not resumed: ${error.message}`);
      }
      this.stood(answer);
      room.joined(answer);
      if (answer.reset) this.#reset(room, answer);
      this.#emit('connected', answer);
    });
  }

  /**
   * There is no snapshot to wait for: the page that shows the user's events reads them anew.
   *
   * @param {Room} room
   * @param {import('./rooms.js').Position} position
   */
  #reset(room, { seq, epoch }) {
    room.restart({ seq, epoch });
    this.#emit('reset', { project_id: null, room: room.name, seq, epoch });
  }

  /**
   * The user's copy of a project's event goes by another name, so that a handler of the event is called once.
   *
   * @param {Frame} frame
   */
  #deliver(frame) {
    this.#count(() => this.#unread.came(/** @type {number} */ (frame.seq)));
    this.#emit('notification', { ...frame.data, kind: frame.event }, frame);
    if (frame.event === 'due_date_reminder') this.#emit(frame.event, frame.data, frame);
  }

  /** @param {() => void} change of what is known */
  #count(change) {
    const before = this.#unread.count;
    change();
    if (this.#unread.count !== before) this.#emit('unread', this.#unread.count);
  }
}
