// @ts-check
/** The own user room: joined by itself, resumed with the first message of each connection. */

import { Room } from './rooms.js';

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {import('./projects.js').Link} Link
 */

export class UserRoom {
  /** @type {Room | null} null: not known yet */
  #room = null;
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

  /** @param {Frame} frame the first `connected` of a connection */
  opened(frame) {
    const { room: name, seq, epoch } = frame.data;
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

  /** @param {Room} room */
  #resume(room) {
    room.attach();
    this.#link.request('connect', room.since, (error, answer) => {
      if (error?.code === 'connection_lost') return;
      if (error) {
        this.#room = null;
        return this.#link.restart(`the user room was not resumed: ${error.message}`);
      }
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
    this.#emit('notification', { ...frame.data, kind: frame.event }, frame);
    if (frame.event === 'due_date_reminder') this.#emit(frame.event, frame.data, frame);
  }
}
