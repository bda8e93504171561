// @ts-check
/** The life of the socket: it opens, breaks, waits and comes back, for ever. Knows nothing of rooms. */

import { backoff, BASE } from './backoff.js';
import { Alarm } from './clock.js';
import { LATER, returnAfter } from './closing.js';
import { decode, errorFrom, TaskManagerError } from './envelope.js';
import { Heartbeat } from './heartbeat.js';

/** How long an attempt may take from the first byte to `connected`, milliseconds. */
export const ATTEMPT_TIMEOUT = 10_000;

/** A connection that lasted this long was a good one, and backoff begins anew, milliseconds. */
export const GOOD_AFTER = 5_000;

/** An attempt older than this is given up when the network is back, milliseconds. */
const STALE_ATTEMPT = 2_000;

const SUBPROTOCOL = 'taskrealtime.v1';
/** Where the server names no ping interval, seconds. */
const PING_INTERVAL = 25;
const OPEN = 1;
const LOST_WITHOUT_WORD = 1006;
/** Sockets that cannot even be made are tried at this pace while polling stands in, milliseconds. */
const REFUSED_PAUSE = 60_000;

/**
 * @typedef {object} Problem why there is no connection
 * @property {string} reason a sentence for developers
 * @property {string | number} code of the error, or the code with which the socket closed
 */

/** @type {Problem} */
const DISCONNECTED = { reason: 'The client is disconnected: connect() connects it.', code: 'disconnected' };

/**
 * @typedef {object} Events what the owner receives
 * @property {(frame: import('./envelope.js').Frame) => void} opened with the first `connected`
 * @property {(frame: import('./envelope.js').Frame) => void} frame any later one
 * @property {() => void} lost after `opened`, the link is gone
 * @property {() => void} changed `ready`, `failures` or `blocked` changed
 * @property {(error: TaskManagerError) => void} refused no socket could be made, for the first time
 * @property {(error: TaskManagerError) => void} fatal it will not come back
 */

export class Connection {
  /** Whether the server has said `connected`. */
  ready = false;
  /** @type {Problem | null} null while connected, and until the first attempt has failed */
  problem = DISCONNECTED;
  /** @type {number | null} the time of the next attempt, milliseconds; null: none is planned */
  retryAt = null;
  /** Attempts that failed, or were refused for a while, since the last `connected`. */
  failures = 0;
  /** The latest attempts, one after the other, in which not a single frame came through. */
  blocked = 0;
  /** Whether the environment refuses to make sockets at all. */
  refused = false;

