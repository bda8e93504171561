// @ts-check
/** The rooms that the page asked for by name: each joined once, however many parts of the page use it. */

import { backoff } from './backoff.js';
import { pause } from './clock.js';
import { Emitter } from './emitter.js';
import { TaskManagerError } from './envelope.js';
import { Records } from './records.js';
import { ROOMS, Subscriptions } from './subscriptions.js';

/** How long the answer with a snapshot may take, milliseconds. */
const PATIENCE = 20_000;
/** The longest pause between two tries to fetch a snapshot, milliseconds. */
const RETRY = { cap: 5_000 };

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {import('./rooms.js').Position} Position
 * @typedef {import('./records.js').RecordId} RecordId
 * @typedef {import('./records.js').Outcome} Outcome
 */

/** A room as all parts of the page share it. */
class SharedRoom {
  /** @type {Set<LiveRoom>} */
  handles = new Set();
  /** @type {Records | null} null: no part of the page asked for records */
  records = null;
  /** @type {Promise<Position> | null} the latest snapshot that was asked for, while it is on its way */
  loading = null;
  /** @type {Promise<any>} the answer to the join */
  joining = Promise.resolve();
  /** Aborted when the room is left, or its subscription has ended. */
  ended = new AbortController();
  /** @type {(error?: Error) => void} */
  #settle = () => {};

