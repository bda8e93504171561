// @ts-check
/** The own user room: joined by itself, resumed with the first message of each connection. */

import { Room } from './rooms.js';
import { Unread } from './unread.js';

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {import('./projects.js').Link} Link
 */

export class UserRoom {
  /** @type {Room | null} null: not known yet */
  #room = null;
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
    return this.#room?.name;
  }

  get caughtUp() {
    return this.#room?.caughtUp ?? false;
  }

  /** @returns {number | null} how many notifications are unread; null: not known yet */
  get unread() {
    return this.#unread.count;
  }

  /** @param {Frame} frame the first `connected` of a connection */
  opened(frame) {
    const { room: name, seq, epoch } = frame.data;
    this.stood(frame.data);
    const known = this.#room;
    if (known && known.name === name) return this.#resume(known);
    const room = (this.#room = new Room(name));
    room.attach();
    room.joined({ seq, epoch });
    this.#emit('connected', frame.data, frame);
  }

  /** @param {Frame} frame a logged one */
  receive(frame) {
    const verdict = this.#room?.receive(frame);
    if (verdict === 'deliver') this.#deliver(frame);
    else if (verdict === 'gap') this.#link.restart('a gap in the user room');
  }

  /**
   * The server told where the room stood at some moment.
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
        this.#room = null;
        return this.#link.restart(`the user room was not resumed: ${error.message}`);
      }
      this.stood(answer);
      room.joined(answer);
      if (answer.reset) this.#reset(room, answer);
      this.#emit('connected', answer);
    });
  }

  /**
   * There is no snapshot to wait for: whoever shows the user's events reads them anew.
   *
   * @param {Room} room
   * @param {import('./rooms.js').Position} position
   */
  #reset(room, { seq, epoch }) {
    room.restart({ seq, epoch });
    this.#emit('reset', { project_id: null, room: room.name, seq, epoch });
  }

  /**
   * The user's copy of a project's event goes by another name, so that who listens for the event hears it once.
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
