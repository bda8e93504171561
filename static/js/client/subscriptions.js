// @ts-check
/** The rooms that the page joined: they stay joined over every reconnect, each followed from its own position. */

import { backoff } from './backoff.js';
import { Alarm, pause } from './clock.js';
import { TaskManagerError } from './envelope.js';
import { Room } from './rooms.js';

/** The longest wait between two tries to fetch a snapshot or to join, milliseconds. */
const RETRY = { cap: 5_000 };

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {import('./rooms.js').Position} Position
 * @typedef {object} Link
 * @property {boolean} ready
 * @property {(event: string, data: any, done?: import('./requests.js').Done) => void} request
 * @property {(why: string) => void} restart drops the connection for another one
 *
 * @typedef {object} Kind what differs between projects and other rooms
 * @property {string} join the event that joins one
 * @property {string} leave the event that leaves one
 * @property {string} removed the event with which the server ends a subscription
 * @property {string} missing what to say of one that does not exist, or may not be read
 * @property {(room: string) => Record<string, unknown>} about how messages name it
 * @property {(room: string) => string} path of its log beneath `/api/`
 */

/** @param {string} room @returns {number} */
export const projectOf = (room) => Number(room.slice('project.'.length));

/** @type {Kind} */
export const PROJECTS = {
  join: 'join_project',
  leave: 'leave_project',
  removed: 'removed_from_project',
  missing: 'No such project.',
  about: (room) => ({ project_id: projectOf(room) }),
  path: (room) => `projects/${projectOf(room)}/events/`,
};

/** @type {Kind} */
export const ROOMS = {
  join: 'join_room',
  leave: 'leave_room',
  removed: 'removed_from_room',
  missing: 'No such room.',
  about: (room) => ({ room }),
  path: (room) => `rooms/${encodeURIComponent(room)}/events/`,
};

export class Subscription {
  /** @type {{resolve: (answer: any) => void, reject: (error: Error) => void}[]} the callers of `join` that wait */
  waiters = [];
  /** @type {any} the latest answer to a join */
  answer = null;
  /** Whether the present link had a gap already. */
  hadGap = false;
  /** Joins that failed one after the other for a passing reason. */
  failures = 0;
  /** @type {Promise<void> | null} settled when the snapshot under way is taken over */
  resetting = null;

  /**
   * @param {string} name
   * @param {string} path of its log beneath `/api/`
   * @param {Position | null} position
   * @param {import('./clock.js').Clock} clock
   */
  constructor(name, path, position, clock) {
    this.name = name;
    this.path = path;
    this.room = new Room(name, position);
    this.retry = new Alarm(clock);
  }
}

export class Subscriptions {
  /** @type {Map<string, Subscription>} by the name of their room */
  #subscriptions = new Map();
  #kind;
  #link;
  #events;
  #clock;
  #random;
  #log;

  /**
   * @param {object} options
   * @param {Kind} options.kind
   * @param {Link} options.link
   * @param {{deliver: (frame: Frame) => void, emit: (event: string, data: any, room: string, frame?: Frame) => void,
   *   changed: () => void, joined: (answer: any) => void, left: (room: string) => void,
   *   snapshotOf: (room: string) => (() => Promise<Position>) | null,
   *   isShared: (room: string) => boolean}} options.events `snapshotOf`: what fetches a snapshot of the room after a reset,
   *   takes it over and returns its position; null: none is wanted. `isShared`: whether another subscription needs the room, too
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => number} options.random
   * @param {import('./log.js').Log} options.log
   */
  constructor({ kind, link, events, clock, random, log }) {
    this.#kind = kind;
    this.#link = link;
    this.#events = events;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
  }

  get caughtUp() {
    return this.all().every(({ room }) => room.caughtUp);
  }