  /** @param {string} name */
  constructor(name) {
    this.name = name;
    /** Settled with the first snapshot. @type {Promise<void>} */
    this.loaded = new Promise((resolve, reject) => (this.#settle = (error) => (error ? reject(error) : resolve())));
    this.loaded.catch(() => {}); // Only those that wait for it want to know.
  }

  /** @param {Error} [error] */
  settleLoaded(error) {
    this.#settle(error);
  }

  /**
   * @param {string} event
   * @param {any} data
   * @param {Frame} [frame]
   */
  emit(event, data, frame) {
    for (const handle of [...this.handles]) handle.emit(event, data, frame);
  }
}

/** A room, as one part of the page holds it: `client.room(name)`. */
export class LiveRoom {
  #emitter = new Emitter();
  #shared;
  #rooms;

  /**
   * @param {LiveRooms} rooms
   * @param {SharedRoom} shared
   */
  constructor(rooms, shared) {
    this.#rooms = rooms;
    this.#shared = shared;
  }

  /** @returns {string} */
  get name() {
    return this.#shared.name;
  }

  /** @returns {Position | null} the event up to which the room was followed; null: it is not joined yet */
  get position() {
    return this.#rooms.positionOf(this.#shared);
  }

  /**
   * Settles when the room is joined, and its records are there if `records` was called.
   *
   * @returns {Promise<void>} rejected as `not_found` where the room does not exist, or may not be read
   */
  get ready() {
    return this.#shared.joining.then(() => (this.#shared.records ? this.#shared.loaded : undefined));
  }

  /**
   * Call a function for each event of the name, until `leave()`.
   *
   * @template {string} Name
   * @param {Name} event `record_created`, `record_updated`, `record_deleted`, any other event of the room, `event` (all of them), or
   *   `change`, `joined`, `reset`, `removed_from_room`, `error`
   * @param {import('./signals.d.ts').RoomHandler<Name>} handler called with the event's data and its frame
   * @returns {() => void} removes the handler
   */
  on(event, handler) {
    return this.#emitter.on(event, handler);
  }

  /**
   * @template {string} Name
   * @param {Name} event
   * @param {import('./signals.d.ts').RoomHandler<Name>} handler
   * @returns {() => void} removes the handler
   */
  once(event, handler) {
    return this.#emitter.on(event, handler, { once: true });
  }

  /**
   * @template {string} Name
   * @param {Name} event
   * @param {import('./signals.d.ts').RoomHandler<Name>} handler
   */
  off(event, handler) {
    this.#emitter.off(event, handler);
  }

  /**
   * Return the records of a model in this room, by id: as a snapshot has them, and as all events after it say.
   *
   * It is always the same map. It is empty until `ready` has settled; `change` comes with each change of it.
   *
   * @template {object} [Fields=Record<string, unknown>]
   * @param {string} model such as `helpdesk.ticket`
   * @returns {ReadonlyMap<RecordId, Readonly<Fields & {id: RecordId}>>}
   */
  records(model) {
    const map = this.#rooms.recordsOf(this.#shared, model.toLowerCase());
    return /** @type {ReadonlyMap<RecordId, any>} */ (map);
  }

  /**
   * Remove all handlers of this object. The room itself is left when each part of the page that asked for it has left it.
   *
   * @returns {Promise<void>}
   */
  async leave() {
    this.#emitter = new Emitter();
    await this.#rooms.leave(this.#shared, this);
  }

  /**
   * Called by the client only.
   *
   * @param {string} event
   * @param {any} data
   * @param {Frame} [frame]
   */
  emit(event, data, frame) {
    this.#emitter.emit(event, data, frame);
  }
}

export class LiveRooms {
  /** @type {Map<string, SharedRoom>} */
  #rooms = new Map();
  #rest;
  #clock;
  #random;
  #log;
  #changed;
  #emit;

  /**
   * @param {object} options
   * @param {import('./subscriptions.js').Link} options.link
   * @param {import('./rest.js').Rest} options.rest
   * @param {{emit: (event: string, data: any, frame?: Frame) => void, changed: () => void,
   *   isShared: (room: string) => boolean}} options.events
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => number} options.random
   * @param {import('./log.js').Log} options.log
   */
  constructor({ link, rest, events, clock, random, log }) {
    this.#rest = rest;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
    this.#changed = events.changed;
    this.#emit = events.emit;
    this.subscriptions = new Subscriptions({
      kind: ROOMS,
      link,
      events: {
        deliver: (frame) => this.#deliver(frame),
        emit: (event, data, room, frame) => this.#dispatch(event, data, room, frame),
        changed: events.changed,
        joined: () => {},
        left: () => {},
        snapshotOf: (room) => this.#snapshotOf(room),
        isShared: events.isShared,
      },
      clock,
      random,
      log,
    });
  }

  get caughtUp() {
    return this.subscriptions.caughtUp && [...this.#rooms.values()].every(({ loading }) => !loading);
  }

  /**
   * @param {string} name
   * @param {Position | null} position to go on from, if the room is not joined yet
   * @returns {LiveRoom}
   */
  room(name, position) {
    const shared = this.#rooms.get(name) ?? this.#join(name, position);
    const handle = new LiveRoom(this, shared);
    shared.handles.add(handle);
    return handle;
  }

  /** @param {SharedRoom} shared @returns {Position | null} */
  positionOf({ name, ended }) {
    const subscription = ended.signal.aborted ? undefined : this.subscriptions.get(name);
    const position = subscription?.answer && subscription.room.position;
    return position ? { ...position } : null;
  }

  /**
   * @param {SharedRoom} shared
   * @param {string} model
   */
  recordsOf(shared, model) {
    if (!shared.records) {
      shared.records = new Records();
      if (this.subscriptions.get(shared.name)?.answer) this.#load(shared).catch(() => {});
    }
    return shared.records.of(model);
  }

  /**
   * @param {SharedRoom} shared
   * @param {LiveRoom} handle
   */
  async leave(shared, handle) {
    shared.handles.delete(handle);
    if (shared.handles.size || this.#rooms.get(shared.name) !== shared) return;
    this.#end(shared, new TaskManagerError('cancelled', `${shared.name} was left.`));
    await this.subscriptions.leave(shared.name);
    this.#changed();
  }

  /** @param {Error} error */
  close(error) {
    for (const shared of [...this.#rooms.values()]) this.#end(shared, error);
    this.subscriptions.close(error);
  }

  /**
   * @param {string} name
   * @param {Position | null} position
   */
  #join(name, position) {
    const shared = new SharedRoom(name);
    this.#rooms.set(name, shared);
    shared.joining = this.subscriptions.join(name, position);
    shared.joining.catch((error) => {
      if (shared.ended.signal.aborted) return;
      shared.emit('error', error);
      this.#end(shared, error);
    });
    return shared;
  }

  /**
   * @param {SharedRoom} shared
   * @param {Error} error of those that still wait for its records
   */
  #end(shared, error) {
    if (this.#rooms.get(shared.name) === shared) this.#rooms.delete(shared.name);
    shared.ended.abort();
    shared.settleLoaded(error);
  }

  /** @param {Frame} frame */
  #deliver(frame) {
    const shared = this.#rooms.get(frame.room ?? '');
    if (!shared) return;
    const outcome = shared.records?.receive(frame);
    shared.emit('event', frame.data, frame);
    shared.emit(frame.event, frame.data, frame);
    if (outcome) this.#report(shared, outcome);
  }

  /**
   * @param {string} event
   * @param {any} data
   * @param {string} room
   * @param {Frame} [frame]
   */
  #dispatch(event, data, room, frame) {
    const shared = this.#rooms.get(room);
    if (!shared) return;
    if (event === ROOMS.removed) {
      if (shared.records) this.#report(shared, shared.records.clear());
      shared.emit(event, data, frame);
      this.#emit(event, data, frame);
      return this.#end(shared, new TaskManagerError('not_found', ROOMS.missing));
    }
    shared.emit(event, data, frame);
    if (event === 'joined' && shared.records && !shared.records.isLoaded && !data.reset) this.#load(shared).catch(() => {});
  }

  /**
   * @param {SharedRoom} shared
   * @param {Outcome} outcome
   */
  #report(shared, { changes, isStale }) {
    for (const change of changes) shared.emit('change', change);
    if (isStale) this.#load(shared).catch(() => {});
  }

  /** @param {string} name @returns {(() => Promise<Position>) | null} */
  #snapshotOf(name) {
    const shared = this.#rooms.get(name);
    return shared?.records ? () => this.#load(shared) : null;
  }

  /**
   * Fetch the room's records. Where several are asked for, the last one counts.
   *
   * @param {SharedRoom} shared
   * @returns {Promise<Position>} where they stand
   */
  #load(shared) {
    const loading = this.#fetch(shared, () => shared.loading === loading);
    shared.loading = loading;
    const done = () => {
      if (shared.loading !== loading) return;
      shared.loading = null;
      this.#changed();
    };
    loading.then(done, (error) => {
      if (shared.loading === loading && !shared.ended.signal.aborted) {
        shared.settleLoaded(error);
        shared.emit('error', error);
      }
      done();
    });
    return loading;
  }

