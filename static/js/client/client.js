// @ts-check
/** `TaskManagerWebSocket`: what a page holds. It ties the parts together and has no cleverness of its own. */

import { Alarm, makeClock } from './clock.js';
import { Connection } from './connection.js';
import { Courier } from './courier.js';
import { Emitter } from './emitter.js';
import { encode, errorFrom, TaskManagerError } from './envelope.js';
import { Hints } from './hints.js';
import { Inbox } from './inbox.js';
import { limited } from './limits.js';
import { LiveRooms } from './live_rooms.js';
import { makeLog } from './log.js';
import { Outbox } from './outbox.js';
import { People } from './people.js';
import { Polling } from './polling.js';
import { Presence } from './presence.js';
import { Renewal } from './renewal.js';
import { Requests } from './requests.js';
import { Rest } from './rest.js';
import { REST_COMMANDS } from './rest_commands.js';
import { Sender } from './sender.js';
import { projectOf, PROJECTS, Subscriptions } from './subscriptions.js';
import { Tokens } from './tokens.js';
import { apiUrl, socketUrl } from './urls.js';
import { UserRoom } from './user_room.js';
import { watchPage } from './wake.js';

/** After so many attempts in which not one frame came through, sockets count as blocked. */
const BLOCKED_AFTER = 3;

/** A little less than the server remembers keys by default (30 days), milliseconds. */
const RETENTION = 29 * 24 * 3_600_000;

/** How often to look for what tabs left that are gone by now: soon at first, then now and again, milliseconds. */
const LOOK_AGAIN = { first: 1_000, cap: 15_000 };
/** A shelf that takes longer to be read is not waited for, milliseconds. */
const SHELF_PATIENCE = 3_000;

/** What the server answers when the connection, not the call, was at fault. */
const TOKEN_ERRORS = ['unauthenticated', 'token_invalid', 'token_expired'];

/** What names of rooms are made of. */
const ROOM_NAME = /^[A-Za-z0-9_.-]{1,99}$/;

/** What the client itself sends, to keep the connection and the rooms. */
const OWN_EVENTS = ['connect', 'token_refresh', 'join_project', 'leave_project', 'join_room', 'leave_room'];

/** @typedef {{event: string, data: any, settle: import('./requests.js').Done}} Question */

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {import('./rooms.js').Position} Position
 * @typedef {import('./wire.d.ts').Answers} Answers
 * @typedef {(projectId: number) => Promise<Position>} Snapshot
 * @typedef {import('./limits.js').Limits} Limits
 * @typedef {import('./signals.d.ts').Signals['state']} State
 * @typedef {import('./signals.d.ts').Status} Status
 *
 * @typedef {object} Options
 * @property {string} [url] of the socket; this host's `/ws/` by default
 * @property {string} [api] of the HTTP API; `/api/` of the socket's host by default
 * @property {import('./tokens.js').TokenSource} token an access token, or a function that gets one; it gives null
 *   when the user is signed out, and throws where it may succeed later
 * @property {Snapshot} [snapshot] fetches a project's board after a reset, takes it over,
 *   and says its `seq` and `epoch`; nothing of the project is delivered meanwhile
 * @property {import('./shelf.js').Shelf} [shelf] keeps changes without an answer over the end of the page; what earlier pages
 *   left there is sent before all else, and reported as `recovered`
 * @property {(event: string, data: any) => any} [note] what to keep beside a change, for the page that shows it after a reload
 * @property {boolean} [debug] log to the console
 * @property {boolean} [connect] false: only when `connect()` is called
 * @property {number} [retention] how long the server remembers a key, milliseconds
 * @property {any} [WebSocket]
 * @property {import('./http.js').Fetch} [fetch]
 * @property {() => number} [random]
 * @property {() => number} [now]
 * @property {(callback: () => void, delay: number) => any} [setTimeout]
 * @property {(timer: any) => void} [clearTimeout]
 * @property {EventTarget} [window] dispatches `online`, `offline` and `pageshow`
 * @property {EventTarget & {visibilityState?: string}} [document] dispatches `visibilitychange` and the user's input
 */