  #url;
  #tokens;
  #WebSocket;
  #clock;
  #random;
  #log;
  #events;
  #heartbeat;
  /** Ends an attempt that takes too long, or a wait. */
  #alarm;
  /** @type {any} */
  #socket = null;
  /** @type {'idle' | 'waiting' | 'attempting' | 'ready' | 'stopped'} */
  #phase = 'idle';
  /** Counts attempts, so that what belongs to a former one is recognised. */
  #attempt = 0;
  /** How far backoff has grown. */
  #growth = 0;
  #startedAt = 0;
  #readyAt = 0;
  /** Until then the server wants to be left alone. */
  #stayAwayUntil = 0;
  #receivedAnything = false;
  /** @type {TaskManagerError | null} why the server is about to close */
  #reason = null;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {import('./tokens.js').Tokens} options.tokens
   * @param {any} options.WebSocket
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => number} options.random
   * @param {import('./log.js').Log} options.log
   * @param {() => void} options.ping asks the server for a sign of life
   * @param {Events} options.events
   */
  constructor({ url, tokens, WebSocket, clock, random, log, ping, events }) {
    this.#url = url;
    this.#tokens = tokens;
    this.#WebSocket = WebSocket;
    this.#clock = clock;
    this.#random = random;
    this.#log = log;
    this.#events = events;
    this.#alarm = new Alarm(clock);
    this.#heartbeat = new Heartbeat({ clock, ping, dead: () => this.restart('the ping was not answered') });
  }

  /** Whether it is connected, or tries to be. */
  get started() {
    return this.#phase !== 'idle' && this.#phase !== 'stopped';
  }

  start() {
    if (this.#phase !== 'idle') return;
    this.problem = null;
    this.#begin();
  }

  /** Closes the socket, until `start`. */
  pause() {
    if (!this.started) return;
    const wasReady = this.ready;
    this.#drop();
    this.#phase = 'idle';
    this.ready = false;
    this.#growth = 0;
    this.problem = DISCONNECTED;
    if (wasReady) this.#events.lost();
    this.#events.changed();
  }

  /** For good. */
  stop() {
    this.#drop();
    this.#phase = 'stopped';
    this.ready = false;
  }

  /**
   * Drops the present socket and makes another.
   *
   * @param {string} why for the log
   */
  restart(why) {
    if (this.#socket === null) return;
    this.#log(`given up: ${why}`);
    this.#drop();
    this.#lost(LOST_WITHOUT_WORD, why);
  }

  /** The network may be back: no more waiting, and a socket that looks open has to prove it. */
  wake() {
    if (this.#phase === 'ready') this.#heartbeat.check();
    else if (this.#phase === 'waiting') this.#beginIfWelcome();
    else if (this.#phase === 'attempting' && this.#clock.now() - this.#startedAt > STALE_ATTEMPT) this.#begin();
  }

  /** The network seems to be gone. */
  doubt() {
    if (this.#phase === 'ready') this.#heartbeat.check();
  }

  /** @param {string} text */
  send(text) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(text);
  }

  #beginIfWelcome() {
    if (this.#clock.now() >= this.#stayAwayUntil) this.#begin();
  }

  async #begin() {
    this.#drop();
    const attempt = this.#attempt;
    this.#phase = 'attempting';
    this.#startedAt = this.#clock.now();
    this.#receivedAnything = false;
    this.#reason = null;
    this.#alarm.set(ATTEMPT_TIMEOUT, () => this.#giveUp());
    this.#events.changed();
    let token;
    try {
      token = await this.#tokens.get();
    } catch (error) {
      if (attempt === this.#attempt) this.#noToken(error);
      return;
    }
    if (attempt === this.#attempt) this.#open(token);
  }

  #giveUp() {
    // A token source that hangs must be asked again.
    if (this.#socket === null) this.#tokens.forget();
    this.#drop();
    this.#lost(LOST_WITHOUT_WORD, 'The attempt took too long.');
  }

  /** @param {any} error */
  #noToken(error) {
    if (error?.code === 'unauthenticated') return this.#end(error);
    this.#receivedAnything = true; // Says nothing about sockets being blocked.
    this.#drop();
    this.#lost('no_token', `There is no token: ${error}`);
  }

  /** @param {string} token */
  #open(token) {
    this.#log(`connecting to ${this.#url}`);
    let socket;
    try {
      socket = new this.#WebSocket(this.#url, [SUBPROTOCOL, `bearer.${token}`]);
    } catch (error) {
      return this.#refuse(error);
    }
    this.#socket = socket;
    socket.onmessage = (/** @type {{data: unknown}} */ { data }) => this.#receive(data);
    // Whatever an error is, a close follows it, and says more.
    socket.onerror = () => {};
    socket.onclose = (/** @type {{code: number, reason?: string}} */ { code, reason }) => {
      this.#drop();
      this.#lost(code, reason);
    };
  }

  /**
   * Browsers throw where a socket is forbidden: by a content security policy, on a secure page without TLS, to a blocked port.
   *
   * @param {any} error
   */
  #refuse(error) {
    const refusal = new TaskManagerError('socket_refused', `No WebSocket can be opened here: ${error?.message ?? error}`);
    const isFirst = !this.refused;
    this.refused = true;
    this.#stayAway(REFUSED_PAUSE);
    if (isFirst) this.#events.refused(refusal);
    if (this.#phase !== 'attempting') return; // A handler closed or disconnected the client.
    this.#drop();
    this.#lost(refusal.code, refusal.message);
  }

  /** @param {unknown} text */
  #receive(text) {
    const frame = decode(text);
    if (!frame) return this.#log('not a frame of the protocol', text);
    this.#log('←', frame);
    this.#heartbeat.received();
    this.#receivedAnything = true;
    this.blocked = 0;
    if (frame.event === 'going_away') this.#stayAway(frame.data.reconnect_in_ms);
    if (frame.event === 'error' && frame.id === undefined) this.#reason = errorFrom(frame.data);
    if (frame.event === 'connected' && !this.ready) this.#connected(frame);
    else this.#events.frame(frame);
  }

  /** @param {import('./envelope.js').Frame} frame */
  #connected(frame) {
    this.#alarm.clear();
    this.#phase = 'ready';
    this.#readyAt = this.#clock.now();
    this.#reason = null;
    this.problem = null;
    this.refused = false;
    this.ready = true;
    this.failures = 0;
    this.#heartbeat.start((frame.data.ping_interval || PING_INTERVAL) * 1000);
    this.#events.opened(frame);
    this.#events.changed();
  }

  /** @param {number} delay milliseconds */
  #stayAway(delay) {
    this.#stayAwayUntil = this.#clock.now() + delay;
  }

  /** Lets go of the socket without waiting for it: a dead one may take minutes to say so. */
  #drop() {
    this.#attempt += 1;
    this.retryAt = null;
    this.#alarm.clear();
    this.#heartbeat.stop();
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  /**
   * @param {number | string} code of the close, or of what kept the socket from being opened
   * @param {string} [why]
   */
  #lost(code, why) {
    this.#log(`closed with ${code}: ${why ?? ''}`);
    const returning = returnAfter(code);
    this.problem = { reason: this.#reason?.message || why || 'The connection broke, or could not be opened.', code };
    if (returning === 'token') this.#tokens.forget();
    if (returning === 'never' || (returning === 'token' && !this.#tokens.renewable)) {
      return this.#end(this.#reason ?? new TaskManagerError('unauthenticated', `The server closed with ${code}.`));
    }
    this.#count();
    if (returning === 'later') {
      this.failures += 1;
      this.#stayAway(LATER.least + this.#random() * (LATER.most - LATER.least));
    }
    this.#wait();
  }

  #count() {
    const wasReady = this.ready;
    this.ready = false;
    if (wasReady) {
      if (this.#clock.now() - this.#readyAt >= GOOD_AFTER) this.#growth = 0;
      this.#events.lost();
      return;
    }
    this.failures += 1;
    if (!this.#receivedAnything) this.blocked += 1;
  }

  #wait() {
    if (this.#phase === 'stopped') return;
    this.#phase = 'waiting';
    const wanted = this.#stayAwayUntil - this.#clock.now();
    const delay = wanted > 0 ? wanted + this.#random() * BASE : backoff(this.#growth, this.#random);
    if (wanted <= 0) this.#growth += 1;
    this.#log(`again in ${Math.round(delay)} ms`);
    this.retryAt = this.#clock.now() + delay;
    this.#alarm.set(delay, () => this.#begin());
    this.#events.changed();
  }

  /** @param {TaskManagerError} error */
  #end(error) {
    this.stop();
    this.problem = { reason: error.message, code: error.code };
    this.#events.fatal(error);
  }
}
