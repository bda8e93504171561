// @ts-check
/** Calls with limits, any event as a request, connecting by hand, and what the client says of its state. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { WebSocket } from 'ws';

import { record, stage, until } from './support/harness.js';

/** Leaves a message without an answer. */
const silent = () => true;

describe('limits of a call', () => {
  test('a change whose signal aborts before it was sent is never made', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect({ connect: false });
    const controller = new AbortController();
    const refused = assert.rejects(client.addComment(7, 'a', { signal: controller.signal }), { code: 'cancelled' });
    controller.abort();
    await refused;
    await assert.rejects(client.addComment(7, 'b', { signal: controller.signal }), { code: 'cancelled' });
    client.connect();
    await client.addComment(7, 'c');
    assert.deepEqual(server.effects, [['new_comment', { task_id: 7, content: 'c' }]]);
  });

  test('a change without an answer is rejected after its time, and not sent again', async (t) => {
    const { server, connect } = await stage(t);
    server.overrides.new_comment = silent;
    const client = connect();
    await assert.rejects(client.addComment(7, 'a', { timeout: 500 }), { code: 'timed_out' });
    delete server.overrides.new_comment;
    server.cut();
    await client.deleteTask(7);
    assert.deepEqual(server.effects, [['task_delete', { task_id: 7 }]]);
  });

  test('a call that is answered in time has its answer', async (t) => {
    const { connect } = await stage(t);
    const { signal } = new AbortController();
    const client = connect();
    assert.equal((await client.createTask(3, { title: 'a' }, { signal, timeout: 60_000 })).task.title, 'a');
    assert.equal((await client.joinProject(3, { signal, timeout: 60_000 })).room, 'project.3');
  });

  test('a project is left again whose join took too long', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    await client.joinProject(4); // connected: what is called now is sent at once
    server.overrides.join_project = silent;
    await assert.rejects(client.joinProject(3, { timeout: 500 }), { code: 'timed_out' });
    await until(() => server.received.some(({ event }) => event === 'leave_project'), 'leave_project');
  });
});

describe('a limit of one caller', () => {
  test('leaves a project joined that was joined before', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    await client.joinProject(3);
    await assert.rejects(client.joinProject(3, { signal: AbortSignal.abort() }), { code: 'cancelled' });
    assert.equal((await client.joinProject(3)).room, 'project.3');
    assert.ok(!server.received.some(({ event }) => event === 'leave_project'));
  });
});

describe('any event as a request', () => {
  test('has the data of its answer, also if the connection breaks meanwhile', async (t) => {
    const { server, connect } = await stage(t);
    let count = 0;
    server.overrides.presence_update = ({ id, data }, { send, ws }) => {
      count += 1;
      if (count === 1) ws.terminate();
      else send({ event: 'ack', id, data });
      return true;
    };
    assert.deepEqual(await connect().request('presence_update', { status: 'busy' }), { status: 'busy' });
  });

  test('is refused with the code of the server', async (t) => {
    const { server, connect } = await stage(t);
    server.overrides.ops_watch = ({ id }, { send }) => {
      send({ event: 'error', id, data: { code: 'not_found', message: 'No.' } });
      return true;
    };
    await assert.rejects(connect().request('ops_watch', { watching: true }), { code: 'not_found' });
  });

  test('is sent with a key where it changes something', async (t) => {
    const { server, connect } = await stage(t);
    await connect().request('task_delete', { task_id: 7 });
    assert.equal(typeof server.received.find(({ event }) => event === 'task_delete').key, 'string');
  });

  test('is rejected when its time is over, or the client closes', async (t) => {
    const { connect } = await stage(t);
    const client = connect({ connect: false });
    await assert.rejects(client.request('ping', {}, { timeout: 500 }), { code: 'timed_out' });
    const refused = assert.rejects(client.request('ping', {}), { code: 'closed' });
    client.close();
    await refused;
  });

  test('does not send what belongs to the client', async (t) => {
    const { connect } = await stage(t);
    for (const event of ['connect', 'join_project', 'token_refresh']) {
      await assert.rejects(connect().request(/** @type {any} */ (event), {}), TypeError);
    }
  });
});

describe('connecting by hand', () => {
  test('nothing is opened before connect()', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect({ connect: false });
    const joining = client.joinProject(3);
    assert.equal(client.state, 'offline');
    assert.equal(server.connections.length, 0);
    client.connect();
    assert.equal((await joining).room, 'project.3');
  });

  test('after disconnect() the projects go on from where they were with connect()', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    const received = record(client);
    await client.joinProject(3);
    await until(() => client.state === 'live', 'live');
    client.disconnect();
    assert.deepEqual(client.status, { state: 'offline', reason: 'The client is disconnected: connect() connects it.', code: 'disconnected', retryAt: null });
    await until(() => server.open.length === 0, 'its end');
    server.append('project.3', 'task_deleted');
    const change = client.addComment(7, 'later');
    client.connect();
    await change;
    await until(() => received.seqs.length === 1, 'the missed event');
    assert.equal(server.connections.length, 2);
  });

  test('disconnect() ends polling, too', async (t) => {
    const { server, connect } = await stage(t);
    server.sockets = '503';
    const client = connect();
    await until(() => client.state === 'polling', 'polling');
    client.disconnect();
    assert.equal(client.state, 'offline');
    await until(() => server.polls === 0, 'the end of the polls');
    client.connect();
    await until(() => client.state === 'polling', 'polling again');
  });
});