export class TaskManagerWebSocket {
  /** @type {State} */
  #state = 'connecting';
  /** @type {Status} */
  #status = { state: 'connecting', reason: null, code: null, retryAt: null };
  /** Questions of the page without an answer. @type {Set<Question>} */
  #questions = new Set();
  #lastId = 0;
  #emitter = new Emitter();
  #requests = new Requests();
  #outbox;
  #sender;
  #shelf;
  #note;
  #clock;
  #log;
  #retention;
  #connection;
  #projects;
  #rooms;
  /** @type {Snapshot | null} */
  #snapshot;
  #userRoom;
  #inbox;
  #polling;
  #courier;
  #renewal;
  #people;
  #presence;
  #hints;
  #stopWatchingPage;
  /** Looks at the shelf again. */
  #lookAgain;

  /** @param {Options} options */
  constructor(options) {
    const random = options.random ?? Math.random;
    const url = socketUrl(options.url);
    const clock = (this.#clock = makeClock(options));
    this.#shelf = options.shelf ?? null;
    this.#note = options.note ?? (() => undefined);
    this.#outbox = new Outbox(this.#shelf, () => this.#emitter.emit('waiting', this.#outbox.size));
    this.#sender = new Sender({ outbox: this.#outbox, clock, send: (entry) => this.#sendChange(entry) });
    this.#lookAgain = new Alarm(clock);
    const log = (this.#log = makeLog(options.debug ?? false));
    const tokens = new Tokens(options.token, clock);
    const rest = new Rest({ base: options.api ?? apiUrl(url), tokens, fetch: options.fetch, clock });
    const request = this.#request.bind(this);
    const changed = this.#changed.bind(this);
    const fatal = this.#fatal.bind(this);
    this.#retention = options.retention ?? RETENTION;
    this.#connection = new Connection({
      url,
      tokens,
      WebSocket: options.WebSocket ?? globalThis.WebSocket,
      clock,
      random,
      log,
      ping: () => request('ping', {}),
      events: {
        opened: (frame) => this.#opened(frame),
        frame: (frame) => this.#received(frame),
        lost: () => this.#lost(),
        changed,
        refused: (error) => this.#emitter.emit('error', error),
        fatal,
      },
    });
    const connection = this.#connection;
    const link = {
      get ready() {
        return connection.ready;
      },
      request,
      restart: (/** @type {string} */ why) => connection.restart(why),
    };
    const emit = this.#emitter.emit.bind(this.#emitter);
    const page = { window: options.window ?? globalThis.window, document: options.document ?? globalThis.document };
    this.#people = new People({ emit });
    this.#presence = new Presence({
      document: page.document,
      clock,
      changed: () => this.#hints.presence().catch((error) => emit('error', error)),
    });
    this.#hints = new Hints({ link, clock, status: () => this.#presence.status });
    this.#userRoom = new UserRoom({ link, emit });
    this.#inbox = new Inbox(rest);
    this.#projects = new Subscriptions({
      kind: PROJECTS,
      link,
      events: {
        deliver: (frame) => this.#deliver(frame),
        emit: (event, data, _, frame) => emit(event, data, frame),
        changed,
        joined: (answer) => this.#people.joined(answer),
        left: (room) => this.#people.left(projectOf(room)),
        snapshotOf: (room) => this.#snapshotOf(room),
        isShared: (room) => this.#rooms.subscriptions.isJoining(room),
      },
      clock,
      random,
      log,
    });
    this.#snapshot = options.snapshot ?? null;
    const isShared = (/** @type {string} */ room) => this.#projects.isJoining(room);
    this.#rooms = new LiveRooms({ link, rest, events: { emit, changed, isShared }, clock, random, log });
    const sources = [this.#projects, this.#rooms.subscriptions, this.#userRoom];
    this.#polling = new Polling({ rest, sources, clock, random, events: { changed, fatal } });
    this.#courier = new Courier({ rest, outbox: this.#outbox, clock, random, fatal, carried: () => this.#sender.kick() });
    this.#renewal = new Renewal({ clock, tokens, request, log });
    this.#stopWatchingPage = watchPage(page, { back: () => connection.wake(), gone: () => connection.doubt() });
    if (options.connect ?? true) connection.start();
    else changed();
    if (this.#shelf) this.#lookAtShelf(this.#shelf);
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /** @returns {Status} the state, and why it is so: `reason`, `code` and the time of the next attempt, `retryAt` */
  get status() {
    return this.#status;
  }

  /** Connect, after `disconnect()` or with the option `connect: false`. */
  connect() {
    this.#requireOpen();
    this.#connection.start();
  }

  /** Close the connection until `connect()`. What was joined stays joined then, and unanswered calls go on waiting. */
  disconnect() {
    this.#connection.pause();
  }

  /**
   * Send any event of the protocol and return the data of its answer. It waits for the connection, and is sent again over the
   * next one where the answer is lost; a change is sent with a key, so that it takes effect once.
   *
   * @template {import('./signals.d.ts').RequestName} Name
   * @param {Name} event
   * @param {import('./wire.d.ts').ClientEvents[Name]} data
   * @param {Limits} [limits]
   * @returns {Promise<import('./signals.d.ts').AnswerTo<Name>>}
   */
  async request(event, data, limits = {}) {
    if (OWN_EVENTS.includes(event)) throw new TypeError(`The client itself sends ${event}.`);
    if (event in REST_COMMANDS) return this.#change(event, data, {}, limits);
    this.#requireOpen();
    return this.#ask(event, data, limits);
  }

  /** @param {Snapshot | null} snapshot */
  set snapshot(snapshot) {
    this.#snapshot = snapshot;
  }

  get snapshot() {
    return this.#snapshot;
  }

  /** @returns {number | null} how many notifications are unread; null: not known yet. `unread` reports each change */
  get unread() {
    return this.#userRoom.unread;
  }

  /**
   * @template {keyof import('./signals.d.ts').Signals} Name
   * @param {Name} event a server event's name, or `event` (every logged one of a project), `notification`,
   *   `unread`, `presence`, `state`, `joined`, `reset`
   * @param {import('./signals.d.ts').Handler<Name>} handler called with the event's data and its frame
   * @returns {() => void} takes the handler away again
   */
  on(event, handler) {
    return this.#emitter.on(event, handler);
  }

  /**
   * @template {keyof import('./signals.d.ts').Signals} Name
   * @param {Name} event
   * @param {import('./signals.d.ts').Handler<Name>} handler
   * @returns {() => void} takes the handler away again
   */
  once(event, handler) {
    return this.#emitter.on(event, handler, { once: true });
  }

  /**
   * @template {keyof import('./signals.d.ts').Signals} Name
   * @param {Name} event
   * @param {import('./signals.d.ts').Handler<Name>} handler
   */
  off(event, handler) {
    this.#emitter.off(event, handler);
  }

  /**
   * Joins a project, and joins it again after every reconnect.
   *
   * @param {Id} projectId
   * @param {{since?: number, epoch?: string} & Limits} [position] `seq` and `epoch` of the page's own snapshot; without
   *   it the project is followed from now on
   */
  async joinProject(projectId, { since, epoch, ...limits } = {}) {
    this.#requireOpen();
    const room = `project.${toId(projectId)}`;
    const isNew = !this.#projects.isJoining(room);
    const joining = this.#projects.join(room, since === undefined ? null : { seq: since, epoch });
    return limited(this.#clock, limits, joining, () => {
      if (isNew) this.#projects.leave(room).catch(() => {});
    });
  }

  /** @param {Id} projectId */
  async leaveProject(projectId) {
    this.#requireOpen();
    return this.#projects.leave(`project.${toId(projectId)}`);
  }

  /**
   * Join a room by its name, and return what belongs to it. Each call returns an object of its own, with its own handlers; the
   * room is joined once, and left when all of them are left.
   *
   * @param {string} name such as `helpdesk.queue.7`
   * @param {{since?: number, epoch?: string}} [position] the `seq` and `epoch` of what the page shows already; without it, and
   *   where the room is joined already, the room is followed from now on
   * @returns {import('./live_rooms.js').LiveRoom}
   */
  room(name, { since, epoch } = {}) {
    this.#requireOpen();
    if (!ROOM_NAME.test(name)) throw new TypeError(`Not the name of a room: ${name}`);
    return this.#rooms.room(name, since === undefined ? null : { seq: since, epoch });
  }

  /**
   * @param {Id} projectId
   * @param {Record<string, any> & {title: string}} fields
   * @param {{placeholder?: number} & Limits} [more] `placeholder`: a negative number that was not used before. It may stand for the
   *   new task's id at once in changes of the task (`updateTask`, `moveTask`, `addComment`, …), which then wait for the
   *   creation, and are refused as `not_found` where that is refused
   * @returns {Promise<Answers['task_create']>}
   */
  async createTask(projectId, fields, { placeholder, ...limits } = {}) {
    return this.#change('task_create', { ...fields, project_id: toId(projectId) }, { placeholder }, limits);
  }

  /**
   * @param {Id} taskId
   * @param {Record<string, any>} changes
   * @param {number} [version] that the user was looking at
   * @param {{follows?: boolean} & Limits} [more] `follows`: he was looking at what the own changes of these fields made that have no
   *   answer so far; this one waits for theirs, and is made on their version
   * @returns {Promise<Answers['task_update']>}
   */
  async updateTask(taskId, changes, version, { follows = false, ...limits } = {}) {
    return this.#change('task_update', { task_id: this.#toTaskId(taskId), changes, version }, { follows }, limits);
  }

  /**
   * @param {Id} taskId
   * @param {string} status
   * @param {number} [version] that the user was looking at
   * @param {Limits} [limits]
   * @returns {Promise<Answers['task_status_update']>}
   */
  async updateTaskStatus(taskId, status, version, limits) {
    return this.#change('task_status_update', { task_id: this.#toTaskId(taskId), status, version }, {}, limits);
  }

  /**
   * @param {Id} taskId
   * @param {{status?: string, beforeId?: Id, afterId?: Id, orAfterId?: Id | null, tellPrevious?: boolean}} [where] neither neighbour:
   *   to the column's end; `orAfterId`: where `beforeId` has left the column by then, after this one, null: at the top;
   *   `tellPrevious`: the answer shall say, as `previous`, from where the task came
   * @param {Limits} [limits]
   * @returns {Promise<Answers['task_move']>}
   */
  async moveTask(taskId, { status, beforeId, afterId, orAfterId, tellPrevious } = {}, limits) {
    const data = {
      task_id: this.#toTaskId(taskId),
      status,
      before_id: beforeId == null ? undefined : this.#toTaskId(beforeId),
      after_id: afterId == null ? undefined : this.#toTaskId(afterId),
      or_after_id: orAfterId == null ? orAfterId : toId(orAfterId),
      tell_previous: tellPrevious,
    };
    return this.#change('task_move', data, {}, limits);
  }

  /** @param {Id} taskId @param {Limits} [limits] @returns {Promise<Answers['task_delete']>} */
  async deleteTask(taskId, limits) {
    return this.#change('task_delete', { task_id: this.#toTaskId(taskId) }, {}, limits);
  }

  /** @param {Id} taskId @param {Limits} [limits] @returns {Promise<Answers['task_restore']>} */
  async restoreTask(taskId, limits) {
    return this.#change('task_restore', { task_id: this.#toTaskId(taskId) }, {}, limits);
  }

  /**
   * @param {Id} taskId
   * @param {string} content
   * @param {Limits} [limits]
   * @returns {Promise<Answers['new_comment']>}
   */
  async addComment(taskId, content, limits) {
    const task_id = this.#toTaskId(taskId);
    this.#hints.commented(task_id);
    return this.#change('new_comment', { task_id, content }, {}, limits);
  }

  /**
   * Over HTTP, since the socket has no event for it; in order with the other changes of the task all the same.
   *
   * @param {Id} taskId
   * @param {Id} commentId of the task
   * @param {string} content
   * @param {Limits & {previous?: string}} [options] `previous`: the comment's text before the edit; it is `conflict` where it
   *   says something else by now
   * @returns {Promise<{comment_id: number, task_id: number, comment?: import('./wire.d.ts').CommentObject}>}
   */
  async updateComment(taskId, commentId, content, { previous, ...limits } = {}) {
    const change = { task_id: this.#toTaskId(taskId), comment_id: toId(commentId), content };
    return this.#change('comment_update', previous === undefined ? change : { ...change, previous_content: previous }, {}, limits);
  }

  /**
   * Over HTTP, as `updateComment`.
   *
   * @param {Id} taskId
   * @param {Id} commentId of the task
   * @param {Limits} [limits]
   * @returns {Promise<{comment_id: number, task_id: number}>}
   */
  async deleteComment(taskId, commentId, limits) {
    return this.#change('comment_delete', { task_id: this.#toTaskId(taskId), comment_id: toId(commentId) }, {}, limits);
  }

  /**
   * `busy` and `idle` stay until another choice. With `online`, the default, the client itself reports `idle` after five
   * minutes without input or a few seconds out of sight, and `online` again.
   *
   * @param {import('./presence.js').Status} status
   */
  async setPresence(status) {
    this.#requireOpen();
    this.#presence.choose(status);
    return this.#hints.presence();
  }

  /**
   * Notifications up to this one were read; all tabs and devices of the user receive that. The mark never goes back.
   *
   * @param {number} upTo the `seq` of one
   * @param {Limits} [limits]
   * @returns {Promise<Answers['notifications_read']>}
   */
  async notificationsRead(upTo, limits) {
    const answer = await this.#change('notifications_read', { up_to: Number(upTo) }, {}, limits);
    this.#userRoom.read(Number(upTo));
    return answer;
  }

  /**
   * A page of the user's notifications, newest first, each with `read`. New ones come as `notification`.
   *
   * @param {{unread?: boolean, page?: number, pageSize?: number} & Limits} [which]
   */
  async notifications({ signal, timeout, ...which } = {}) {
    this.#requireOpen();
    const page = await limited(this.#clock, { signal, timeout }, this.#inbox.page(which));
    this.#userRoom.stood(page);
    return page;
  }

  /**
   * A reminder comes again after so many minutes, once, if it still fits then.
   *
   * @param {number} seq of the reminder
   * @param {number} minutes
   */
  async snoozeReminder(seq, minutes) {
    this.#requireOpen();
    return this.#inbox.snooze(toId(seq), minutes, makeKey());
  }

  /**
   * For staff: from now on `ops_figures` reports how the server does, until `ops_ended` or the end of this link: ask
   * again whenever the state has become `live`.
   *
   * @returns {Promise<Answers['ops_watch']>}
   */
  async watchOps(watching = true) {
    this.#requireOpen();
    return new Promise((resolve, reject) => {
      this.#request('ops_watch', { watching }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  /**
   * A hint of the moment: where it cannot be sent at once it is not sent at all. May be called with every key.
   *
   * @param {Id} taskId
   * @param {boolean} isTyping
   * @param {'title' | 'description'} [field] of the task; none: a comment
   */
  async typing(taskId, isTyping, field) {
    this.#requireOpen();
    return this.#hints.typing(toId(taskId), isTyping, field);
  }

  /**
   * Which task's panel is open; sent again after every reconnect.
   *
   * @param {Id | null} taskId null: none any more
   */
  async viewing(taskId) {
    this.#requireOpen();
    return this.#hints.viewing(taskId === null ? null : toId(taskId));
  }

  /**
   * The users in a joined project.
   *
   * @param {Id} projectId
   * @returns {Map<number, string>} user → `online`, `idle` or `busy`; the offline are not in it
   */
  presenceOf(projectId) {
    return this.#people.present(toId(projectId));
  }

  /**
   * @param {Id} taskId of a joined project
   * @returns {number[]} ids of the users that have its panel open
   */
  viewersOf(taskId) {
    return this.#people.viewers(toId(taskId));
  }

  /**
   * @param {Id} taskId of a joined project
   * @param {'title' | 'description'} [field] of the task; none: a comment
   * @returns {import('./people.js').User[]} the users that type there; never the user of this client
   */
  typingOn(taskId, field) {
    return this.#people.typing(toId(taskId), field);
  }

  /** @returns {import('./outbox.js').Waiting[]} the changes that have no answer so far, the oldest first; `waiting` is emitted when it changes */
  get waiting() {
    return this.#outbox.entries().map(({ id, event, data, placeholder, note, at, firstSentAt }) => ({ id, event, data, placeholder, note, at, firstSentAt }));
  }

  /**
   * Calls a change off, with those of a task that it would have created: their promises reject with `cancelled`. One that was sent
   * (`firstSentAt`) may be carried out all the same.
   *
   * @param {number} id of one of `waiting`
   */
  discard(id) {
    this.#outbox.settle(id, new TaskManagerError('cancelled', 'The change was discarded.'));
    this.#sendDue();
  }

  /** For good: outstanding calls are rejected. */
  close() {
    if (this.#state === 'closed') return;
    this.#connection.stop();
    this.#polling.stop();
    this.#courier.stop();
    this.#sender.lost();
    this.#lookAgain.clear();
    this.#inbox.close();
    this.#renewal.stop();
    this.#presence.stop();
    this.#stopWatchingPage();
    const closed = closedError();
    for (const { settle } of this.#questions) settle(closed);
    this.#requests.lost();
    this.#projects.close(closed);
    this.#rooms.close(closed);
    this.#outbox.abandon(closed);
    this.#shelf?.close();
    this.#setState('closed');
  }

  /**
   * @param {string} event
   * @param {any} data
   * @param {{follows?: boolean, placeholder?: number}} [more]
   * @param {Limits} [limits]
   * @returns {Promise<any>}
   */
  #change(event, data, { follows, placeholder } = {}, limits = {}) {
    this.#requireOpen();
    const [id, key] = [this.#nextId(), makeKey()];
    encode({ event, data, id, key }); // Refuses here what no connection could carry.
    const kept = { event, data, key, follows, placeholder, note: this.#note(event, data), at: this.#clock.now(), firstSentAt: null };
    const answer = new Promise((resolve, reject) => {
      this.#outbox.add({ ...kept, id, resolve, reject });
      if (!limits.signal?.aborted) this.#sendDue();
    });
    return limited(this.#clock, limits, answer, () => {
      this.#outbox.settle(id, new TaskManagerError('cancelled', 'The call has ended.'));
      this.#sendDue();
    });
  }

  /**
   * @param {string} event
   * @param {any} data
   * @param {Limits} limits
   * @returns {Promise<any>}
   */
  #ask(event, data, limits) {
    encode({ event, data, id: 0 }); // Refuses here what no connection could carry.
    /** @type {Question} */
    let question;
    const answer = new Promise((resolve, reject) => {
      question = {
        event,
        data,
        settle: (error, answer) => {
          this.#questions.delete(question);
          if (error) reject(error);
          else resolve(answer);
        },
      };
      this.#questions.add(question);
      if (this.#connection.ready && !limits.signal?.aborted) this.#putQuestion(question);
    });
    return limited(this.#clock, limits, answer, () => this.#questions.delete(question));
  }

  /** @param {Question} question */
  #putQuestion(question) {
    this.#request(question.event, question.data, (error, answer) => {
      const isLost = error?.code === 'connection_lost' && this.#state !== 'closed';
      if (!isLost && this.#questions.has(question)) question.settle(error, answer);
    });
  }

  #sendDue() {
    this.#sender.kick();
    this.#courier.kick();
  }

  /** What an earlier page left goes before all that is asked for on this one. @param {import('./shelf.js').Shelf} shelf */
  #lookAtShelf(shelf) {
    this.#outbox.waits = true;
    this.#lookAgain.set(SHELF_PATIENCE, () => {
      this.#outbox.waits = false;
      this.#sendDue();
    });
    this.#adopt(shelf, LOOK_AGAIN.first);
  }

  /**
   * Takes over what tabs left that are gone.
   *
   * @param {import('./shelf.js').Shelf} shelf
   * @param {number} delay until the next look, milliseconds
   */
  async #adopt(shelf, delay) {
    const kept = await shelf.adopt().catch(() => []);
    if (this.#state === 'closed') return;
    const changes = kept.map((change) => this.#revive(change));
    this.#outbox.adopt(changes.map(({ entry }) => entry));
    this.#outbox.waits = false;
    if (changes.length) this.#emitter.emit('recovered', changes.map(({ change }) => change));
    this.#giveUpOld();
    this.#sendDue();
    this.#lookAgain.set(delay, () => this.#adopt(shelf, Math.min(delay * 2, LOOK_AGAIN.cap)));
  }

  /** @param {import('./outbox.js').Kept} kept */
  #revive(kept) {
    const { event, data, placeholder, note, at, firstSentAt } = kept;
    const entry = /** @type {import('./outbox.js').Entry} */ ({ ...kept, id: this.#nextId() });
    const answer = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
    answer.catch(() => {}); // for a caller that wants to know
    return { entry, change: { event, data, placeholder, note, at, firstSentAt, answer } };
  }

  /** @param {import('./outbox.js').Entry} entry */
  #sendChange(entry) {
    this.#send({ event: entry.event, data: entry.data, id: entry.id, key: entry.key });
  }

  /**
   * @param {string} event
   * @param {any} data
   * @param {import('./requests.js').Done} [done]
   */
  #request(event, data, done = () => {}) {
    const id = this.#nextId();
    this.#requests.add(id, done);
    this.#send({ event, data, id });
  }

  /** @param {import('./envelope.js').Message} message */
  #send(message) {
    this.#log('→', message);
    this.#connection.send(encode(message));
  }

  #nextId() {
    return (this.#lastId += 1);
  }

  /**
   * There is a link: goes on with everything at once. The server works through it in this order.
   *
   * @param {Frame} frame
   */
  #opened(frame) {
    this.#polling.stop();
    this.#courier.stop();
    this.#renewal.start(frame.data);
    this.#userRoom.opened(frame);
    this.#hints.opened();
    this.#projects.opened();
    this.#rooms.subscriptions.opened();
    this.#giveUpOld();
    for (const question of this.#questions) this.#putQuestion(question);
    this.#sender.opened();
    this.#courier.start({ isAlone: false });
  }

  /** What the server may have done, and may not know again by its key, is not sent again. */
  #giveUpOld() {
    this.#outbox.expire(this.#clock.now(), this.#retention);
  }

  #lost() {
    this.#sender.lost();
    this.#courier.stop();
    this.#renewal.stop();
    this.#projects.lost();
    this.#rooms.subscriptions.lost();
    this.#people.lost();
    this.#requests.lost();
  }

  /** @param {Error} error */
  #fatal(error) {
    this.#emitter.emit('error', error);
    this.close();
  }

  /** @param {Frame} frame */
  #received(frame) {
    const { event, data, id, room, seq } = frame;
    if (id !== undefined) this.#answered(frame);
    else if (room !== undefined && seq !== undefined) this.#receivedLogged(frame);
    else if (event === 'removed_from_project') this.#removedFromProject(frame);
    else if (event === 'removed_from_room') this.#rooms.subscriptions.removed(data.room, frame);
    else if (event === 'error') this.#receivedError(frame);
    else if (event === 'notifications_read') this.#receivedRead(frame);
    else if (!this.#people.receive(frame)) this.#emitter.emit(event, data, frame);
    if (this.#state !== 'live') this.#changed();
  }

  /** @param {Frame} frame */
  #answered({ event, id, data }) {
    const error = event === 'error' ? errorFrom(data) : null;
    if (this.#requests.settle(id, error, data)) return;
    // The connection ends with it; the change goes again over the next, with another token.
    if (error && TOKEN_ERRORS.includes(error.code)) return;
    this.#sender.answered(id, error, data);
    this.#courier.kick();
  }

  /** @param {Frame} frame that answers nothing */
  #receivedError(frame) {
    const error = errorFrom(frame.data);
    // Another token mends it, and where there is none the end of the connection shows it.
    if (!TOKEN_ERRORS.includes(error.code)) this.#emitter.emit('error', error, frame);
  }

  /** @param {Frame} frame */
  #receivedRead(frame) {
    this.#userRoom.read(frame.data.up_to);
    this.#emitter.emit(frame.event, frame.data, frame);
  }

  /** @param {Frame} frame */
  #receivedLogged(frame) {
    if (frame.room === this.#userRoom.name) this.#userRoom.receive(frame);
    this.#projects.receive(frame);
    this.#rooms.subscriptions.receive(frame);
  }

  /** @param {Frame} frame */
  #removedFromProject(frame) {
    const room = `project.${frame.data.project_id}`;
    this.#projects.removed(room, frame);
    this.#rooms.subscriptions.removed(room); // The same room may be followed by its name, too.
  }

  /** @param {string} room of a project @returns {(() => Promise<Position>) | null} */
  #snapshotOf(room) {
    const snapshot = this.#snapshot;
    return snapshot && (() => snapshot(projectOf(room)));
  }

  /** @param {Frame} frame of a project's room */
  #deliver(frame) {
    this.#emitter.emit('event', frame.data, frame);
    this.#emitter.emit(frame.event, frame.data, frame);
  }

  /** Something happened that may change the state. */
  #changed() {
    if (this.#state === 'closed') return;
    const { ready, blocked, refused, started } = this.#connection;
    if (!started && this.#polling.started) {
      this.#polling.stop();
      this.#courier.stop();
    }
    if (started && !ready && (refused || blocked >= BLOCKED_AFTER) && !this.#polling.started) {
      this.#courier.start({ isAlone: true });
      this.#polling.start();
    }
    this.#polling.update();
    this.#setState(this.#currentState());
  }

  /** @returns {State} */
  #currentState() {
    if (!this.#connection.started) return 'offline';
    if (this.#connection.ready) return this.#projects.caughtUp && this.#rooms.caughtUp && this.#userRoom.caughtUp ? 'live' : 'catching-up';
    if (this.#polling.works) return 'polling';
    return this.#connection.failures > 0 ? 'offline' : 'connecting';
  }

  /** @param {State} state */
  #setState(state) {
    const before = this.#status;
    const { problem, retryAt } = this.#connection;
    this.#status = { state, reason: problem?.reason ?? null, code: problem?.code ?? null, retryAt };
    const isNew = state !== this.#state;
    this.#state = state;
    if (isNew) {
      this.#log(state);
      this.#emitter.emit('state', state, this.#status);
    }
    const isSame = !isNew && before.reason === this.#status.reason && before.code === this.#status.code && before.retryAt === retryAt;
    if (!isSame) this.#emitter.emit('status', this.#status);
  }

  #requireOpen() {
    if (this.#state === 'closed') throw closedError();
  }

  /** @param {Id} id @returns {number} of a task, or what stands for it so far */
  #toTaskId(id) {
    return this.#outbox.stands(Number(id)) ? Number(id) : toId(id);
  }
}

/** @typedef {number | string} Id a page reads ids from attributes, too */

/**
 * @param {Id} id
 * @returns {number}
 */
function toId(id) {
  const number = Number(id);
  if (!Number.isSafeInteger(number) || number <= 0) throw new TypeError(`Not an id: ${id}`);
  return number;
}

function closedError() {
  return new TaskManagerError('closed', 'The connection was closed.');
}

/** @returns {string} a key that no other client makes */
function makeKey() {
  const bytes = new Uint8Array(16);
  // React Native has no `crypto`. A key need not be secret: the server looks for it among those of the same user only.
  const crypto = /** @type {Partial<Crypto> | undefined} */ (globalThis.crypto);
  if (crypto?.getRandomValues) crypto.getRandomValues(bytes);
  else bytes.forEach((_, index) => (bytes[index] = Math.random() * 256));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