  /** @returns {Subscription[]} */
  all() {
    return [...this.#subscriptions.values()];
  }

  /** @param {string} name */
  isJoining(name) {
    return this.#subscriptions.has(name);
  }

  /** @param {string} name @returns {Subscription | undefined} */
  get(name) {
    return this.#subscriptions.get(name);
  }

  /** @param {Subscription} subscription */
  has(subscription) {
    return this.#subscriptions.get(subscription.room.name) === subscription;
  }

  /**
   * @param {string} name
   * @param {Position | null} position the page's own; a room that is joined already keeps its position
   * @returns {Promise<any>} the answer's data
   */
  join(name, position) {
    let subscription = this.#subscriptions.get(name);
    if (subscription?.answer) return Promise.resolve(subscription.answer);
    if (!subscription) {
      subscription = new Subscription(name, this.#kind.path(name), position, this.#clock);
      this.#subscriptions.set(subscription.room.name, subscription);
      if (this.#link.ready) this.#attach(subscription);
      this.#events.changed();
    }
    const { waiters } = subscription;
    return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
  }

  /**
   * @param {string} name
   * @returns {Promise<any>} also where it was not joined
   */
  leave(name) {
    this.#forget(name, new TaskManagerError('cancelled', `${name} was left before it was joined.`));
    const about = this.#kind.about(name);
    if (!this.#link.ready || this.#events.isShared(name)) return Promise.resolve(about);
    return new Promise((resolve, reject) => {
      this.#link.request(this.#kind.leave, about, (error, data) => {
        // A connection that broke has left all its rooms.
        if (error && error.code !== 'connection_lost') reject(error);
        else resolve(data ?? about);
      });
    });
  }

  /**
   * The user may not read the room any more.
   *
   * @param {string} name
   * @param {Frame} [frame] in which the server said so
   */
  removed(name, frame) {
    this.#forget(name, new TaskManagerError('not_found', this.#kind.missing));
    const data = frame?.data ?? this.#kind.about(name);
    this.#events.emit(this.#kind.removed, data, name, frame ?? { event: this.#kind.removed, data });
  }

  /** There is a new link: joins everything again. */
  opened() {
    for (const subscription of this.all()) {
      subscription.hadGap = false;
      // One whose snapshot is under way joins when it is there.
      if (!subscription.resetting) this.#attach(subscription);
    }
  }

  lost() {
    for (const subscription of this.all()) {
      subscription.retry.clear();
      subscription.room.detach();
    }
  }

  /** @param {Error} error */
  close(error) {
    for (const subscription of this.all()) this.#forget(subscription.name, error);
  }

  /** @param {Frame} frame a logged one */
  receive(frame) {
    const subscription = this.#subscriptions.get(frame.room ?? '');
    if (!subscription) return;
    const verdict = subscription.room.receive(frame);
    if (verdict === 'deliver') this.#events.deliver(frame);
    else if (verdict === 'gap') this.#mend(subscription, frame);
  }

  /**
   * Takes over what a poll of the room's log gave.
   *
   * @param {Subscription} subscription
   * @param {{events: Frame[], head: number, epoch: string, reset: boolean}} answer
   * @returns {Promise<void>} settled when the next poll may go on from the room's position
   */
  async polled(subscription, { events, head, epoch, reset }) {
    const answer = { ...this.#kind.about(subscription.name), room: subscription.name, seq: head, epoch, reset };
    if (reset || subscription.room.mode !== 'following') this.#joined(subscription, answer);
    subscription.room.head = head;
    for (const frame of events) this.receive(frame);
    await subscription.resetting;
  }

  /**
   * The server refuses the room for a lasting reason.
   *
   * @param {Subscription} subscription
   * @param {TaskManagerError} error
   */
  refused(subscription, error) {
    if (subscription.answer) return this.removed(subscription.name);
    this.#forget(subscription.name, error);
    this.#events.changed();
  }

  /** @param {Subscription} subscription */
  #attach(subscription) {
    subscription.room.attach();
    this.#link.request(this.#kind.join, { ...this.#kind.about(subscription.name), ...subscription.room.since }, (error, answer) => {
      if (!this.has(subscription)) return;
      if (error) this.#notJoined(subscription, error);
      else this.#joined(subscription, answer);
    });
  }