describe('the status', () => {
  test('says why there is no connection, and when the next attempt is', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect({ now: Date.now, setTimeout });
    await until(() => client.state === 'live', 'live');
    assert.deepEqual(client.status, { state: 'live', reason: null, code: null, retryAt: null });
    const statuses = [];
    client.on('status', (status) => statuses.push(status));
    server.closeAll(4409);
    await until(() => client.state === 'offline', 'offline');
    const { code, reason, retryAt } = client.status;
    assert.equal(code, 4409);
    assert.equal(typeof reason, 'string');
    assert.ok(/** @type {number} */ (retryAt) > Date.now() + 10_000);
    assert.deepEqual(statuses.at(-1), client.status);
  });

  test('comes with each state', async (t) => {
    const { connect } = await stage(t);
    const client = connect();
    const came = [];
    client.on('state', (state, status) => came.push([state, status.state]));
    await until(() => client.state === 'live', 'live');
    client.close();
    assert.deepEqual(came.at(-1), ['closed', 'closed']);
    for (const [state, same] of came) assert.equal(state, same);
  });

  test('names the reason for which the client closed', async (t) => {
    const { server, connect } = await stage(t);
    server.refusedTokens.set('bad', 'token_invalid');
    const client = connect({ token: 'bad' });
    await until(() => client.state === 'closed', 'closed');
    assert.deepEqual(client.status, { state: 'closed', reason: 'No.', code: 'token_invalid', retryAt: null });
  });
});

describe('where no socket can be made', () => {
  /** Throws as browsers do on a secure page without TLS. */
  class Forbidden {
    constructor() {
      throw new DOMException('An insecure WebSocket connection may not be initiated.', 'SecurityError');
    }
  }

  test('the client says so once and polls at once', async (t) => {
    const { server, connect } = await stage(t);
    const errors = [];
    const client = connect({ WebSocket: Forbidden, connect: false });
    client.on('error', (error) => errors.push(error));
    client.connect();
    const received = record(client);
    await client.joinProject(3);
    await until(() => client.state === 'polling', 'polling');
    assert.equal(client.status.code, 'socket_refused');
    assert.match(String(client.status.reason), /insecure WebSocket/);
    server.append('project.3', 'task_deleted');
    await until(() => received.seqs.length === 1, 'the polled event');
    assert.deepEqual(errors.map(({ code }) => code), ['socket_refused']);
  });

  test('an engine without WebSocket polls, too', async (t) => {
    const { connect } = await stage(t);
    const own = globalThis.WebSocket;
    t.after(() => (globalThis.WebSocket = own));
    globalThis.WebSocket = /** @type {any} */ (undefined);
    const client = connect({ WebSocket: undefined });
    await until(() => client.state === 'polling', 'polling');
  });

  test('a socket that can be made later takes over', async (t) => {
    const { connect } = await stage(t);
    let isAllowed = false;
    const WebSocketLater = function (/** @type {[string, string[]]} */ ...args) {
      if (!isAllowed) throw new Error('blocked');
      return new WebSocket(...args);
    };
    const client = connect({ WebSocket: WebSocketLater });
    await until(() => client.state === 'polling', 'polling');
    isAllowed = true;
    await until(() => client.state === 'live', 'live');
  });
});

test('an engine without window, document, crypto and TextEncoder is enough', async (t) => {
  const names = ['crypto', 'TextEncoder', 'navigator', 'window', 'document', 'localStorage', 'indexedDB'];
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  const { server, connect } = await stage(t);
  try {
    for (const name of names) Object.defineProperty(globalThis, name, { value: undefined, configurable: true, writable: true });
    // React Native's own: an object without events.
    globalThis.window = /** @type {any} */ (globalThis);
    const client = connect({ window: {} });
    await client.joinProject(3);
    await assert.rejects(client.addComment(7, 'é'.repeat(256 * 1024)), { code: 'too_large' });
    await Promise.all([client.addComment(7, 'a'), client.addComment(7, 'b')]);
    assert.equal(server.effects.length, 2);
    client.close();
  } finally {
    for (const [index, name] of names.entries()) {
      const own = before[index];
      if (own) Object.defineProperty(globalThis, name, own);
      else delete globalThis[/** @type {keyof typeof globalThis} */ (name)];
    }
  }
});
