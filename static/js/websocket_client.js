// Generated from static/js/client/ by "make js-build": change the modules there, not this file.
"use strict";
(() => {
  // static/js/client/clock.js
  var LONGEST_DELAY = 2 ** 31 - 1;
  function makeClock(options) {
    const start = options.setTimeout ?? ((callback, delay) => setTimeout(callback, delay));
    return {
      now: options.now ?? (() => Date.now()),
      setTimeout: (callback, delay) => start(callback, Math.min(Math.max(delay, 0), LONGEST_DELAY)),
      clearTimeout: options.clearTimeout ?? ((timer) => clearTimeout(timer))
    };
  }
  var Alarm = class {
    /** @type {any} */
    #timer = null;
    #clock;
    /** @param {Clock} clock */
    constructor(clock) {
      this.#clock = clock;
    }
    get pending() {
      return this.#timer !== null;
    }
    /**
     * @param {number} delay milliseconds
     * @param {() => void} callback
     */
    set(delay, callback) {
      this.clear();
      this.#timer = this.#clock.setTimeout(() => {
        this.#timer = null;
        callback();
      }, delay);
    }
    clear() {
      if (this.#timer !== null) this.#clock.clearTimeout(this.#timer);
      this.#timer = null;
    }
  };
  function pause(clock, delay, signal) {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer = clock.setTimeout(done, delay);
      signal?.addEventListener("abort", done, { once: true });
      function done() {
        clock.clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      }
    });
  }

  // static/js/client/backoff.js
  var BASE = 500;
  var CAP = 2e4;
  function backoff(attempt, random, { base = BASE, cap = CAP } = {}) {
    return random() * Math.min(cap, base * 2 ** attempt);
  }

  // static/js/client/closing.js
  var RETURNS = {
    4400: "later",
    // twenty bad messages: sending them again would earn the same
    4401: "token",
    4403: "never",
    // deactivated, or signed out everywhere
    4409: "later",
    // too many connections
    4429: "later"
    // flooding
  };
  var LATER = { least: 15e3, most: 6e4 };
  function returnAfter(code) {
    return RETURNS[code] ?? "soon";
  }

  // static/js/client/envelope.js
  var MAX_FRAME_BYTES = 256 * 1024;
  var TaskManagerError = class extends Error {
    /**
     * @param {string} code
     * @param {string} message
     * @param {{details?: any, retryAfter?: number, status?: number}} [more] `retryAfter` in seconds, `status` of HTTP
     */
    constructor(code, message, { details, retryAfter, status } = {}) {
      super(message);
      this.name = "TaskManagerError";
      this.code = code;
      this.details = details;
      this.retryAfter = retryAfter;
      this.status = status;
    }
  };
  function encode(message) {
    const text = JSON.stringify(message);
    if (text.length * 3 > MAX_FRAME_BYTES && bytesOf(text) > MAX_FRAME_BYTES) {
      throw new TaskManagerError("too_large", "This is more than one message can carry (256 KiB).");
    }
    return text;
  }
  function bytesOf(text) {
    return encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, ".").length;
  }
  function decode(text) {
    if (typeof text !== "string") return null;
    try {
      const frame = JSON.parse(text);
      return typeof frame?.event === "string" ? { ...frame, data: frame.data ?? {} } : null;
    } catch {
      return null;
    }
  }
  function errorFrom(data, status) {
    return new TaskManagerError(data?.code ?? "internal", data?.message ?? "The server refused without a reason.", {
      details: data?.details,
      retryAfter: data?.retry_after,
      status
    });
  }

  // static/js/client/heartbeat.js
  var PATIENCE = 1e4;
  var Heartbeat = class {
    #alarm;
    #clock;
    #interval = 0;
    #receivedAt = 0;
    #asking = false;
    #ping;
    #dead;
    /**
     * @param {{clock: import('./client/clock.js').Clock, ping: () => void, dead: () => void}} options
     */
    constructor({ clock, ping, dead }) {
      this.#clock = clock;
      this.#alarm = new Alarm(clock);
      this.#ping = ping;
      this.#dead = dead;
    }
    /** @param {number} interval milliseconds */
    start(interval) {
      this.#interval = interval;
      this.received();
      this.#watch(interval);
    }
    stop() {
      this.#alarm.clear();
    }
    /** A frame came in. */
    received() {
      this.#receivedAt = this.#clock.now();
      this.#asking = false;
    }
    /** Asks now: the machine may have slept, or the network changed. */
    check() {
      this.#asking = true;
      this.#ping();
      this.#alarm.set(PATIENCE, () => {
        if (this.#asking) this.#dead();
        else this.#watch(this.#quietFor());
      });
    }
    #quietFor() {
      return this.#interval - (this.#clock.now() - this.#receivedAt);
    }
    /** @param {number} delay milliseconds */
    #watch(delay) {
      this.#alarm.set(delay, () => {
        const left = this.#quietFor();
        if (left > 0) this.#watch(left);
        else this.check();
      });
    }
  };

  // static/js/client/connection.js
  var ATTEMPT_TIMEOUT = 1e4;
  var GOOD_AFTER = 5e3;
  var STALE_ATTEMPT = 2e3;
  var SUBPROTOCOL = "taskrealtime.v1";
  var PING_INTERVAL = 25;
  var OPEN = 1;
  var LOST_WITHOUT_WORD = 1006;
  var REFUSED_PAUSE = 6e4;
  var DISCONNECTED = { reason: "The client is disconnected: connect() connects it.", code: "disconnected" };
  var Connection = class {
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
    #phase = "idle";
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
     * @param {import('./client/tokens.js').Tokens} options.tokens
     * @param {any} options.WebSocket
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {() => number} options.random
     * @param {import('./client/log.js').Log} options.log
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
      this.#heartbeat = new Heartbeat({ clock, ping, dead: () => this.restart("the ping was not answered") });
    }
    /** Whether it is connected, or tries to be. */
    get started() {
      return this.#phase !== "idle" && this.#phase !== "stopped";
    }
    start() {
      if (this.#phase !== "idle") return;
      this.problem = null;
      this.#begin();
    }
    /** Closes the socket, until `start`. */
    pause() {
      if (!this.started) return;
      const wasReady = this.ready;
      this.#drop();
      this.#phase = "idle";
      this.ready = false;
      this.#growth = 0;
      this.problem = DISCONNECTED;
      if (wasReady) this.#events.lost();
      this.#events.changed();
    }
    /** For good. */
    stop() {
      this.#drop();
      this.#phase = "stopped";
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
      if (this.#phase === "ready") this.#heartbeat.check();
      else if (this.#phase === "waiting") this.#beginIfWelcome();
      else if (this.#phase === "attempting" && this.#clock.now() - this.#startedAt > STALE_ATTEMPT) this.#begin();
    }
    /** The network seems to be gone. */
    doubt() {
      if (this.#phase === "ready") this.#heartbeat.check();
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
      this.#phase = "attempting";
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
      if (this.#socket === null) this.#tokens.forget();
      this.#drop();
      this.#lost(LOST_WITHOUT_WORD, "The attempt took too long.");
    }
    /** @param {any} error */
    #noToken(error) {
      if (error?.code === "unauthenticated") return this.#end(error);
      this.#receivedAnything = true;
      this.#drop();
      this.#lost("no_token", `There is no token: ${error}`);
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
      socket.onmessage = ({ data }) => this.#receive(data);
      socket.onerror = () => {
      };
      socket.onclose = ({ code, reason }) => {
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
      const refusal = new TaskManagerError("socket_refused", `No WebSocket can be opened here: ${error?.message ?? error}`);
      const isFirst = !this.refused;
      this.refused = true;
      this.#stayAway(REFUSED_PAUSE);
      if (isFirst) this.#events.refused(refusal);
      if (this.#phase !== "attempting") return;
      this.#drop();
      this.#lost(refusal.code, refusal.message);
    }
    /** @param {unknown} text */
    #receive(text) {
      const frame = decode(text);
      if (!frame) return this.#log("not a frame of the protocol", text);
      this.#log("←", frame);
      this.#heartbeat.received();
      this.#receivedAnything = true;
      this.blocked = 0;
      if (frame.event === "going_away") this.#stayAway(frame.data.reconnect_in_ms);
      if (frame.event === "error" && frame.id === void 0) this.#reason = errorFrom(frame.data);
      if (frame.event === "connected" && !this.ready) this.#connected(frame);
      else this.#events.frame(frame);
    }
    /** @param {import('./client/envelope.js').Frame} frame */
    #connected(frame) {
      this.#alarm.clear();
      this.#phase = "ready";
      this.#readyAt = this.#clock.now();
      this.#reason = null;
      this.problem = null;
      this.refused = false;
      this.ready = true;
      this.failures = 0;
      this.#heartbeat.start((frame.data.ping_interval || PING_INTERVAL) * 1e3);
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
      this.#log(`closed with ${code}: ${why ?? ""}`);
      const returning = returnAfter(code);
      this.problem = { reason: this.#reason?.message || why || "The connection broke, or could not be opened.", code };
      if (returning === "token") this.#tokens.forget();
      if (returning === "never" || returning === "token" && !this.#tokens.renewable) {
        return this.#end(this.#reason ?? new TaskManagerError("unauthenticated", `The server closed with ${code}.`));
      }
      this.#count();
      if (returning === "later") {
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
      if (this.#phase === "stopped") return;
      this.#phase = "waiting";
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
  };

  // static/js/client/rest_commands.js
  var HTTP_ONLY = /* @__PURE__ */ new Set(["comment_update", "comment_delete"]);
  var REST_COMMANDS = {
    task_create: {
      request: (data) => ({ method: "POST", path: "tasks/", body: data }),
      answer: aboutWholeTask
    },
    task_update: {
      request: ({ task_id, changes, version }) => ({
        method: "PATCH",
        path: `tasks/${task_id}/`,
        body: { ...changes, version }
      }),
      answer: aboutTask("version", "added_labels", "removed_labels")
    },
    task_status_update: {
      request: ({ task_id, ...body }) => ({ method: "POST", path: `tasks/${task_id}/status/`, body }),
      answer: aboutTask("status", "version")
    },
    task_move: {
      request: ({ task_id, ...body }) => ({ method: "POST", path: `tasks/${task_id}/move/`, body }),
      answer: aboutTask("status", "position", "version", "previous")
    },
    task_delete: {
      request: ({ task_id }) => ({ method: "DELETE", path: `tasks/${task_id}/` }),
      answer: (_, { task_id }) => ({ task_id })
    },
    task_restore: {
      request: ({ task_id }) => ({ method: "POST", path: `tasks/${task_id}/restore/`, body: {} }),
      answer: aboutWholeTask
    },
    new_comment: {
      request: ({ task_id, ...body }) => ({ method: "POST", path: `tasks/${task_id}/comments/`, body }),
      answer: ({ id, comment_id = id, task_id, project_id, duplicate }) => defined({ comment_id, task_id, project_id, duplicate })
    },
    comment_update: {
      request: ({ comment_id, content, previous_content }) => ({
        method: "PATCH",
        path: `comments/${comment_id}/`,
        body: defined({ content, previous_content })
      }),
      answer: ({ duplicate, comment_id, ...comment }, data) => defined({ comment_id: data.comment_id, task_id: data.task_id, comment: comment.id && comment, duplicate })
    },
    comment_delete: {
      request: ({ comment_id }) => ({ method: "DELETE", path: `comments/${comment_id}/` }),
      answer: (_, { comment_id, task_id }) => ({ comment_id, task_id })
    },
    notifications_read: {
      request: (data) => ({ method: "POST", path: "notifications/read/", body: data }),
      answer: (body) => body
    }
  };
  function aboutWholeTask({ duplicate, description_html, task, ...fields }) {
    return defined({ task: task ?? fields, duplicate });
  }
  function aboutTask(...fields) {
    return (body) => defined({
      task_id: body.id ?? body.task_id,
      project_id: body.project_id,
      ...Object.fromEntries(fields.map((field) => [field, body[field]])),
      duplicate: body.duplicate
    });
  }
  function defined(fields) {
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== void 0));
  }

  // static/js/client/courier.js
  var PATIENCE2 = 2e4;
  var RETRY = { cap: 1e4 };
  var Courier = class {
    #rest;
    #outbox;
    #clock;
    #random;
    #fatal;
    #carried;
    #isAlone = false;
    /** @type {AbortController | null} null: not carrying */
    #round = null;
    #running = false;
    /**
     * @param {object} options
     * @param {import('./client/rest.js').Rest} options.rest
     * @param {import('./client/outbox.js').Outbox} options.outbox
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {() => number} options.random
     * @param {(error: Error) => void} options.fatal
     * @param {() => void} options.carried one was answered: others may have waited for it
     */
    constructor({ rest, outbox, clock, random, fatal, carried }) {
      this.#rest = rest;
      this.#outbox = outbox;
      this.#clock = clock;
      this.#random = random;
      this.#fatal = fatal;
      this.#carried = carried;
    }
    /** @param {{isAlone: boolean}} way `isAlone`: there is no socket beside it */
    start({ isAlone }) {
      this.#isAlone = isAlone;
      this.#round ??= new AbortController();
      this.kick();
    }
    stop() {
      this.#round?.abort();
      this.#round = null;
      this.#running = false;
    }
    /** There may be something to carry. */
    kick() {
      if (!this.#round || this.#running) return;
      this.#running = true;
      this.#carry(this.#round.signal);
    }
    /** @param {AbortSignal} signal */
    async #carry(signal) {
      let failures = 0;
      for (let entry; !signal.aborted && (entry = this.#next()); ) {
        if (await this.#deliver(entry, signal)) failures = 0;
        else await pause(this.#clock, backoff(failures++, this.#random, RETRY), signal);
      }
      if (!signal.aborted) this.#running = false;
    }
    /** @returns {import('./client/outbox.js').Entry | undefined} the oldest of mine that waits for none of its task */
    #next() {
      const due = this.#outbox.due();
      if (this.#isAlone) return due[0];
      const held = /* @__PURE__ */ new Set();
      return due.find(({ event, data }) => {
        if (HTTP_ONLY.has(event) && !held.has(data.task_id)) return true;
        held.add(data.task_id);
        return false;
      });
    }
    /**
     * @param {import('./client/outbox.js').Entry} entry
     * @param {AbortSignal} signal
     * @returns {Promise<boolean>} false: try again
     */
    async #deliver(entry, signal) {
      const twin = REST_COMMANDS[entry.event];
      if (!twin) {
        this.#outbox.settle(entry.id, new TaskManagerError("unknown_event", "This needs a socket."));
        return true;
      }
      try {
        this.#outbox.leaves(entry, this.#clock.now());
        const request = { ...twin.request(entry.data), key: entry.key };
        const body = await this.#rest.call(request, { signal, patience: PATIENCE2 });
        this.#outbox.settle(entry.id, null, twin.answer(body, entry.data));
        this.#carried();
        return true;
      } catch (error) {
        if (signal.aborted || error.code === "connection_lost") return false;
        if (error.code === "rate_limited") await pause(this.#clock, (error.retryAfter ?? 1) * 1e3, signal);
        else if (error.code === "unauthenticated") this.#fatal(error);
        else {
          this.#outbox.settle(entry.id, error);
          this.#carried();
        }
        return true;
      }
    }
  };

  // static/js/client/emitter.js
  var Emitter = class {
    /** @type {Map<string, Map<Handler, {once: boolean}>>} */
    #handlers = /* @__PURE__ */ new Map();
    /**
     * @param {string} event
     * @param {Handler} handler
     * @param {{once: boolean}} [how]
     * @returns {() => void} takes the handler away again
     */
    on(event, handler, how = { once: false }) {
      if (typeof handler !== "function") throw new TypeError("A handler must be a function.");
      const handlers = this.#handlers.get(event) ?? /* @__PURE__ */ new Map();
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
      for (const [handler, { once }] of [...this.#handlers.get(event) ?? []]) {
        if (once) this.off(event, handler);
        try {
          handler(data, frame);
        } catch (error) {
          console.error(`A handler of "${event}" failed:`, error);
        }
      }
    }
  };

  // static/js/client/hints.js
  var TYPING_RENEWAL = 2500;
  var Hints = class {
    /** @type {number | null} the task whose panel is open */
    #viewing = null;
    /** @type {Map<string, number>} task and field → when it was last sent that the user types there */
    #typing = /* @__PURE__ */ new Map();
    /** @type {Status | null} as the present link has it; null: uncertain */
    #sent = "online";
    #link;
    #clock;
    #status;
    /**
     * @param {object} options
     * @param {Link} options.link
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {() => Status} options.status
     */
    constructor({ link, clock, status }) {
      this.#link = link;
      this.#clock = clock;
      this.#status = status;
    }
    /** There is a new link, which knows nothing: before the joins, so that no client sees the user come as another. */
    opened() {
      this.#sent = "online";
      this.#typing.clear();
      this.presence().catch(() => {
      });
      if (this.#viewing !== null) this.#send("task_viewing", { task_id: this.#viewing }).catch(() => {
      });
    }
    /** @returns {Promise<{status: Status}>} at once where there is no link: it is sent with the next one */
    async presence() {
      const status = this.#status();
      if (!this.#link.ready || status === this.#sent) return { status };
      this.#sent = status;
      await this.#send("presence_update", { status }).catch((error) => {
        this.#sent = null;
        throw error;
      });
      return { status };
    }
    /**
     * May be called with every key: it is sent once in a while.
     *
     * @param {number} taskId
     * @param {boolean} isTyping
     * @param {string} [field] none: a comment
     */
    async typing(taskId, isTyping, field) {
      const key = `${taskId} ${field ?? ""}`;
      const sentAt = this.#typing.get(key);
      if (!this.#link.ready) return {};
      if (isTyping ? this.#clock.now() - (sentAt ?? -Infinity) < TYPING_RENEWAL : sentAt === void 0) return {};
      if (isTyping) this.#typing.set(key, this.#clock.now());
      else this.#typing.delete(key);
      return this.#send("user_typing", { task_id: taskId, is_typing: isTyping, field });
    }
    /** @param {number} taskId a comment is sent there, with which the server ends the typing */
    commented(taskId) {
      this.#typing.delete(`${taskId} `);
    }
    /** @param {number | null} taskId */
    async viewing(taskId) {
      if (taskId === this.#viewing) return {};
      this.#viewing = taskId;
      return this.#link.ready ? this.#send("task_viewing", { task_id: taskId }) : {};
    }
    /**
     * @param {string} event
     * @param {any} data
     * @returns {Promise<any>}
     */
    #send(event, data) {
      return new Promise((resolve, reject) => {
        this.#link.request(event, data, (error, answer) => {
          if (error && error.code !== "connection_lost") reject(error);
          else resolve(answer ?? {});
        });
      });
    }
  };

  // static/js/client/urls.js
  var ABSOLUTE = /^(ws|http)(s?):\/\//i;
  function socketUrl(url = "/ws/", page = globalThis.location?.href) {
    const address = ABSOLUTE.test(url) ? url : new URL(url, page).href;
    if (!ABSOLUTE.test(address)) throw new TypeError(`Not the URL of a socket: ${address}`);
    return address.replace(ABSOLUTE, (_, __, secure) => `ws${secure.toLowerCase()}://`).replace(/#.*$/s, "");
  }
  function apiUrl(socketUrl2) {
    const [, , secure, host] = (
      /** @type {RegExpMatchArray} */
      socketUrl2.match(/^(ws)(s?):\/\/([^/?]*)/)
    );
    return `http${secure}://${host}/api/`;
  }
  function toQuery(fields) {
    const pairs = Object.entries(fields).filter(([, value]) => value !== void 0);
    return pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&");
  }

  // static/js/client/inbox.js
  var PATIENCE3 = 2e4;
  var Inbox = class {
    #rest;
    #closed = new AbortController();
    /** @param {import('./client/rest.js').Rest} rest */
    constructor(rest) {
      this.#rest = rest;
    }
    /**
     * @param {{unread?: boolean, page?: number, pageSize?: number}} which
     * @returns {Promise<import('./client/wire.d.ts').NotificationPage>}
     */
    async page({ unread = false, page = 1, pageSize = 50 }) {
      const query = toQuery({ page, page_size: pageSize, unread: unread ? 1 : void 0 });
      return this.#call({ method: "GET", path: `notifications/?${query}` });
    }
    /**
     * @param {number} seq of a reminder
     * @param {number} minutes
     * @param {string} key
     * @returns {Promise<import('./client/wire.d.ts').Snoozed>}
     */
    async snooze(seq, minutes, key) {
      return this.#call({ method: "POST", path: `notifications/${seq}/snooze/`, body: { minutes }, key });
    }
    /** Callers that still wait for an answer are refused it. */
    close() {
      this.#closed.abort();
    }
    /** @param {import('./client/rest.js').Request} request */
    #call(request) {
      return this.#rest.call(request, { signal: this.#closed.signal, patience: PATIENCE3 });
    }
  };

  // static/js/client/limits.js
  function watchLimits(clock, { signal, timeout }, end) {
    const timer = timeout === void 0 ? null : clock.setTimeout(expire, timeout);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
    return remove;
    function abort() {
      remove();
      end(new TaskManagerError("cancelled", `The call was cancelled: ${signal?.reason ?? "its signal aborted"}.`));
    }
    function expire() {
      remove();
      end(new TaskManagerError("timed_out", `There was no answer within ${timeout} ms.`));
    }
    function remove() {
      if (timer !== null) clock.clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
  function limited(clock, limits, call, cancel = () => {
  }) {
    if (!limits.signal && limits.timeout === void 0) return call;
    return new Promise((resolve, reject) => {
      const end = (error) => (reject(error), cancel());
      const remove = watchLimits(clock, limits, end);
      call.then(resolve, reject).finally(remove);
    });
  }

  // static/js/client/records.js
  var Records = class {
    /** @type {Map<string, Map<RecordId, LiveRecord>>} */
    #maps = /* @__PURE__ */ new Map();
    /** @type {number | null} the event that the records are at; null: no snapshot came so far */
    #seq = null;
    /** @type {Frame[] | null} what came since a snapshot was asked for; null: none is on its way */
    #pending = null;
    get isLoaded() {
      return this.#seq !== null;
    }
    /**
     * Return the records of a model: always the same map, whatever happens to its content.
     *
     * @param {string} model
     * @returns {Map<RecordId, LiveRecord>}
     */
    of(model) {
      const map = this.#maps.get(model) ?? /* @__PURE__ */ new Map();
      this.#maps.set(model, map);
      return map;
    }
    /** A snapshot is asked for: events that come meanwhile are applied to it, too. */
    expectSnapshot() {
      this.#pending = [];
    }
    /**
     * @param {RecordSnapshot} snapshot
     * @returns {Outcome}
     */
    replace({ seq, records }) {
      const models = /* @__PURE__ */ new Set([...this.#maps.keys(), ...Object.keys(records)]);
      const changes = [...models].map((model) => this.#replaceModel(model, records[model] ?? []));
      this.#seq = seq;
      const pending = this.#pending ?? [];
      this.#pending = null;
      const outcomes = pending.map((frame) => this.receive(frame));
      return {
        changes: [...changes, ...outcomes.flatMap((outcome) => outcome.changes)].filter(isChange),
        isStale: outcomes.some(({ isStale }) => isStale)
      };
    }
    /**
     * @param {Frame} frame a logged event of the room
     * @returns {Outcome}
     */
    receive(frame) {
      const seq = frame.seq ?? 0;
      this.#pending?.push(frame);
      if (this.#seq === null || seq <= this.#seq) return { changes: [], isStale: false };
      this.#seq = seq;
      const change = { model: frame.data.model, added: [], updated: [], removed: [] };
      const isStale = this.#apply(frame, change);
      return { changes: [change].filter(isChange), isStale: isStale && this.#pending === null };
    }
    /** @returns {Outcome} the user may not read the room any more */
    clear() {
      this.#pending = null;
      return this.replace({ seq: this.#seq ?? 0, epoch: "", records: {} });
    }
    /**
     * @param {Frame} frame
     * @param {Change} change filled with what happened
     * @returns {boolean} whether the event did not say everything
     */
    #apply({ event, data }, change) {
      if (!["record_created", "record_updated", "record_deleted"].includes(event)) return false;
      const map = this.of(data.model);
      const known = map.get(data.id);
      if (event === "record_deleted") {
        if (map.delete(data.id)) change.removed.push(data.id);
        return data.truncated === true;
      }
      if (data.truncated || data.redacted) return true;
      if (event === "record_created") {
        map.set(data.id, { ...data.record, id: data.id });
        (known ? change.updated : change.added).push(data.id);
      } else {
        if (!known) return true;
        map.set(data.id, { ...known, ...data.changes });
        change.updated.push(data.id);
      }
      return false;
    }
    /**
     * @param {string} model
     * @param {LiveRecord[]} records
     * @returns {Change}
     */
    #replaceModel(model, records) {
      const map = this.of(model);
      const before = new Map(map);
      map.clear();
      const change = { model, added: [], updated: [], removed: [] };
      for (const record of records) {
        const known = before.get(record.id);
        const isSame = known !== void 0 && isEqual(known, record);
        map.set(record.id, isSame ? known : record);
        if (known === void 0) change.added.push(record.id);
        else if (!isSame) change.updated.push(record.id);
      }
      change.removed = [...before.keys()].filter((id) => !map.has(id));
      return change;
    }
  };
  function isChange({ added, updated, removed }) {
    return added.length + updated.length + removed.length > 0;
  }
  function isEqual(one, other) {
    if (one === other) return true;
    if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
    if (Array.isArray(one) !== Array.isArray(other)) return false;
    const names = Object.keys(one);
    return names.length === Object.keys(other).length && names.every((name) => name in other && isEqual(one[name], other[name]));
  }

  // static/js/client/rooms.js
  var MAX_HELD = 5e3;
  var Room = class {
    /** @type {'waiting' | 'following' | 'resetting'} */
    mode = "waiting";
    /** Whether the present link was asked to feed this room. */
    attached = false;
    /** The log's end as of the last answer. */
    head = 0;
    /** @type {Frame[]} */
    #held = [];
    #overflown = false;
    /** @type {Position} where a reset's answer said that the live events begin */
    #liveFrom = { seq: 0, epoch: "" };
    /**
     * @param {string} name
     * @param {Position | null} position null: not known yet
     */
    constructor(name, position = null) {
      this.name = name;
      this.position = position && { seq: position.seq, epoch: position.epoch };
    }
    /** What a join says to go on from here. */
    get since() {
      return this.position ? { since: this.position.seq, epoch: this.position.epoch } : {};
    }
    get caughtUp() {
      return this.mode === "following" && this.position !== null && this.position.seq >= this.head;
    }
    /** The join is on its way over the present link. */
    attach() {
      this.attached = true;
      this.mode = "waiting";
      this.#held = [];
    }
    /** The link is gone. A snapshot under way is still good: the log is read from it later. */
    detach() {
      this.attached = false;
      this.#held = [];
      if (this.mode === "following") this.mode = "waiting";
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
        this.mode = "resetting";
        this.#liveFrom = { seq, epoch };
        this.#held = [];
        this.#overflown = false;
        return [];
      }
      this.mode = "following";
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
      if (this.mode === "resetting" || !this.position) return this.#hold(frame);
      const seq = (
        /** @type {number} */
        frame.seq
      );
      if (seq <= this.position.seq) return "drop";
      if (seq > this.position.seq + 1) {
        return this.mode === "waiting" ? "drop" : "gap";
      }
      this.position.seq = seq;
      return "deliver";
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
        this.mode = "waiting";
        this.#held = [];
        return { frames: [], rejoin: true };
      }
      this.mode = "following";
      return { frames: this.#release(), rejoin: false };
    }
    /**
     * @param {Frame} frame
     * @returns {Verdict}
     */
    #hold(frame) {
      if (!this.attached) return "drop";
      if (this.#held.length >= MAX_HELD) this.#overflown = true;
      else this.#held.push(frame);
      return "hold";
    }
    /** @returns {Frame[]} */
    #release() {
      const held = this.#held;
      this.#held = [];
      return held.filter((frame) => this.receive(frame) === "deliver");
    }
  };

  // static/js/client/subscriptions.js
  var RETRY2 = { cap: 5e3 };
  var projectOf = (room) => Number(room.slice("project.".length));
  var PROJECTS = {
    join: "join_project",
    leave: "leave_project",
    removed: "removed_from_project",
    missing: "No such project.",
    about: (room) => ({ project_id: projectOf(room) }),
    path: (room) => `projects/${projectOf(room)}/events/`
  };
  var ROOMS = {
    join: "join_room",
    leave: "leave_room",
    removed: "removed_from_room",
    missing: "No such room.",
    about: (room) => ({ room }),
    path: (room) => `rooms/${encodeURIComponent(room)}/events/`
  };
  var Subscription = class {
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
     * @param {import('./client/clock.js').Clock} clock
     */
    constructor(name, path, position, clock) {
      this.name = name;
      this.path = path;
      this.room = new Room(name, position);
      this.retry = new Alarm(clock);
    }
  };
  var Subscriptions = class {
    /** @type {Map<string, Subscription>} by the name of their room */
    #subscriptions = /* @__PURE__ */ new Map();
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
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {() => number} options.random
     * @param {import('./client/log.js').Log} options.log
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
      this.#forget(name, new TaskManagerError("cancelled", `${name} was left before it was joined.`));
      const about = this.#kind.about(name);
      if (!this.#link.ready || this.#events.isShared(name)) return Promise.resolve(about);
      return new Promise((resolve, reject) => {
        this.#link.request(this.#kind.leave, about, (error, data) => {
          if (error && error.code !== "connection_lost") reject(error);
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
      this.#forget(name, new TaskManagerError("not_found", this.#kind.missing));
      const data = frame?.data ?? this.#kind.about(name);
      this.#events.emit(this.#kind.removed, data, name, frame ?? { event: this.#kind.removed, data });
    }
    /** There is a new link: joins everything again. */
    opened() {
      for (const subscription of this.all()) {
        subscription.hadGap = false;
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
      const subscription = this.#subscriptions.get(frame.room ?? "");
      if (!subscription) return;
      const verdict = subscription.room.receive(frame);
      if (verdict === "deliver") this.#events.deliver(frame);
      else if (verdict === "gap") this.#mend(subscription, frame);
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
      if (reset || subscription.room.mode !== "following") this.#joined(subscription, answer);
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
      this.#events.emit("joined", answer, subscription.name);
      this.#deliver(subscription, due);
      if (answer.reset) this.#startReset(subscription, answer);
      this.#events.changed();
    }
    /**
     * @param {Subscription} subscription
     * @param {TaskManagerError} error
     */
    #notJoined(subscription, error) {
      if (error.code === "connection_lost") return;
      if (error.code !== "rate_limited" && error.code !== "internal") return this.refused(subscription, error);
      const delay = (error.retryAfter ?? 0) * 1e3 + backoff(subscription.failures, this.#random, RETRY2);
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
      this.#events.emit("reset", { ...this.#kind.about(room), room, seq, epoch }, room);
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
        } catch (error) {
          this.#log(`no snapshot of ${subscription.name}: ${error}`);
          if (meansGone(error)) this.removed(subscription.name);
          else await pause(this.#clock, backoff(attempt, this.#random, RETRY2));
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
      if (!this.#link.ready) return;
      if (subscription.hadGap) return this.#link.restart("a second gap");
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
  };
  function meansGone(error) {
    return [error?.code, error?.status].some((sign) => ["not_found", "forbidden", 404, 403].includes(sign));
  }

  // static/js/client/live_rooms.js
  var PATIENCE4 = 2e4;
  var RETRY3 = { cap: 5e3 };
  var SharedRoom = class {
    /** @type {Set<LiveRoom>} */
    handles = /* @__PURE__ */ new Set();
    /** @type {Records | null} null: no part of the page asked for records */
    records = null;
    /** @type {Promise<Position> | null} the latest snapshot that was asked for, while it is on its way */
    loading = null;
    /** @type {Promise<any>} the answer to the join */
    joining = Promise.resolve();
    /** Aborted when the room is left, or its subscription has ended. */
    ended = new AbortController();
    /** @type {(error?: Error) => void} */
    #settle = () => {
    };
    /** @param {string} name */
    constructor(name) {
      this.name = name;
      this.loaded = new Promise((resolve, reject) => this.#settle = (error) => error ? reject(error) : resolve());
      this.loaded.catch(() => {
      });
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
  };
  var LiveRoom = class {
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
      return this.#shared.joining.then(() => this.#shared.records ? this.#shared.loaded : void 0);
    }
    /**
     * Call a function for each event of the name, until `leave()`.
     *
     * @template {string} Name
     * @param {Name} event `record_created`, `record_updated`, `record_deleted`, any other event of the room, `event` (all of them), or
     *   `change`, `joined`, `reset`, `removed_from_room`, `error`
     * @param {import('./client/signals.d.ts').RoomHandler<Name>} handler called with the event's data and its frame
     * @returns {() => void} removes the handler
     */
    on(event, handler) {
      return this.#emitter.on(event, handler);
    }
    /**
     * @template {string} Name
     * @param {Name} event
     * @param {import('./client/signals.d.ts').RoomHandler<Name>} handler
     * @returns {() => void} removes the handler
     */
    once(event, handler) {
      return this.#emitter.on(event, handler, { once: true });
    }
    /**
     * @template {string} Name
     * @param {Name} event
     * @param {import('./client/signals.d.ts').RoomHandler<Name>} handler
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
      return (
        /** @type {ReadonlyMap<RecordId, any>} */
        map
      );
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
  };
  var LiveRooms = class {
    /** @type {Map<string, SharedRoom>} */
    #rooms = /* @__PURE__ */ new Map();
    #rest;
    #clock;
    #random;
    #log;
    #changed;
    #emit;
    /**
     * @param {object} options
     * @param {import('./client/subscriptions.js').Link} options.link
     * @param {import('./client/rest.js').Rest} options.rest
     * @param {{emit: (event: string, data: any, frame?: Frame) => void, changed: () => void,
     *   isShared: (room: string) => boolean}} options.events
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {() => number} options.random
     * @param {import('./client/log.js').Log} options.log
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
          joined: () => {
          },
          left: () => {
          },
          snapshotOf: (room) => this.#snapshotOf(room),
          isShared: events.isShared
        },
        clock,
        random,
        log
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
      const subscription = ended.signal.aborted ? void 0 : this.subscriptions.get(name);
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
        if (this.subscriptions.get(shared.name)?.answer) this.#load(shared).catch(() => {
        });
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
      this.#end(shared, new TaskManagerError("cancelled", `${shared.name} was left.`));
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
        shared.emit("error", error);
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
      const shared = this.#rooms.get(frame.room ?? "");
      if (!shared) return;
      const outcome = shared.records?.receive(frame);
      shared.emit("event", frame.data, frame);
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
        return this.#end(shared, new TaskManagerError("not_found", ROOMS.missing));
      }
      shared.emit(event, data, frame);
      if (event === "joined" && shared.records && !shared.records.isLoaded && !data.reset) this.#load(shared).catch(() => {
      });
    }
    /**
     * @param {SharedRoom} shared
     * @param {Outcome} outcome
     */
    #report(shared, { changes, isStale }) {
      for (const change of changes) shared.emit("change", change);
      if (isStale) this.#load(shared).catch(() => {
      });
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
          shared.emit("error", error);
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
      const records = (
        /** @type {Records} */
        shared.records
      );
      records.expectSnapshot();
      const least = this.#leastSeq(shared);
      const { signal } = shared.ended;
      for (let attempt = 0; ; attempt += 1) {
        const snapshot = await this.#tryFetch(shared);
        if (signal.aborted) throw new TaskManagerError("cancelled", `${shared.name} was left.`);
        if (!isLatest() && shared.loading) return shared.loading;
        if (snapshot && snapshot.seq >= least) {
          const outcome = records.replace(snapshot);
          shared.settleLoaded();
          this.#report(shared, outcome);
          return { seq: snapshot.seq, epoch: snapshot.epoch };
        }
        await pause(this.#clock, backoff(attempt, this.#random, RETRY3), signal);
      }
    }
    /**
     * @param {SharedRoom} shared
     * @returns {Promise<import('./client/records.js').RecordSnapshot | null>} null: to be tried again
     * @throws {TaskManagerError} for a lasting reason
     */
    async #tryFetch({ name, ended }) {
      try {
        return await this.#rest.call({ method: "GET", path: `rooms/${encodeURIComponent(name)}/` }, { signal: ended.signal, patience: PATIENCE4 });
      } catch (error) {
        if (error.code === "not_found" || error.code === "forbidden") throw error;
        this.#log(`no snapshot of ${name}: ${error}`);
        if (error.retryAfter) await pause(this.#clock, error.retryAfter * 1e3, ended.signal);
        return null;
      }
    }
    /** @param {SharedRoom} shared @returns {number} the event that a snapshot must contain: those before are known already */
    #leastSeq({ name }) {
      const subscription = this.subscriptions.get(name);
      if (!subscription || subscription.room.mode === "resetting") return 0;
      return subscription.room.position?.seq ?? 0;
    }
  };

  // static/js/client/log.js
  function makeLog(debug, out = console) {
    if (!debug) return () => {
    };
    return (what, frame) => out.debug(`[taskrealtime] ${what}`, ...frame === void 0 ? [] : [redact(frame)]);
  }
  function redact(frame) {
    return frame?.data?.token === void 0 ? frame : { ...frame, data: { ...frame.data, token: "…" } };
  }

  // static/js/client/outbox.js
  var TASK_IDS = ["task_id", "before_id", "after_id"];
  var Outbox = class {
    /** @type {Map<number, Entry>} */
    #entries = /* @__PURE__ */ new Map();
    /** Placeholders whose ids are known by now. @type {Map<number, number>} */
    #ids = /* @__PURE__ */ new Map();
    /** Those of what was never created. @type {Set<number>} */
    #lost = /* @__PURE__ */ new Set();
    #shelf;
    #changed;
    /** Whether what an earlier page left is still being looked for: it goes before all others. */
    waits = false;
    /**
     * @param {Shelf | null} [shelf]
     * @param {() => void} [changed] called whenever one is added, sent or settled
     */
    constructor(shelf = null, changed = () => {
    }) {
      this.#shelf = shelf;
      this.#changed = changed;
    }
    /** @param {Entry} entry */
    add(entry) {
      entry.data = this.#withIds(entry.data);
      this.#entries.set(entry.id, entry);
      this.#shelf?.put(entry);
      this.#changed();
      if (this.#lost.size) this.#giveUpIfLost(entry);
    }
    /** @param {Entry[]} entries that earlier pages left on the shelf, the oldest first */
    adopt(entries) {
      this.#entries = new Map([...entries.map((entry) => (
        /** @type {const} */
        [entry.id, entry]
      )), ...this.#entries]);
      this.#changed();
    }
    get size() {
      return this.#entries.size;
    }
    /** @param {unknown} id */
    has(id) {
      return this.#entries.has(
        /** @type {number} */
        id
      );
    }
    /** @param {number} placeholder @returns {boolean} whether it was given to a creation */
    stands(placeholder) {
      return this.#ids.has(placeholder) || this.#lost.has(placeholder) || this.entries().some((entry) => entry.placeholder === placeholder);
    }
    /** All of them, the oldest first. */
    entries() {
      return [...this.#entries.values()];
    }
    /** Those that may be sent by now, the oldest first. */
    due() {
      return this.waits ? [] : this.entries();
    }
    /**
     * It is about to leave this client, and stays as it is from now on: its key stands for its content.
     *
     * @param {Entry} entry
     * @param {number} now milliseconds
     */
    leaves(entry, now) {
      if (entry.firstSentAt !== null) return;
      entry.firstSentAt = now;
      this.#shelf?.put(entry);
      this.#changed();
    }
    /**
     * @param {Entry} entry
     * @returns {boolean} whether an earlier change, which it follows, has no answer so far
     */
    mustWait(entry) {
      for (const earlier of this.#entries.values()) {
        if (earlier === entry) return false;
        if (isFollowed(earlier, entry)) return true;
      }
      return false;
    }
    /**
     * Settles one. The answer to one that is settled already changes nothing.
     *
     * @param {unknown} id
     * @param {Error | null} error
     * @param {any} [data]
     */
    settle(id, error, data) {
      const entry = this.#entries.get(
        /** @type {number} */
        id
      );
      if (!entry) return;
      this.#entries.delete(entry.id);
      if (error) {
        entry.reject(error);
        if (entry.placeholder !== void 0) this.#lose(entry.placeholder, error);
      } else {
        this.#carryOn(entry, data);
        entry.resolve(data);
      }
      this.#shelf?.remove(entry.key);
      this.#changed();
    }
    /**
     * Gives up those whose key the server may have forgotten: sending them again could do them twice.
     *
     * @param {number} now milliseconds
     * @param {number} retention milliseconds
     */
    expire(now, retention) {
      for (const { id, firstSentAt } of this.entries()) {
        if (firstSentAt === null || now - firstSentAt <= retention) continue;
        this.settle(id, new TaskManagerError("uncertain", "No answer came: this may have been done, or not."));
      }
    }
    /** No caller waits here any more; what lies on a shelf stays there. @param {Error} error */
    abandon(error) {
      for (const { reject } of this.entries()) reject(error);
      this.#entries.clear();
    }
    /**
     * What follows a change is made on what that one wrote, and named by the id that it got.
     *
     * @param {Entry} done
     * @param {any} answer
     */
    #carryOn(done, answer) {
      if (done.placeholder !== void 0) this.#ids.set(done.placeholder, answer.task.id);
      const version = answer?.version ?? answer?.task?.version ?? 0;
      for (const entry of this.#entries.values()) {
        if (entry.firstSentAt !== null || !isFollowed(done, entry)) continue;
        entry.data = this.#withIds(entry.data);
        if (entry.data.version !== void 0) entry.data.version = Math.max(entry.data.version, version);
        this.#shelf?.put(entry);
      }
    }
    /** @param {number} placeholder of what was not created @param {any} error why */
    #lose(placeholder, { code }) {
      this.#lost.add(placeholder);
      for (const entry of this.entries()) this.#giveUpIfLost(entry, code === "cancelled" ? code : "not_found");
    }
    /** What is asked of a thing that was never created can never be done. @param {Entry} entry @param {string} [code] */
    #giveUpIfLost({ id, data }, code = "not_found") {
      if (!TASK_IDS.some((name) => this.#lost.has(data[name]))) return;
      this.settle(id, new TaskManagerError(code, "The task was never created."));
    }
    /** @param {any} data @returns {any} a copy with the ids that are known by now */
    #withIds(data) {
      const named = TASK_IDS.filter((name) => this.#ids.has(data[name])).map((name) => [name, this.#ids.get(data[name])]);
      return { ...data, ...Object.fromEntries(named) };
    }
  };
  function isAbout({ data }, placeholder) {
    return placeholder !== void 0 && TASK_IDS.some((name) => data[name] === placeholder);
  }
  function isFollowed(earlier, later) {
    if (isAbout(later, earlier.placeholder)) return true;
    if (!later.follows || later.data.version === void 0) return false;
    if (earlier.event !== "task_update" || earlier.data.task_id !== later.data.task_id) return false;
    return Object.keys(later.data.changes).some((field) => field in earlier.data.changes);
  }

  // static/js/client/people.js
  var People = class {
    /** @type {Map<number, Place>} */
    #places = /* @__PURE__ */ new Map();
    #emit;
    /** @param {{emit: (event: string, data: any, frame?: Frame) => void}} options */
    constructor({ emit }) {
      this.#emit = emit;
    }
    /**
     * @param {number} projectId
     * @returns {Map<number, string>} user → status
     */
    present(projectId) {
      return new Map(this.#places.get(projectId)?.present);
    }
    /**
     * @param {number} taskId
     * @returns {number[]} ids of users
     */
    viewers(taskId) {
      for (const { viewers } of this.#places.values()) {
        const found = viewers.get(taskId);
        if (found) return [...found];
      }
      return [];
    }
    /**
     * @param {number} taskId
     * @param {string} [field] none: a comment
     * @returns {User[]}
     */
    typing(taskId, field) {
      for (const { typing } of this.#places.values()) {
        const found = typing.get(keyOf(taskId, field));
        if (found) return [...found.values()].map(({ user }) => user);
      }
      return [];
    }
    /**
     * A join was answered: everything is in the answer.
     *
     * @param {any} answer
     */
    joined({ project_id: projectId, presence }) {
      if (!presence) return;
      const known = this.#places.get(projectId);
      const place = emptyPlace();
      for (const { user_id: userId, status } of presence) place.present.set(userId, status);
      this.#places.set(projectId, place);
      for (const taskId of known?.viewers.keys() ?? []) this.#emitViewers(projectId, taskId, []);
      this.#emitPresence(projectId);
    }
    /**
     * @param {Frame} frame
     * @returns {boolean} whether it was about people, and is dealt with
     */
    receive(frame) {
      const { event, data } = frame;
      if (event === "user_presence") this.#receivePresence(frame);
      else if (event === "task_viewers") this.#receiveViewers(frame);
      else if (event === "user_typing_status") this.#typingChanged(data, frame);
      else return false;
      return true;
    }
    /** @param {number} projectId that was left, or that the user may not see any more */
    left(projectId) {
      this.#places.delete(projectId);
    }
    /** The link is gone, and no event would come when a user stops typing. */
    lost() {
      for (const { typing } of this.#places.values()) {
        for (const users of typing.values()) {
          for (const told of users.values()) this.#typingChanged({ ...told, is_typing: false });
        }
      }
    }
    /** @param {Frame} frame of one user or of several: handlers get each by itself */
    #receivePresence(frame) {
      const { project_id: projectId, users = [frame.data] } = frame.data;
      const place = this.#places.get(projectId);
      if (!place) return;
      for (const { user_id: userId, status } of users) {
        if (status === "offline") place.present.delete(userId);
        else place.present.set(userId, status);
      }
      for (const user of users) this.#emit("user_presence", { ...user, project_id: projectId }, frame);
      this.#emitPresence(projectId);
    }
    /** @param {Frame} frame */
    #receiveViewers(frame) {
      const { project_id: projectId, task_id: taskId, user_ids: userIds } = frame.data;
      const place = this.#places.get(projectId);
      if (!place) return;
      if (userIds.length > 0) place.viewers.set(taskId, [...userIds]);
      else place.viewers.delete(taskId);
      this.#emit("task_viewers", frame.data, frame);
    }
    /**
     * @param {any} data
     * @param {Frame} [frame] none: the client itself finds out
     */
    #typingChanged(data, frame) {
      const place = this.#places.get(data.project_id);
      if (!place) return;
      const key = keyOf(data.task_id, data.field);
      const users = place.typing.get(key) ?? /* @__PURE__ */ new Map();
      if (data.is_typing) users.set(data.user.id, data);
      else users.delete(data.user.id);
      if (users.size > 0) place.typing.set(key, users);
      else place.typing.delete(key);
      this.#emit("user_typing_status", data, frame ?? { event: "user_typing_status", data });
    }
    /**
     * @param {number} projectId
     * @param {number} taskId
     * @param {number[]} userIds
     */
    #emitViewers(projectId, taskId, userIds) {
      const data = { project_id: projectId, task_id: taskId, user_ids: userIds };
      this.#emit("task_viewers", data, { event: "task_viewers", data });
    }
    /** @param {number} projectId */
    #emitPresence(projectId) {
      const users = [...this.present(projectId)].map(([userId, status]) => ({ user_id: userId, status }));
      this.#emit("presence", { project_id: projectId, users });
    }
  };
  function keyOf(taskId, field = "") {
    return `${taskId} ${field}`;
  }
  function emptyPlace() {
    return { present: /* @__PURE__ */ new Map(), viewers: /* @__PURE__ */ new Map(), typing: /* @__PURE__ */ new Map() };
  }

  // static/js/client/polling.js
  var WAIT = 25;
  var SLACK = 1e4;
  var MOST_WAITING = 3;
  var PAUSE = 3e3;
  var RETRY4 = { cap: 1e4 };
  var Polling = class {
    /** Whether the latest poll got through. */
    works = false;
    #rest;
    #sources;
    #clock;
    #random;
    #events;
    /** @type {Map<Followed, AbortController> | null} null: not polling */
    #loops = null;
    /**
     * @param {object} options
     * @param {import('./client/rest.js').Rest} options.rest
     * @param {Source[]} options.sources
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {() => number} options.random
     * @param {{changed: () => void, fatal: (error: Error) => void}} options.events
     */
    constructor({ rest, sources, clock, random, events }) {
      this.#rest = rest;
      this.#sources = sources;
      this.#clock = clock;
      this.#random = random;
      this.#events = events;
    }
    get started() {
      return this.#loops !== null;
    }
    start() {
      this.#loops ??= /* @__PURE__ */ new Map();
      this.update();
    }
    stop() {
      for (const loop of this.#loops?.values() ?? []) loop.abort();
      this.#loops = null;
      this.works = false;
    }
    /** Rooms were joined or left. */
    update() {
      if (!this.#loops) return;
      for (const [followed, loop] of this.#loops) {
        if (this.#sources.some((source) => source.has(followed))) continue;
        loop.abort();
        this.#loops.delete(followed);
      }
      for (const source of this.#sources) {
        for (const followed of source.all()) {
          if (this.#loops.has(followed)) continue;
          const loop = new AbortController();
          this.#loops.set(followed, loop);
          this.#follow(source, followed, loop.signal);
        }
      }
    }
    /**
     * @param {Source} source
     * @param {Followed} followed
     * @param {AbortSignal} signal
     */
    async #follow(source, followed, signal) {
      let failures = 0;
      await followed.resetting;
      while (!signal.aborted) {
        try {
          const [askedAt, wasCaughtUp, isFirst] = [this.#clock.now(), followed.room.caughtUp, !this.works];
          const answer = await this.#poll(followed, signal);
          if (signal.aborted) return;
          failures = 0;
          this.#report(true);
          await source.polled(followed, answer);
          const idle = answer.events.length === 0 && (wasCaughtUp || !followed.room.caughtUp);
          if (idle && !isFirst) await pause(this.#clock, PAUSE - (this.#clock.now() - askedAt), signal);
        } catch (error) {
          if (signal.aborted) return;
          if (error.code === "not_found" || error.code === "forbidden") return source.refused(followed, error);
          if (error.code === "unauthenticated") return this.#events.fatal(error);
          this.#report(false);
          await pause(this.#clock, (error.retryAfter ?? 0) * 1e3 + backoff(failures, this.#random, RETRY4), signal);
          failures += 1;
        }
      }
    }
    get #canWait() {
      return (this.#loops?.size ?? 0) <= MOST_WAITING;
    }
    /**
     * @param {Followed} followed
     * @param {AbortSignal} signal
     */
    async #poll({ path, room }, signal) {
      const { position } = room;
      const wait = this.works && this.#canWait && room.caughtUp ? WAIT : 0;
      const query = toQuery({ since: position?.seq ?? 0, wait, epoch: position?.epoch, limit: position ? void 0 : 1 });
      const answer = await this.#rest.call({ method: "GET", path: `${path}?${query}` }, { signal, patience: wait * 1e3 + SLACK });
      return position ? answer : { ...answer, events: [], reset: false };
    }
    /** @param {boolean} works */
    #report(works) {
      if (this.works === works) return;
      this.works = works;
      this.#events.changed();
    }
  };

  // static/js/client/presence.js
  var IDLE_AFTER = 3e5;
  var HIDDEN_AFTER = 5e3;
  var PRESENCES = ["online", "idle", "busy"];
  var INPUTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];
  var Presence = class {
    /** @type {Status} as the user wants it; `online`: as they are at the page */
    #chosen = "online";
    #active = true;
    #lastInput;
    /** @type {number | null} since when the page is out of sight */
    #hiddenSince = null;
    #alarm;
    #clock;
    #page;
    #changed;
    /**
     * @param {object} options
     * @param {Page} [options.document] dispatches input and `visibilitychange`; without one the user is always there
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {() => void} options.changed called when `status` became another one by itself
     */
    constructor({ document, clock, changed }) {
      this.#clock = clock;
      this.#alarm = new Alarm(clock);
      this.#page = document;
      this.#changed = changed;
      this.#lastInput = clock.now();
      if (!document) return;
      for (const name of INPUTS) document.addEventListener(name, this.#input, { capture: true, passive: true });
      document.addEventListener("visibilitychange", this.#seen);
      this.#seen();
    }
    /** What all users may know. */
    get status() {
      return this.#chosen === "online" && !this.#active ? "idle" : this.#chosen;
    }
    /**
     * The caller reports it itself: `changed` is not called.
     *
     * @param {Status} status `busy` and `idle` stay until another choice; `online` follows what the user does
     */
    choose(status) {
      if (!PRESENCES.includes(status)) throw new TypeError(`Not a status: ${status}`);
      this.#chosen = status;
      this.#lastInput = this.#clock.now();
      this.#active = this.#idleAt() > this.#clock.now();
      this.#watch();
    }
    stop() {
      this.#alarm.clear();
      for (const name of INPUTS) this.#page?.removeEventListener(name, this.#input, { capture: true });
      this.#page?.removeEventListener("visibilitychange", this.#seen);
    }
    #input = () => {
      this.#lastInput = this.#clock.now();
      if (!this.#active) this.#look();
    };
    #seen = () => {
      const hidden = this.#page?.visibilityState === "hidden";
      this.#hiddenSince = hidden ? this.#hiddenSince ?? this.#clock.now() : null;
      if (!hidden) this.#lastInput = this.#clock.now();
      this.#look();
    };
    #look() {
      const before = this.status;
      this.#active = this.#idleAt() > this.#clock.now();
      this.#watch();
      if (this.status !== before) this.#changed();
    }
    #watch() {
      if (this.#page && this.#active) this.#alarm.set(this.#idleAt() - this.#clock.now(), () => this.#look());
    }
    /** When the user counts as idle if nothing happens before. */
    #idleAt() {
      if (!this.#page) return Infinity;
      const hidden = this.#hiddenSince === null ? Infinity : this.#hiddenSince + HIDDEN_AFTER;
      return Math.min(this.#lastInput + IDLE_AFTER, hidden);
    }
  };

  // static/js/client/renewal.js
  var AHEAD = 6e4;
  var SOONEST = 1e3;
  var RETRY5 = 5e3;
  var Renewal = class {
    #alarm;
    #clock;
    #tokens;
    #request;
    #log;
    /** What has to be added to this machine's clock to get the server's, milliseconds. */
    #offset = 0;
    #connection = 0;
    /**
     * @param {object} options
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {import('./client/tokens.js').Tokens} options.tokens
     * @param {(event: string, data: any, done: import('./client/requests.js').Done) => void} options.request
     * @param {import('./client/log.js').Log} options.log
     */
    constructor({ clock, tokens, request, log }) {
      this.#alarm = new Alarm(clock);
      this.#clock = clock;
      this.#tokens = tokens;
      this.#request = request;
      this.#log = log;
    }
    /** @param {{token_expires_at: string, server_time: string}} connected */
    start({ token_expires_at, server_time }) {
      this.#connection += 1;
      this.#offset = Date.parse(server_time) - this.#clock.now();
      this.#plan(token_expires_at);
    }
    stop() {
      this.#connection += 1;
      this.#alarm.clear();
    }
    /** @param {string} expiresAt */
    #plan(expiresAt) {
      const left = Date.parse(expiresAt) - this.#offset - this.#clock.now();
      if (Number.isNaN(left)) return;
      this.#tokens.lasts(left);
      if (!this.#tokens.renewable) return;
      this.#alarm.set(Math.max(SOONEST, left - Math.min(AHEAD, left / 4)), () => this.#renew());
    }
    async #renew() {
      const connection = this.#connection;
      try {
        this.#tokens.forget();
        const token = await this.#tokens.get();
        if (connection !== this.#connection) return;
        this.#request("token_refresh", { token }, (error, data) => {
          if (error) this.#log(`the token was not renewed: ${error.code}`);
          else this.#plan(data.token_expires_at);
        });
      } catch (error) {
        this.#log(`no fresh token: ${error}`);
        if (connection === this.#connection) this.#alarm.set(RETRY5, () => this.#renew());
      }
    }
  };

  // static/js/client/requests.js
  var Requests = class {
    /** @type {Map<unknown, Done>} */
    #waiting = /* @__PURE__ */ new Map();
    /**
     * @param {number} id
     * @param {Done} done
     */
    add(id, done) {
      this.#waiting.set(id, done);
    }
    /**
     * @param {unknown} id
     * @param {TaskManagerError | null} error
     * @param {any} [data]
     * @returns {boolean} whether a caller waited for it
     */
    settle(id, error, data) {
      const done = this.#waiting.get(id);
      if (!done) return false;
      this.#waiting.delete(id);
      done(error, data);
      return true;
    }
    /** The connection is gone, and so are the answers. */
    lost() {
      for (const id of [...this.#waiting.keys()]) {
        this.settle(id, new TaskManagerError("connection_lost", "The connection broke before the answer came."));
      }
    }
  };

  // static/js/client/http.js
  var CODES = { 401: "unauthenticated", 403: "forbidden", 404: "not_found", 409: "conflict", 429: "rate_limited" };
  var FOREIGN_ANSWER = "foreign_answer";
  async function send(url, init, fetch = globalThis.fetch) {
    try {
      return await fetch(url, init);
    } catch (error) {
      throw new TaskManagerError("connection_lost", `The server could not be reached: ${error}.`);
    }
  }
  async function callApi(url, { body, headers, ...init }, fetch) {
    const sent = { Accept: "application/json", ...headers };
    if (body !== void 0) sent["Content-Type"] = "application/json";
    const response = await send(url, { ...init, headers: sent, body: body === void 0 ? void 0 : JSON.stringify(body) }, fetch);
    const answer = await response.json().catch(() => null);
    if (response.ok && (answer !== null || response.status === 204)) return answer;
    throw errorFrom(
      {
        ...answer,
        code: answer?.code ?? (response.ok ? void 0 : CODES[response.status]) ?? FOREIGN_ANSWER,
        message: answer?.message ?? `The server answered ${response.status}.`
      },
      response.status
    );
  }

  // static/js/client/rest.js
  var Rest = class {
    #base;
    #tokens;
    #fetch;
    #clock;
    /**
     * @param {object} options
     * @param {string} options.base the API's URL, with a slash at its end
     * @param {import('./client/tokens.js').Tokens} options.tokens
     * @param {import('./client/http.js').Fetch} [options.fetch]
     * @param {import('./client/clock.js').Clock} options.clock
     */
    constructor({ base, tokens, fetch, clock }) {
      this.#base = base;
      this.#tokens = tokens;
      this.#fetch = fetch;
      this.#clock = clock;
    }
    /**
     * @param {Request} request
     * @param {{signal: AbortSignal, patience: number}} limits `patience`: milliseconds
     * @returns {Promise<any>} null where the answer has no body
     * @throws {TaskManagerError} `connection_lost`: no answer of the API, so it may have been done or not;
     *   `unauthenticated`: there is no token any more
     */
    async call(request, limits) {
      try {
        return await this.#send(request, limits);
      } catch (error) {
        if (error.status !== 401) throw error;
      }
      this.#tokens.forget();
      try {
        return await this.#send(request, limits);
      } catch (error) {
        throw error.status === 401 ? unreachable("it refuses a fresh token") : error;
      }
    }
    /**
     * @param {Request} request
     * @param {{signal: AbortSignal, patience: number}} limits
     * @returns {Promise<any>}
     */
    async #send({ method, path, body, key }, { signal, patience }) {
      const token = await this.#tokens.get().catch(unreachableUnlessSignedOut);
      const hurry = new AbortController();
      const abort = () => hurry.abort();
      const timer = this.#clock.setTimeout(abort, patience);
      signal.addEventListener("abort", abort, { once: true });
      const headers = { Authorization: `Bearer ${token}` };
      if (key !== void 0) headers["Idempotency-Key"] = key;
      const init = { method, headers, body, credentials: (
        /** @type {const} */
        "omit"
      ), signal: hurry.signal };
      try {
        return await callApi(this.#base + path, init, this.#fetch);
      } catch (error) {
        throw isForeign(error) ? new TaskManagerError("connection_lost", error.message) : error;
      } finally {
        this.#clock.clearTimeout(timer);
        signal.removeEventListener("abort", abort);
      }
    }
  };
  function isForeign({ code, status = 0 }) {
    return code === FOREIGN_ANSWER || status > 500;
  }
  function unreachable(cause) {
    return new TaskManagerError("connection_lost", `The server cannot be reached: ${cause}.`);
  }
  function unreachableUnlessSignedOut(error) {
    throw error?.code === "unauthenticated" ? error : unreachable(error);
  }

  // static/js/client/sender.js
  var IN_FLIGHT = 8;
  var BRISK = 50;
  var WINDOW = 1e4;
  var PATIENCE5 = 1e3;
  var Sender = class {
    #outbox;
    #clock;
    #send;
    #open = false;
    /** @type {Set<number>} */
    #inFlight = /* @__PURE__ */ new Set();
    /** When the latest were sent. @type {number[]} */
    #sentAt = [];
    /** Whether one was refused as too fast since all was sent the last time. */
    #isCareful = false;
    #alarm;
    /**
     * @param {object} options
     * @param {import('./client/outbox.js').Outbox} options.outbox
     * @param {import('./client/clock.js').Clock} options.clock
     * @param {(entry: import('./client/outbox.js').Entry) => void} options.send
     */
    constructor({ outbox, clock, send: send2 }) {
      this.#outbox = outbox;
      this.#clock = clock;
      this.#send = send2;
      this.#alarm = new Alarm(clock);
    }
    /** There is a new link: what has no answer goes again. */
    opened() {
      this.#open = true;
      this.#inFlight.clear();
      this.#alarm.clear();
      this.kick();
    }
    /** The link is gone, and the answers with it. */
    lost() {
      this.#open = false;
      this.#inFlight.clear();
      this.#alarm.clear();
    }
    /** There may be something to send. */
    kick() {
      if (!this.#open || this.#alarm.pending) return;
      if (!this.#outbox.size) this.#isCareful = false;
      const held = /* @__PURE__ */ new Set();
      for (const entry of this.#outbox.due()) {
        if (HTTP_ONLY.has(entry.event)) held.add(entry.data.task_id);
        if (held.has(entry.data.task_id) || this.#inFlight.has(entry.id)) continue;
        if (this.#inFlight.size >= this.#allowance || this.#outbox.mustWait(entry)) return;
        this.#inFlight.add(entry.id);
        this.#sentAt = [...this.#sentAt.slice(1 - BRISK), this.#clock.now()];
        this.#outbox.leaves(entry, this.#clock.now());
        this.#send(entry);
      }
    }
    /**
     * One was answered.
     *
     * @param {unknown} id
     * @param {import('./client/envelope.js').TaskManagerError | null} error
     * @param {any} data
     */
    answered(id, error, data) {
      if (!this.#inFlight.delete(
        /** @type {number} */
        id
      )) return;
      if (error?.code === "rate_limited") {
        this.#isCareful = true;
        this.#alarm.set(error.retryAfter === void 0 ? PATIENCE5 : error.retryAfter * 1e3, () => this.kick());
      } else {
        this.#outbox.settle(id, error, data);
        this.kick();
      }
    }
    get #allowance() {
      const isBrisk = this.#sentAt.length >= BRISK && this.#clock.now() - this.#sentAt[0] < WINDOW;
      return this.#isCareful || isBrisk ? 1 : IN_FLIGHT;
    }
  };

  // static/js/client/tokens.js
  var TOO_OLD = 5e3;
  var Tokens = class {
    #source;
    #clock;
    /** @type {string | null} */
    #token = null;
    /** @type {number} when the token ends, by this machine's clock */
    #endsAt = Infinity;
    /** @type {Promise<string> | null} */
    #asking = null;
    /**
     * @param {TokenSource} source
     * @param {import('./client/clock.js').Clock} clock
     */
    constructor(source, clock) {
      this.#source = source;
      this.#clock = clock;
      if (typeof source === "string") this.#token = source;
    }
    /** Whether another token can be had. */
    get renewable() {
      return typeof this.#source === "function";
    }
    /**
     * A token that should still be good. Asks the source only where there is none, and once for all that wait.
     *
     * @returns {Promise<string>}
     * @throws {TaskManagerError} `unauthenticated`: there is none any more. Whatever else the source throws is
     *   passed on, and worth another try later.
     */
    async get() {
      if (this.renewable && this.#clock.now() > this.#endsAt - TOO_OLD) this.forget();
      if (this.#token) return this.#token;
      const asking = this.#asking ??= this.#ask();
      try {
        const token = await asking;
        if (this.#asking === asking) this.#token = token;
        return token;
      } finally {
        if (this.#asking === asking) this.#asking = null;
      }
    }
    /** The token is used up, or was refused. */
    forget() {
      this.#token = null;
      this.#endsAt = Infinity;
      this.#asking = null;
    }
    /** @param {number} duration how long the present token is still good, milliseconds */
    lasts(duration) {
      this.#endsAt = this.#clock.now() + duration;
    }
    /** @returns {Promise<string>} */
    async #ask() {
      try {
        const token = typeof this.#source === "function" ? await this.#source() : null;
        if (token) return token;
      } catch (error) {
        if (!meansSignedOut(error)) throw error;
      }
      throw new TaskManagerError("unauthenticated", "There is no token (any more): signed out.");
    }
  };
  function meansSignedOut(error) {
    return [error?.code, error?.status].some((sign) => sign === "unauthenticated" || sign === 401 || sign === 403);
  }

  // static/js/client/unread.js
  var Unread = class {
    /** @type {string | undefined} */
    #epoch;
    #head = 0;
    #read = 0;
    /** @returns {number | null} null: not known yet */
    get count() {
      return this.#epoch === void 0 ? null : this.#head - Math.min(this.#read, this.#head);
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
  };

  // static/js/client/user_room.js
  var UserRoom = class {
    path = "notifications/events/";
    resetting = null;
    /** Without a name until the server sent it. */
    room = new Room("");
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
      if (!this.name) this.room.name = name;
      if (this.name === name && this.room.position) return this.#resume(this.room);
      const room = this.room = new Room(name);
      room.attach();
      room.joined({ seq, epoch });
      this.#emit("connected", frame.data, frame);
    }
    /** @param {Frame} frame a logged one */
    receive(frame) {
      const verdict = this.room.receive(frame);
      if (verdict === "deliver") this.#deliver(frame);
      else if (verdict === "gap" && this.#link.ready) this.#link.restart("a gap in the user room");
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
      if (reset || this.room.mode !== "following") this.room.joined({ seq: head, epoch, reset });
      if (reset) this.#reset(this.room, { seq: head, epoch });
      this.room.head = head;
      for (const frame of events) this.receive(frame);
    }
    /** No user is refused their own room; where the server has none to offer, it is followed again by the next socket. */
    refused() {
    }
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
      this.#link.request("connect", room.since, (error, answer) => {
        if (error?.code === "connection_lost") return;
        if (error) {
          this.room = new Room("");
          return this.#link.restart(`the user room was not resumed: ${error.message}`);
        }
        this.stood(answer);
        room.joined(answer);
        if (answer.reset) this.#reset(room, answer);
        this.#emit("connected", answer);
      });
    }
    /**
     * There is no snapshot to wait for: the page that shows the user's events reads them anew.
     *
     * @param {Room} room
     * @param {import('./client/rooms.js').Position} position
     */
    #reset(room, { seq, epoch }) {
      room.restart({ seq, epoch });
      this.#emit("reset", { project_id: null, room: room.name, seq, epoch });
    }
    /**
     * The user's copy of a project's event goes by another name, so that a handler of the event is called once.
     *
     * @param {Frame} frame
     */
    #deliver(frame) {
      this.#count(() => this.#unread.came(
        /** @type {number} */
        frame.seq
      ));
      this.#emit("notification", { ...frame.data, kind: frame.event }, frame);
      if (frame.event === "due_date_reminder") this.#emit(frame.event, frame.data, frame);
    }
    /** @param {() => void} change of what is known */
    #count(change) {
      const before = this.#unread.count;
      change();
      if (this.#unread.count !== before) this.#emit("unread", this.#unread.count);
    }
  };

  // static/js/client/wake.js
  function watchPage({ window, document }, { back, gone }) {
    const shown = () => {
      if (document?.visibilityState !== "hidden") back();
    };
    const listeners = [
      [window, "online", back],
      [window, "offline", gone],
      [window, "pageshow", back],
      [document, "visibilitychange", shown]
    ];
    for (const [target, event, listener] of listeners) target?.addEventListener?.(event, listener);
    return () => {
      for (const [target, event, listener] of listeners) target?.removeEventListener?.(event, listener);
    };
  }

  // static/js/client/client.js
  var BLOCKED_AFTER = 3;
  var RETENTION = 29 * 24 * 36e5;
  var LOOK_AGAIN = { first: 1e3, cap: 15e3 };
  var SHELF_PATIENCE = 3e3;
  var TOKEN_ERRORS = ["unauthenticated", "token_invalid", "token_expired"];
  var ROOM_NAME = /^[A-Za-z0-9_.-]{1,99}$/;
  var OWN_EVENTS = ["connect", "token_refresh", "join_project", "leave_project", "join_room", "leave_room"];
  var TaskManagerWebSocket = class {
    /** @type {State} */
    #state = "connecting";
    /** @type {Status} */
    #status = { state: "connecting", reason: null, code: null, retryAt: null };
    /** Questions of the page without an answer. @type {Set<Question>} */
    #questions = /* @__PURE__ */ new Set();
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
      const clock = this.#clock = makeClock(options);
      this.#shelf = options.shelf ?? null;
      this.#note = options.note ?? (() => void 0);
      this.#outbox = new Outbox(this.#shelf, () => this.#emitter.emit("waiting", this.#outbox.size));
      this.#sender = new Sender({ outbox: this.#outbox, clock, send: (entry) => this.#sendChange(entry) });
      this.#lookAgain = new Alarm(clock);
      const log = this.#log = makeLog(options.debug ?? false);
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
        ping: () => request("ping", {}),
        events: {
          opened: (frame) => this.#opened(frame),
          frame: (frame) => this.#received(frame),
          lost: () => this.#lost(),
          changed,
          refused: (error) => this.#emitter.emit("error", error),
          fatal
        }
      });
      const connection = this.#connection;
      const link = {
        get ready() {
          return connection.ready;
        },
        request,
        restart: (why) => connection.restart(why)
      };
      const emit = this.#emitter.emit.bind(this.#emitter);
      const page = { window: options.window ?? globalThis.window, document: options.document ?? globalThis.document };
      this.#people = new People({ emit });
      this.#presence = new Presence({
        document: page.document,
        clock,
        changed: () => this.#hints.presence().catch((error) => emit("error", error))
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
          isShared: (room) => this.#rooms.subscriptions.isJoining(room)
        },
        clock,
        random,
        log
      });
      this.#snapshot = options.snapshot ?? null;
      const isShared = (room) => this.#projects.isJoining(room);
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
     * @template {import('./client/signals.d.ts').RequestName} Name
     * @param {Name} event
     * @param {import('./client/wire.d.ts').ClientEvents[Name]} data
     * @param {Limits} [limits]
     * @returns {Promise<import('./client/signals.d.ts').AnswerTo<Name>>}
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
     * @template {keyof import('./client/signals.d.ts').Signals} Name
     * @param {Name} event a server event's name, or `event` (every logged one of a project), `notification`,
     *   `unread`, `presence`, `state`, `joined`, `reset`
     * @param {import('./client/signals.d.ts').Handler<Name>} handler called with the event's data and its frame
     * @returns {() => void} takes the handler away again
     */
    on(event, handler) {
      return this.#emitter.on(event, handler);
    }
    /**
     * @template {keyof import('./client/signals.d.ts').Signals} Name
     * @param {Name} event
     * @param {import('./client/signals.d.ts').Handler<Name>} handler
     * @returns {() => void} takes the handler away again
     */
    once(event, handler) {
      return this.#emitter.on(event, handler, { once: true });
    }
    /**
     * @template {keyof import('./client/signals.d.ts').Signals} Name
     * @param {Name} event
     * @param {import('./client/signals.d.ts').Handler<Name>} handler
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
      const joining = this.#projects.join(room, since === void 0 ? null : { seq: since, epoch });
      return limited(this.#clock, limits, joining, () => {
        if (isNew) this.#projects.leave(room).catch(() => {
        });
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
     * @returns {import('./client/live_rooms.js').LiveRoom}
     */
    room(name, { since, epoch } = {}) {
      this.#requireOpen();
      if (!ROOM_NAME.test(name)) throw new TypeError(`Not the name of a room: ${name}`);
      return this.#rooms.room(name, since === void 0 ? null : { seq: since, epoch });
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
      return this.#change("task_create", { ...fields, project_id: toId(projectId) }, { placeholder }, limits);
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
      return this.#change("task_update", { task_id: this.#toTaskId(taskId), changes, version }, { follows }, limits);
    }
    /**
     * @param {Id} taskId
     * @param {string} status
     * @param {number} [version] that the user was looking at
     * @param {Limits} [limits]
     * @returns {Promise<Answers['task_status_update']>}
     */
    async updateTaskStatus(taskId, status, version, limits) {
      return this.#change("task_status_update", { task_id: this.#toTaskId(taskId), status, version }, {}, limits);
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
        before_id: beforeId == null ? void 0 : this.#toTaskId(beforeId),
        after_id: afterId == null ? void 0 : this.#toTaskId(afterId),
        or_after_id: orAfterId == null ? orAfterId : toId(orAfterId),
        tell_previous: tellPrevious
      };
      return this.#change("task_move", data, {}, limits);
    }
    /** @param {Id} taskId @param {Limits} [limits] @returns {Promise<Answers['task_delete']>} */
    async deleteTask(taskId, limits) {
      return this.#change("task_delete", { task_id: this.#toTaskId(taskId) }, {}, limits);
    }
    /** @param {Id} taskId @param {Limits} [limits] @returns {Promise<Answers['task_restore']>} */
    async restoreTask(taskId, limits) {
      return this.#change("task_restore", { task_id: this.#toTaskId(taskId) }, {}, limits);
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
      return this.#change("new_comment", { task_id, content }, {}, limits);
    }
    /**
     * Over HTTP, since the socket has no event for it; in order with the other changes of the task all the same.
     *
     * @param {Id} taskId
     * @param {Id} commentId of the task
     * @param {string} content
     * @param {Limits & {previous?: string}} [options] `previous`: the comment's text before the edit; it is `conflict` where it
     *   says something else by now
     * @returns {Promise<{comment_id: number, task_id: number, comment?: import('./client/wire.d.ts').CommentObject}>}
     */
    async updateComment(taskId, commentId, content, { previous, ...limits } = {}) {
      const change = { task_id: this.#toTaskId(taskId), comment_id: toId(commentId), content };
      return this.#change("comment_update", previous === void 0 ? change : { ...change, previous_content: previous }, {}, limits);
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
      return this.#change("comment_delete", { task_id: this.#toTaskId(taskId), comment_id: toId(commentId) }, {}, limits);
    }
    /**
     * `busy` and `idle` stay until another choice. With `online`, the default, the client itself reports `idle` after five
     * minutes without input or a few seconds out of sight, and `online` again.
     *
     * @param {import('./client/presence.js').Status} status
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
      const answer = await this.#change("notifications_read", { up_to: Number(upTo) }, {}, limits);
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
        this.#request("ops_watch", { watching }, (error, answer) => error ? reject(error) : resolve(answer));
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
     * @returns {import('./client/people.js').User[]} the users that type there; never the user of this client
     */
    typingOn(taskId, field) {
      return this.#people.typing(toId(taskId), field);
    }
    /** @returns {import('./client/outbox.js').Waiting[]} the changes that have no answer so far, the oldest first; `waiting` is emitted when it changes */
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
      this.#outbox.settle(id, new TaskManagerError("cancelled", "The change was discarded."));
      this.#sendDue();
    }
    /** For good: outstanding calls are rejected. */
    close() {
      if (this.#state === "closed") return;
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
      this.#setState("closed");
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
      encode({ event, data, id, key });
      const kept = { event, data, key, follows, placeholder, note: this.#note(event, data), at: this.#clock.now(), firstSentAt: null };
      const answer = new Promise((resolve, reject) => {
        this.#outbox.add({ ...kept, id, resolve, reject });
        if (!limits.signal?.aborted) this.#sendDue();
      });
      return limited(this.#clock, limits, answer, () => {
        this.#outbox.settle(id, new TaskManagerError("cancelled", "The call has ended."));
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
      encode({ event, data, id: 0 });
      let question;
      const answer = new Promise((resolve, reject) => {
        question = {
          event,
          data,
          settle: (error, answer2) => {
            this.#questions.delete(question);
            if (error) reject(error);
            else resolve(answer2);
          }
        };
        this.#questions.add(question);
        if (this.#connection.ready && !limits.signal?.aborted) this.#putQuestion(question);
      });
      return limited(this.#clock, limits, answer, () => this.#questions.delete(question));
    }
    /** @param {Question} question */
    #putQuestion(question) {
      this.#request(question.event, question.data, (error, answer) => {
        const isLost = error?.code === "connection_lost" && this.#state !== "closed";
        if (!isLost && this.#questions.has(question)) question.settle(error, answer);
      });
    }
    #sendDue() {
      this.#sender.kick();
      this.#courier.kick();
    }
    /** What an earlier page left goes before all that is asked for on this one. @param {import('./client/shelf.js').Shelf} shelf */
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
     * @param {import('./client/shelf.js').Shelf} shelf
     * @param {number} delay until the next look, milliseconds
     */
    async #adopt(shelf, delay) {
      const kept = await shelf.adopt().catch(() => []);
      if (this.#state === "closed") return;
      const changes = kept.map((change) => this.#revive(change));
      this.#outbox.adopt(changes.map(({ entry }) => entry));
      this.#outbox.waits = false;
      if (changes.length) this.#emitter.emit("recovered", changes.map(({ change }) => change));
      this.#giveUpOld();
      this.#sendDue();
      this.#lookAgain.set(delay, () => this.#adopt(shelf, Math.min(delay * 2, LOOK_AGAIN.cap)));
    }
    /** @param {import('./client/outbox.js').Kept} kept */
    #revive(kept) {
      const { event, data, placeholder, note, at, firstSentAt } = kept;
      const entry = (
        /** @type {import('./client/outbox.js').Entry} */
        { ...kept, id: this.#nextId() }
      );
      const answer = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
      answer.catch(() => {
      });
      return { entry, change: { event, data, placeholder, note, at, firstSentAt, answer } };
    }
    /** @param {import('./client/outbox.js').Entry} entry */
    #sendChange(entry) {
      this.#send({ event: entry.event, data: entry.data, id: entry.id, key: entry.key });
    }
    /**
     * @param {string} event
     * @param {any} data
     * @param {import('./client/requests.js').Done} [done]
     */
    #request(event, data, done = () => {
    }) {
      const id = this.#nextId();
      this.#requests.add(id, done);
      this.#send({ event, data, id });
    }
    /** @param {import('./client/envelope.js').Message} message */
    #send(message) {
      this.#log("→", message);
      this.#connection.send(encode(message));
    }
    #nextId() {
      return this.#lastId += 1;
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
      this.#emitter.emit("error", error);
      this.close();
    }
    /** @param {Frame} frame */
    #received(frame) {
      const { event, data, id, room, seq } = frame;
      if (id !== void 0) this.#answered(frame);
      else if (room !== void 0 && seq !== void 0) this.#receivedLogged(frame);
      else if (event === "removed_from_project") this.#removedFromProject(frame);
      else if (event === "removed_from_room") this.#rooms.subscriptions.removed(data.room, frame);
      else if (event === "error") this.#receivedError(frame);
      else if (event === "notifications_read") this.#receivedRead(frame);
      else if (!this.#people.receive(frame)) this.#emitter.emit(event, data, frame);
      if (this.#state !== "live") this.#changed();
    }
    /** @param {Frame} frame */
    #answered({ event, id, data }) {
      const error = event === "error" ? errorFrom(data) : null;
      if (this.#requests.settle(id, error, data)) return;
      if (error && TOKEN_ERRORS.includes(error.code)) return;
      this.#sender.answered(id, error, data);
      this.#courier.kick();
    }
    /** @param {Frame} frame that answers nothing */
    #receivedError(frame) {
      const error = errorFrom(frame.data);
      if (!TOKEN_ERRORS.includes(error.code)) this.#emitter.emit("error", error, frame);
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
      this.#rooms.subscriptions.removed(room);
    }
    /** @param {string} room of a project @returns {(() => Promise<Position>) | null} */
    #snapshotOf(room) {
      const snapshot = this.#snapshot;
      return snapshot && (() => snapshot(projectOf(room)));
    }
    /** @param {Frame} frame of a project's room */
    #deliver(frame) {
      this.#emitter.emit("event", frame.data, frame);
      this.#emitter.emit(frame.event, frame.data, frame);
    }
    /** Something happened that may change the state. */
    #changed() {
      if (this.#state === "closed") return;
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
      if (!this.#connection.started) return "offline";
      if (this.#connection.ready) return this.#projects.caughtUp && this.#rooms.caughtUp && this.#userRoom.caughtUp ? "live" : "catching-up";
      if (this.#polling.works) return "polling";
      return this.#connection.failures > 0 ? "offline" : "connecting";
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
        this.#emitter.emit("state", state, this.#status);
      }
      const isSame = !isNew && before.reason === this.#status.reason && before.code === this.#status.code && before.retryAt === retryAt;
      if (!isSame) this.#emitter.emit("status", this.#status);
    }
    #requireOpen() {
      if (this.#state === "closed") throw closedError();
    }
    /** @param {Id} id @returns {number} of a task, or what stands for it so far */
    #toTaskId(id) {
      return this.#outbox.stands(Number(id)) ? Number(id) : toId(id);
    }
  };
  function toId(id) {
    const number = Number(id);
    if (!Number.isSafeInteger(number) || number <= 0) throw new TypeError(`Not an id: ${id}`);
    return number;
  }
  function closedError() {
    return new TaskManagerError("closed", "The connection was closed.");
  }
  function makeKey() {
    const bytes = new Uint8Array(16);
    const crypto2 = (
      /** @type {Partial<Crypto> | undefined} */
      globalThis.crypto
    );
    if (crypto2?.getRandomValues) crypto2.getRandomValues(bytes);
    else bytes.forEach((_, index) => bytes[index] = Math.random() * 256);
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // static/js/client/global.js
  globalThis.TaskManagerWebSocket = TaskManagerWebSocket;
})();