  /**
   * @param {Subscription} subscription
   * @param {any} answer
   */
  #joined(subscription, answer) {
    subscription.failures = 0;
    subscription.answer = answer;
    for (const { resolve } of subscription.waiters.splice(0)) resolve(answer);
    const due = subscription.room.joined(answer);
    this.#events.joined(answer);
    this.#events.emit('joined', answer, subscription.name);
    this.#deliver(subscription, due);
    if (answer.reset) this.#startReset(subscription, answer);
    this.#events.changed();
  }

  /**
   * @param {Subscription} subscription
   * @param {TaskManagerError} error
   */
  #notJoined(subscription, error) {
    if (error.code === 'connection_lost') return;
    if (error.code !== 'rate_limited' && error.code !== 'internal') return this.refused(subscription, error);
    const delay = (error.retryAfter ?? 0) * 1000 + backoff(subscription.failures, this.#random, RETRY);
    subscription.failures += 1;
    subscription.retry.set(delay, () => this.#attach(subscription));
  }

  /**
   * @param {Subscription} subscription
   * @param {any} answer
   */
  #startReset(subscription, answer) {
    const resetting = this.#reset(subscription, answer).finally(() => {
      if (subscription.resetting === resetting) subscription.resetting = null;
    });
    subscription.resetting = resetting;
  }

  /**
   * The log could not be continued: goes on from a snapshot.
   *
   * @param {Subscription} subscription
   * @param {any} answer
   */
  async #reset(subscription, { room, seq, epoch }) {
    this.#log(`${room} starts anew at ${seq}`);
    this.#events.emit('reset', { ...this.#kind.about(room), room, seq, epoch }, room);
    const snapshot = this.#events.snapshotOf(room);
    const position = snapshot ? await this.#takeSnapshot(subscription, snapshot) : { seq, epoch };
    if (!position || !this.has(subscription)) return;
    const { frames, rejoin } = subscription.room.restart(position);
    this.#deliver(subscription, frames);
    if (rejoin && this.#link.ready) this.#rejoin(subscription);
    this.#events.changed();
  }

  /**
   * @param {Subscription} subscription
   * @param {() => Promise<Position>} snapshot
   * @returns {Promise<Position | null>} null: not wanted any more
   */
  async #takeSnapshot(subscription, snapshot) {
    for (let attempt = 0; this.has(subscription); attempt += 1) {
      try {
        return await snapshot();
      } catch (/** @type {any} */ error) {
        this.#log(`no snapshot of ${subscription.name}: ${error}`);
        if (meansGone(error)) this.removed(subscription.name);
        else await pause(this.#clock, backoff(attempt, this.#random, RETRY));
      }
    }
    return null;
  }

  /**
   * Something is missing, which the server promises not to happen. The log still has it.
   *
   * @param {Subscription} subscription
   * @param {Frame} frame
   */
  #mend(subscription, frame) {
    this.#log(`a gap before ${frame.seq} in ${frame.room}`);
    if (!this.#link.ready) return; // The next poll or join goes on from the position anyway.
    if (subscription.hadGap) return this.#link.restart('a second gap');
    subscription.hadGap = true;
    this.#rejoin(subscription);
    this.#events.changed();
  }

  /**
   * Joining a joined room would replay nothing, so it is left first.
   *
   * @param {Subscription} subscription
   */
  #rejoin(subscription) {
    if (subscription.room.attached) this.#link.request(this.#kind.leave, this.#kind.about(subscription.name));
    this.#attach(subscription);
  }

  /**
   * @param {Subscription} subscription
   * @param {Frame[]} frames
   */
  #deliver(subscription, frames) {
    for (const frame of frames) if (this.has(subscription)) this.#events.deliver(frame);
  }

  /**
   * @param {string} name
   * @param {Error} error of the joins without an answer
   */
  #forget(name, error) {
    const subscription = this.#subscriptions.get(name);
    if (!subscription) return;
    subscription.retry.clear();
    this.#subscriptions.delete(name);
    this.#events.left(name);
    for (const { reject } of subscription.waiters.splice(0)) reject(error);
  }
}

/** @param {any} error */
function meansGone(error) {
  return [error?.code, error?.status].some((sign) => ['not_found', 'forbidden', 404, 403].includes(sign));
}
