// @ts-check
/**
 * The client against a running server, through a network that fails on demand.
 *
 * SERVER_URL is its address; SERVER_USERS two of its users, as JSON: `[{"username": "ann", "password": "…"}, …]`.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { WebSocket } from 'ws';

import { applyEvent, fromSnapshot, toSnapshot } from '../../static/js/board/reducer.js';
import { TaskManagerWebSocket } from '../../static/js/client/index.js';
import { record, until } from './support/harness.js';
import { Proxy } from './support/proxy.js';

const { SERVER_URL = '', SERVER_USERS = '[]' } = process.env;
const [ANN, BOB] = JSON.parse(SERVER_USERS);
const skip = !SERVER_URL && 'SERVER_URL is not set';

/**
 * @param {string} method
 * @param {string} path
 * @param {{token?: string, body?: any}} [more]
 */
async function api(method, path, { token, body } = {}) {
  const response = await fetch(new URL(`/api/${path}`, SERVER_URL), {
    method,
    headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  });
  const answer = response.status === 204 ? null : await response.json();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** @param {{username: string, password: string}} user @returns {Promise<string>} */
const freshToken = async (user) => (await api('POST', 'token/', { body: user })).access;

/** @type {Map<any, Promise<string>>} a password takes the server long to check */
const tokens = new Map();

/** @param {{username: string, password: string}} user */
function tokenOf(user) {
  if (!tokens.has(user)) tokens.set(user, freshToken(user));
  return /** @type {Promise<string>} */ (tokens.get(user));
}

/**
 * A project of ann's with bob as its member, and clients behind the proxy; all gone when the test ends.
 *
 * @param {import('node:test').TestContext} t
 */
async function stage(t) {
  const [proxy, token] = [await Proxy.start(SERVER_URL), await tokenOf(ANN)];
  const { id } = await api('POST', 'projects/', { token, body: { name: t.name.slice(0, 100) } });
  await api('POST', `projects/${id}/members/`, { token, body: { username: BOB.username, role: 'member' } });
  /** @type {TaskManagerWebSocket[]} */
  const clients = [];
  t.after(async () => {
    for (const client of clients) client.close();
    await proxy.stop();
  });
  /** @param {any} [options] */
  const connect = ({ user = ANN, host = proxy.host, ...options } = {}) => {
    // Ten seconds are the patience with an answer; what is waited for besides, like the next attempt, comes sooner.
    const hurried = (/** @type {() => void} */ callback, /** @type {number} */ delay) => setTimeout(callback, delay === 10_000 ? delay : delay / 10);
    const client = new TaskManagerWebSocket({ url: `ws://${host}/ws/`, token: () => tokenOf(user), WebSocket, setTimeout: hurried, ...options });
    clients.push(client);
    return client;
  };
  const board = () => api('GET', `projects/${id}/board/`, { token });
  /** A client beside the proxy, which no fault meets. */
  const steady = () => connect({ host: new URL(SERVER_URL).host });
  return { proxy, token, id, connect, steady, board };
}

/** A board kept by a client's events alone. */
async function follow(client, id, board) {
  let state = fromSnapshot(await board());
  client.on('event', (_, frame) => (state = applyEvent(state, frame)));
  client.snapshot = async () => {
    state = fromSnapshot(await board());
    return state;
  };
  await client.joinProject(id, { since: state.seq, epoch: state.epoch });
  return () => toSnapshot(state);
}

/** The board that a client kept is the server's. */
async function assertSame(kept, board) {
  const wanted = await board();
  await until(() => kept().seq >= wanted.seq, `event ${wanted.seq}`, 60_000);
  wanted.members.sort((a, b) => a.user.id - b.user.id);
  assert.deepEqual(kept(), toSnapshot(fromSnapshot(wanted)));
  assert.deepEqual(kept().tasks, wanted.tasks);
}

describe('a real server', { skip, concurrency: 4 }, () => {
  test('carries out every call, and all clients receive it in order', async (t) => {
    const { id, connect, board } = await stage(t);
    const [ann, bob] = [connect(), connect({ user: BOB })];
    const kept = await follow(bob, id, board);
    const received = record(bob);
    await ann.joinProject(id);
    const { task } = await ann.createTask(id, { title: 'Paint', priority: 'high' });
    const { task: other } = await ann.createTask(id, { title: 'Glue' });
    const updated = await ann.updateTask(task.id, { description: 'twice' }, task.version);
    assert.deepEqual(updated, { task_id: task.id, project_id: id, version: 2 });
    assert.equal((await ann.updateTaskStatus(task.id, 'review')).status, 'review');
    assert.equal((await ann.moveTask(other.id, { status: 'review', beforeId: task.id })).status, 'review');
    assert.equal((await ann.addComment(task.id, 'hello')).task_id, task.id);
    await ann.deleteTask(other.id);
    assert.equal((await ann.restoreTask(other.id)).task.id, other.id);
    await assert.rejects(ann.updateTask(task.id, { description: 'thrice' }, 1), { code: 'conflict' });
    await assert.rejects(ann.createTask(id, { title: '' }), { code: 'invalid_data' });
    await assert.rejects(ann.joinProject(2 ** 31 - 1), { code: 'not_found' });
    await assertSame(kept, board);
    assert.deepEqual(received.seqs, received.seqs.map((_, index) => received.seqs[0] + index));
    assert.deepEqual((await board()).tasks.map(({ title, comment_count }) => [title, comment_count]), [['Glue', 0], ['Paint', 1]]);
  });

  test('presence, viewers and typing are known, and sent again after a lost connection', async (t) => {
    const { proxy, id, connect, steady } = await stage(t);
    const [shaky, watcher] = [connect({ user: BOB }), steady()];
    await watcher.joinProject(id);
    const [present] = watcher.presenceOf(id); // ann herself
    const { task } = await watcher.createTask(id, { title: 'Watched' });
    await shaky.setPresence('busy');
    await shaky.viewing(task.id);
    await shaky.joinProject(id);
    const bob = await until(() => [...watcher.presenceOf(id).keys()].find((user) => user !== present[0]), 'bob');
    await until(() => watcher.viewersOf(task.id).includes(bob), 'what he looks at');
    await shaky.typing(task.id, true);
    await until(() => watcher.typingOn(task.id).some((user) => user.id === bob), 'that he types');
    const received = record(watcher, ['user_presence', 'task_viewers', 'user_typing_status']);
    proxy.cut();
    await until(() => watcher.typingOn(task.id).length === 0, 'the end of typing');
    await until(() => shaky.state === 'live', 'another connection');
    await shaky.setPresence('idle');
    await until(() => watcher.presenceOf(id).get(bob) === 'idle', 'idle');
    await until(() => watcher.viewersOf(task.id).includes(bob), 'what he looks at, sent again');
    const statuses = received.events.filter(([name]) => name === 'user_presence').map(([, { status }]) => status);
    assert.deepEqual(statuses, ['idle']);
  });

  test('through a network that breaks again and again: nothing lost, nothing twice', async (t) => {
    const { proxy, id, connect, steady, board } = await stage(t);
    const [shaky, writer] = [connect({ user: BOB }), steady()];
    const kept = await follow(shaky, id, board);
    const received = record(shaky);
    const { task } = await writer.createTask(id, { title: 'Target' });
    /** @type {Promise<any>[]} */
    const calls = [];
    for (let round = 0; round < 8; round += 1) {
      for (let count = 0; count < 5; count += 1) {
        calls.push(writer.createTask(id, { title: `from the steady one ${round}.${count}` }));
        calls.push(shaky.addComment(task.id, `from the shaky one ${round}.${count}`));
      }
      if (round % 2) await calls.at(-1);
      proxy.cut();
    }
    await Promise.all(calls);
    await assertSame(kept, board);
    const [target] = (await board()).tasks.filter(({ id }) => id === task.id);
    assert.deepEqual([(await board()).tasks.length, target.comment_count], [41, 40]);
    assert.deepEqual(received.seqs, received.seqs.map((_, index) => received.seqs[0] + index));
    assert.ok(proxy.sockets > 4, `${proxy.sockets} sockets`);
    const said = await api('GET', `tasks/${task.id}/comments/?page_size=200`, { token: await tokenOf(ANN) });
    assert.deepEqual(said.results.map(({ content }) => content), calls.filter((_, index) => index % 2).map((_, index) => `from the shaky one ${Math.floor(index / 5)}.${index % 5}`));
  });

  test('a connection that goes silent is noticed', async (t) => {
    const { proxy, id, connect, steady, board } = await stage(t);
    const window = new EventTarget();
    // The patience with an unanswered ping, shortened; the page says when to doubt.
    const client = connect({ window, setTimeout: (callback, delay) => setTimeout(callback, Math.min(delay, 1000)) });
    const kept = await follow(client, id, board);
    proxy.freeze();
    await steady().createTask(id, { title: 'Unheard' });
    window.dispatchEvent(new Event('offline'));
    await assertSame(kept, board);
  });

  test('a position of another epoch starts anew from a snapshot', async (t) => {
    const { id, connect, steady, board } = await stage(t);
    await steady().createTask(id, { title: 'Before' });
    const client = connect();
    const reported = record(client, ['reset']);
    let state = fromSnapshot({ ...(await board()), tasks: [] });
    client.on('event', (_, frame) => (state = applyEvent(state, frame)));
    client.snapshot = async () => (state = fromSnapshot(await board()));
    const answer = await client.joinProject(id, { since: 1, epoch: 'another' });
    assert.equal(answer.reset, true);
    await until(() => client.state === 'live', 'live');
    await steady().createTask(id, { title: 'After' });
    await assertSame(() => toSnapshot(state), board);
    assert.deepEqual(reported.events.map(([, { project_id }]) => project_id), [id]);
  });

  test('where sockets are blocked everything goes by the API, and back', async (t) => {
    const { proxy, id, connect, steady, board } = await stage(t);
    proxy.letsSocketsThrough = false;
    const client = connect({ user: BOB });
    const kept = await follow(client, id, board);
    const received = record(client);
    await until(() => client.state === 'polling', 'polling');
    const { task } = await client.createTask(id, { title: 'Paint' });
    const { task: other } = await steady().createTask(id, { title: 'Glue' });
    assert.deepEqual(await client.updateTask(task.id, { priority: 'low' }, 1), { task_id: task.id, project_id: id, version: 2 });
    assert.deepEqual(await client.updateTaskStatus(task.id, 'review', 2), { task_id: task.id, project_id: id, status: 'review', version: 3 });
    const moved = await client.moveTask(other.id, { status: 'review', beforeId: task.id, tellPrevious: true });
    assert.deepEqual([moved.task_id, moved.status, moved.previous.status], [other.id, 'review', 'todo']);
    const { removed_labels } = await client.updateTask(task.id, { remove_labels: [1] });
    assert.deepEqual(removed_labels, [], 'which it did not carry');
    assert.equal((await client.addComment(task.id, 'hello')).task_id, task.id);
    await client.deleteTask(other.id);
    assert.equal((await client.restoreTask(other.id)).task.id, other.id);
    await assert.rejects(client.updateTask(task.id, { status: 'todo' }, 1), { code: 'conflict' });
    await assertSame(kept, board);
    proxy.letsSocketsThrough = true;
    await until(() => client.state === 'live', 'live', 60_000);
    await steady().createTask(id, { title: 'By socket' });
    await assertSame(kept, board);
    assert.deepEqual(received.seqs, received.seqs.map((_, index) => received.seqs[0] + index));
  });

  test('changes that a socket carried out without an answer are not done again by the API', async (t) => {
    const { proxy, id, connect, steady, board } = await stage(t);
    // From then on the server receives from the client, but the client no longer receives from the server.
    /** @type {any} */
    let socket;
    class Own extends WebSocket {
      constructor(/** @type {[string, string[]]} */ ...where) {
        super(...where);
        socket = this;
      }
    }
    const client = connect({ WebSocket: Own });
    const kept = await follow(client, id, board);
    const [{ task }, { task: other }] = [await steady().createTask(id, { title: 'Paint' }), await steady().createTask(id, { title: 'Glue' })];
    await assertSame(kept, board);
    socket.onmessage = null;
    const calls = [
      client.createTask(id, { title: 'Once' }),
      client.updateTask(task.id, { priority: 'low' }, 1),
      client.updateTaskStatus(task.id, 'review', 1),
      client.moveTask(other.id, { status: 'review', beforeId: task.id }),
      client.addComment(task.id, 'once'),
    ];
    await until(async () => (await board()).tasks.some(({ comment_count }) => comment_count === 1), 'the last change');
    proxy.letsSocketsThrough = false;
    proxy.cut();
    const answers = await Promise.all(calls);
    assert.deepEqual(answers.map(({ duplicate }) => duplicate), [true, true, true, true, true]);
    await assertSame(kept, board);
    assert.deepEqual((await board()).tasks.map(({ title, comment_count }) => [title, comment_count]).sort(), [['Glue', 0], ['Once', 0], ['Paint', 1]]);
  });

  test('a member that is removed gets an error, over the socket or by polling', async (t) => {
    const { proxy, token, id, connect, board } = await stage(t);
    const { members } = await board();
    const bob = members.find(({ user }) => user.username === BOB.username).user;
    for (const blocked of [false, true]) {
      proxy.letsSocketsThrough = !blocked;
      if (blocked) await api('POST', `projects/${id}/members/`, { token, body: { username: BOB.username, role: 'member' } });
      const client = connect({ user: BOB });
      const reported = record(client, ['removed_from_project']);
      await client.joinProject(id);
      await api('DELETE', `projects/${id}/members/${bob.id}/`, { token });
      await until(() => reported.events.length === 1, 'the removal');
      assert.deepEqual(reported.events, [['removed_from_project', { project_id: id }]]);
      await assert.rejects(client.joinProject(id), { code: 'not_found' });
      client.close();
    }
  });

  test('a room is followed by its name over the socket, through a break, and by polling', async (t) => {
    const { proxy, id, connect, steady } = await stage(t);
    const [writer, client] = [steady(), connect()];
    const room = client.room(`project.${id}`);
    const [titles, seqs] = [/** @type {string[]} */ ([]), /** @type {number[]} */ ([])];
    room.on('event', (_, { seq }) => seqs.push(seq));
    room.on('task_created', ({ task }) => titles.push(task.title));
    await room.ready;
    const { seq: first } = /** @type {{seq: number}} */ (room.position);
    await writer.createTask(id, { title: 'live' });
    await until(() => titles.length === 1, 'the live event');
    proxy.cut();
    await writer.createTask(id, { title: 'missed' });
    await until(() => titles.length === 2, 'the missed event');
    proxy.letsSocketsThrough = false;
    proxy.cut();
    await until(() => client.state === 'polling', 'polling');
    await writer.createTask(id, { title: 'polled' });
    await until(() => titles.length === 3, 'the polled event');
    proxy.letsSocketsThrough = true;
    await until(() => client.state === 'live', 'live');
    await writer.createTask(id, { title: 'live again' });
    await until(() => titles.length === 4, 'the last event');
    assert.deepEqual(titles, ['live', 'missed', 'polled', 'live again']);
    assert.deepEqual(seqs, seqs.map((_, index) => first + 1 + index));
    assert.equal(room.position?.seq, seqs.at(-1));
  });

  test('a room ends with the right to read it, and one that may not be read is refused', async (t) => {
    const { token, id, connect, board } = await stage(t);
    const bob = (await board()).members.find((/** @type {any} */ { user }) => user.username === BOB.username).user;
    const client = connect({ user: BOB });
    const room = client.room(`project.${id}`);
    const removed = new Promise((resolve) => room.on('removed_from_room', resolve));
    await room.ready;
    await api('DELETE', `projects/${id}/members/${bob.id}/`, { token });
    assert.deepEqual(await removed, { room: `project.${id}` });
    assert.equal(room.position, null);
    await assert.rejects(client.room(`project.${id}`).ready, { code: 'not_found' });
    await assert.rejects(client.room('helpdesk.queue.7').ready, { code: 'not_found' });
  });

  test('a token is renewed on the open connection', async (t) => {
    const { proxy, connect } = await stage(t);
    let [asked, hurried] = [0, false];
    const client = connect({
      token: () => freshToken(ANN).finally(() => (asked += 1)),
      setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ delay) => {
        // The first wait of minutes is the one until the token's end.
        const hurry = delay > 60_000 && !hurried;
        hurried ||= hurry;
        return setTimeout(callback, hurry ? 0 : delay);
      },
    });
    const received = record(client);
    await until(() => asked === 2, 'the fresh token');
    await client.leaveProject(1); // an answer after the renewal's
    assert.deepEqual([received.states, proxy.sockets], [['live'], 1]);
  });

  test('a token that is none ends it with the reason', async (t) => {
    const { proxy, connect } = await stage(t);
    const client = connect({ token: 'none' });
    const received = record(client, ['error']);
    await until(() => client.state === 'closed', 'closed');
    assert.deepEqual(received.events.map(([, { code }]) => code), ['token_invalid']);
    assert.equal(proxy.sockets, 1);
  });
});

// Not beside the others, which use the tokens that end here.
test('signing out everywhere ends the connection', { skip }, async (t) => {
  const { connect } = await stage(t);
  const client = connect({ user: BOB });
  await until(() => client.state === 'live', 'live');
  await api('POST', 'token/revoke/', { token: await tokenOf(BOB) });
  await until(() => client.state === 'closed', 'closed');
});
