// @ts-check
/**
 * A small server that speaks the protocol over real sockets, and misbehaves on demand.
 *
 * It keeps a log per room and remembers keys, as the real one does, so that tests can ask what came of the
 * client's messages rather than which were sent.
 */

import { createServer } from 'node:http';

import { WebSocketServer } from 'ws';

export class FakeServer {
  epoch = 'e1';
  /** @type {Map<string, any[]>} room name → logged frames */
  logs = new Map();
  /** What changes were carried out, in order: `[event, data]`. */
  effects = [];
  /** Every message that came in, of all connections. */
  received = [];
  /** Every connection that was ever made. */
  connections = [];
  /** HTTP requests as `METHOD path`. */
  requests = [];
  /** The present users, as joins return them: `{user_id, status}`. */
  presence = [];
  /** What `connected` says. */
  pingInterval = 25;
  unread = 0;
  tokenSeconds = 600;
  /** Overrides by event name: `(message, connection) => true` when it dealt with it. */
  overrides = {};
  /** Tokens that are refused, with which code. */
  refusedTokens = new Map();
  /** 'ok', '503' (upgrades are refused) or 'mute' (accepted, never answered). */
  sockets = 'ok';
  /** The records of live rooms: room → model → id → record. */
  records = new Map();
  /** Rooms that may not be read. */
  forbidden = new Set();
  /** Called before a snapshot is answered. */
  beforeSnapshot = async () => {};
  /** So many changes over HTTP are refused as too fast. */
  tooFast = 0;
  /** 'ok', 'away' or 'silent' (it does what it is asked, and the answer is lost). */
  http = 'ok';
  #keys = new Map();
  #server = createServer((request, response) => this.#answerHttp(request, response));
  #ws = new WebSocketServer({ noServer: true, handleProtocols: () => 'taskrealtime.v1' });
  #pollers = new Set();