  /**
   * @param {SharedRoom} shared
   * @param {() => boolean} isLatest
   * @returns {Promise<Position>}
   */
  async #fetch(shared, isLatest) {
    const records = /** @type {Records} */ (shared.records);
    records.expectSnapshot();
    const least = this.#leastSeq(shared);
    const { signal } = shared.ended;
    for (let attempt = 0; ; attempt += 1) {
      const snapshot = await this.#tryFetch(shared);
      if (signal.aborted) throw new TaskManagerError('cancelled', `${shared.name} was left.`);
      // Another one was asked for since.
      if (!isLatest() && shared.loading) return shared.loading;
      if (snapshot && snapshot.seq >= least) {
        const outcome = records.replace(snapshot);
        shared.settleLoaded();
        this.#report(shared, outcome);
        return { seq: snapshot.seq, epoch: snapshot.epoch };
      }
      await pause(this.#clock, backoff(attempt, this.#random, RETRY), signal);
    }
  }

  /**
   * @param {SharedRoom} shared
   * @returns {Promise<import('./records.js').RecordSnapshot | null>} null: to be tried again
   * @throws {TaskManagerError} for a lasting reason
   */
  async #tryFetch({ name, ended }) {
    try {
      return await this.#rest.call({ method: 'GET', path: `rooms/${encodeURIComponent(name)}/` }, { signal: ended.signal, patience: PATIENCE });
    } catch (/** @type {any} */ error) {
      if (error.code === 'not_found' || error.code === 'forbidden') throw error;
      this.#log(`no snapshot of ${name}: ${error}`);
      if (error.retryAfter) await pause(this.#clock, error.retryAfter * 1000, ended.signal);
      return null;
    }
  }

  /** @param {SharedRoom} shared @returns {number} the event that a snapshot must contain: those before are known already */
  #leastSeq({ name }) {
    const subscription = this.subscriptions.get(name);
    if (!subscription || subscription.room.mode === 'resetting') return 0;
    return subscription.room.position?.seq ?? 0;
  }
}