  static async start() {
    const server = new FakeServer();
    await server.listen(0);
    server.#server.on('upgrade', (request, socket, head) => {
      socket.on('error', () => {}); // The client may be gone before the refusal is read.
      if (server.sockets === '503') return socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n');
      server.#ws.handleUpgrade(request, socket, head, (ws) => server.#accept(ws, request));
    });
    return server;
  }

  /** @param {number} port */
  listen(port) {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', () => resolve(undefined)));
  }

  get port() {
    return /** @type {any} */ (this.#server.address()).port;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/ws/`;
  }

  get open() {
    return this.connections.filter((connection) => connection.ws.readyState === 1);
  }

  /** The one connection that is open. */
  get connection() {
    return this.open.at(-1);
  }

  /** How many long polls are waiting. */
  get polls() {
    return this.#pollers.size;
  }

  async stop() {
    this.cut();
    for (const poller of this.#pollers) poller();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** All connections break without a word. */
  cut() {
    for (const { ws } of this.connections) ws.terminate();
  }

  /** @param {number} code */
  closeAll(code) {
    for (const { ws } of this.open) ws.close(code);
  }

  /** @param {string} room */
  log(room) {
    if (!this.logs.has(room)) this.logs.set(room, []);
    return /** @type {any[]} */ (this.logs.get(room));
  }

  /** Logs an event and sends it to the listeners. */
  append(room, event, data = {}) {
    const frame = this.logOnly(room, event, data);
    for (const connection of this.open) if (connection.rooms.has(room)) connection.send(frame);
    for (const poller of this.#pollers) poller();
    return frame;
  }

  /** Sends an event that is not logged to the listeners. */
  send(room, event, data) {
    for (const connection of this.open) if (connection.rooms.has(room)) connection.send({ event, room, data });
  }

  /** Logs an event whose broadcast is lost. */
  logOnly(room, event, data = {}) {
    const log = this.log(room);
    const frame = { event, data, room, seq: log.length + 1, at: '2026-01-01T00:00:00Z' };
    log.push(frame);
    return frame;
  }

  #accept(ws, request) {
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((part) => part.trim());
    const token = protocols.find((part) => part.startsWith('bearer.'))?.slice('bearer.'.length);
    const connection = {
      ws,
      token,
      protocols,
      rooms: new Set(),
      received: [],
      send: (frame) => ws.send(JSON.stringify(frame)),
    };
    this.connections.push(connection);
    ws.on('message', (text) => this.#receive(connection, JSON.parse(String(text))));
    if (this.sockets === 'mute') return;
    const refusal = this.refusedTokens.get(token);
    if (refusal) {
      connection.send({ event: 'error', data: { code: refusal, message: 'No.' } });
      return ws.close(4401);
    }
    connection.rooms.add('user.1');
    connection.send({ event: 'connected', data: this.#connected(false) });
  }

  #connected(reset) {
    return {
      session: 's',
      user: { id: 1, username: 'ada', name: 'Ada' },
      server_time: new Date().toISOString(),
      token_expires_at: new Date(Date.now() + this.tokenSeconds * 1000).toISOString(),
      ping_interval: this.pingInterval,
      room: 'user.1',
      seq: this.log('user.1').length,
      epoch: this.epoch,
      reset,
      unread: this.unread,
      protocol: 1,
    };
  }

  #receive(connection, message) {
    connection.received.push(message);
    this.received.push(message);
    if (this.sockets === 'mute' || this.overrides[message.event]?.(message, connection)) return;
    const { event, data, id } = message;
    if (event === 'connect') return this.#resume(connection, message, 'user.1', (reset) => ({ event: 'connected', data: this.#connected(reset), id }));
    if (event === 'join_project') return this.#join(connection, message);
    if (event === 'leave_project') {
      connection.rooms.delete(`project.${data.project_id}`);
      return connection.send({ event: 'ack', data, id });
    }
    if (event === 'join_room') return this.#joinRoom(connection, message);
    if (event === 'leave_room') {
      connection.rooms.delete(data.room);
      return connection.send({ event: 'ack', data, id });
    }
    if (event === 'ping') return connection.send({ event: 'pong', data: { server_time: new Date().toISOString() }, id });
    if (event === 'token_refresh') {
      const token_expires_at = new Date(Date.now() + this.tokenSeconds * 1000).toISOString();
      return connection.send({ event: 'ack', data: { token_expires_at }, id });
    }
    connection.send({ event: 'ack', data: this.#carryOut(event, data, message.key), id });
  }

  #join(connection, message) {
    const room = `project.${message.data.project_id}`;
    const answer = (reset) => ({
      event: 'ack',
      data: { project_id: message.data.project_id, room, seq: this.log(room).length, epoch: this.epoch, reset, presence: this.presence },
      id: message.id,
    });
    if (connection.rooms.has(room)) return connection.send(answer(false));
    this.#resume(connection, message, room, answer);
  }

  #joinRoom(connection, message) {
    const { room } = message.data;
    if (this.forbidden.has(room)) return connection.send({ event: 'error', id: message.id, data: { code: 'not_found', message: 'No such room.' } });
    const answer = (reset) => ({ event: 'ack', data: { room, seq: this.log(room).length, epoch: this.epoch, reset }, id: message.id });
    if (connection.rooms.has(room)) return connection.send(answer(false));
    this.#resume(connection, message, room, answer);
  }

  #resume(connection, { data: { since, epoch } }, room, answer) {
    const log = this.log(room);
    const reset = since !== undefined && ((epoch !== undefined && epoch !== this.epoch) || since > log.length);
    connection.rooms.add(room);
    connection.send(answer(reset));
    if (since !== undefined && !reset) for (const frame of log.slice(since)) connection.send(frame);
  }

  /** Carries out a message for a test that answers itself. */
  carryOut({ event, data, key }) {
    return this.#carryOut(event, data, key);
  }

  /** A change has one effect however often its key comes. */
  #carryOut(event, data, key) {
    if (key !== undefined && this.#keys.has(key)) return { ...this.#keys.get(key), duplicate: true };
    this.effects.push([event, data]);
    const done = this.effects.length;
    const answer = event === 'task_create' ? { done, task: { id: 100 + done, version: 1, ...data } } : { done };
    if (key !== undefined) this.#keys.set(key, answer);
    return answer;
  }

  async #answerHttp(request, response) {
    const url = new URL(request.url, 'http://localhost');
    this.requests.push(`${request.method} ${url.pathname}`);
    if (this.http === 'away') return response.destroy();
    const json = (status, body) => response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    const token = (request.headers.authorization ?? '').replace('Bearer ', '');
    const refusal = this.refusedTokens.get(token);
    if (refusal) return json(401, { code: refusal, message: 'No.' });
    let text = '';
    for await (const part of request) text += part;
    const events = url.pathname.match(/^\/api\/projects\/(\d+)\/events\/$/);
    if (events) return this.#answerPoll(`project.${events[1]}`, url.searchParams, json, response);
    const [, room, log] = url.pathname.match(/^\/api\/rooms\/([^/]+)\/(events\/)?$/) ?? [];
    if (room && this.forbidden.has(room)) return json(404, { code: 'not_found', message: 'No such room.' });
    if (room && log) return this.#answerPoll(room, url.searchParams, json, response);
    if (room) {
      const body = this.#snapshot(room);
      await this.beforeSnapshot();
      return json(200, body);
    }
    if (url.pathname === '/api/notifications/events/') return this.#answerPoll('user.1', url.searchParams, json, response);
    if (url.pathname === '/api/notifications/') {
      this.requests.push(`${request.method} ${request.url}`);
      const seq = this.log('user.1').length;
      return json(200, { count: 0, next: null, previous: null, results: [], seq, epoch: this.epoch, unread: this.unread });
    }
    const body = text ? JSON.parse(text) : null;
    if (this.tooFast > 0) {
      this.tooFast -= 1;
      return json(429, { code: 'rate_limited', message: 'Wait.', retry_after: 0.05 });
    }
    const done = this.#carryOut(`${request.method} ${url.pathname}`, body, request.headers['idempotency-key']);
    if (this.http === 'silent') return response.destroy();
    if (request.method === 'DELETE') return response.writeHead(204).end();
    json(request.method === 'POST' ? 201 : 200, { id: 7, task_id: 7, project_id: 3, version: 2, ...body, ...done });
  }

  /** Sends what a change of a record in a live room makes; `say` changes the event, as a large one is cut. */
  save(room, id, fields, say = (data) => data) {
    const [model, records] = ['helpdesk.ticket', this.#recordsOf(room)];
    const known = records.get(id);
    records.set(id, { ...known, id, ...fields });
    if (!known) return this.append(room, 'record_created', say({ model, id, record: records.get(id), by: null }));
    const previous = Object.fromEntries(Object.keys(fields).map((name) => [name, known[name]]));
    return this.append(room, 'record_updated', say({ model, id, changes: fields, previous, by: null }));
  }

  remove(room, id) {
    this.#recordsOf(room).delete(id);
    return this.append(room, 'record_deleted', { model: 'helpdesk.ticket', id, moved: false, by: null });
  }

  #recordsOf(room) {
    if (!this.records.has(room)) this.records.set(room, new Map());
    return this.records.get(room);
  }

  #snapshot(room) {
    return { room, seq: this.log(room).length, epoch: this.epoch, records: { 'helpdesk.ticket': [...this.#recordsOf(room).values()] } };
  }

  #answerPoll(room, query, json, response) {
    const log = this.log(room);
    const since = Number(query.get('since') ?? 0);
    const limit = Number(query.get('limit') ?? 500);
    const reset = (query.get('epoch') ?? this.epoch) !== this.epoch || since > log.length;
    const answer = () => {
      clearTimeout(timer);
      this.#pollers.delete(answer);
      const events = reset ? [] : log.slice(since, since + limit);
      json(200, { events, seq: events.at(-1)?.seq ?? since, head: log.length, epoch: this.epoch, reset });
    };
    const timer = setTimeout(answer, Number(query.get('wait') ?? 0) * 1000);
    response.on('close', () => {
      clearTimeout(timer);
      this.#pollers.delete(answer);
    });
    if (reset || log.length > since || !Number(query.get('wait') ?? 0)) return answer();
    this.#pollers.add(answer);
  }
}
