// @ts-check
/** Where sockets are blocked: the same promise by long polling, and changes by the API. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { record, stage, until } from './support/harness.js';

const ROOM = 'project.3';

/** A client that polls project 3 of a server that refuses sockets. */
async function polling(t, options) {
  const { server, connect } = await stage(t);
  server.sockets = '503';
  const client = connect(options);
  const received = record(client);
  const joined = client.joinProject(3);
  await until(() => client.state === 'polling', 'polling');
  return { server, client, received, joined };
}

test('events come in order, once, and the socket takes over without a gap', async (t) => {
  const { server, client, received, joined } = await polling(t);
  assert.deepEqual(await joined, { project_id: 3, room: ROOM, seq: 0, epoch: 'e1', reset: false });
  for (let count = 0; count < 3; count += 1) server.append(ROOM, 'task_deleted');
  await until(() => received.seqs.length === 3, 'polled events');
  server.sockets = 'ok';
  server.append(ROOM, 'task_deleted');
  await until(() => client.state === 'live', 'live');
  server.append(ROOM, 'task_deleted');
  await until(() => received.seqs.length === 5, 'the live event');
  assert.deepEqual(received.seqs, [1, 2, 3, 4, 5]);
  assert.deepEqual(received.states.filter((state) => state !== 'catching-up'), ['offline', 'polling', 'live']);
});

test('nothing is polled any more once the socket is back', async (t) => {
  /** @type {Set<AbortSignal>} */
  const pending = new Set();
  const { server, client } = await polling(t, {
    fetch: async (/** @type {string} */ url, /** @type {any} */ init) => {
      pending.add(init.signal);
      return fetch(url, init).finally(() => pending.delete(init.signal));
    },
  });
  await until(() => server.polls === 2, 'open polls of the project and the user room');
  server.sockets = 'ok';
  await new Promise((resolve) => client.once('connected', resolve));
  assert.ok([...pending].every(({ aborted }) => aborted));
  await until(() => server.polls === 0, 'its end');
  const count = server.requests.length;
  server.append(ROOM, 'task_deleted');
  await client.addComment(7, 'by socket');
  assert.equal(server.requests.length, count);
});

test('changes go by the API with the key of the socket', async (t) => {
  const { server, client } = await polling(t);
  const answers = await Promise.all([
    client.createTask(3, { title: 'a' }),
    client.updateTask(7, { title: 'b' }, 1),
    client.updateTaskStatus(7, 'review'),
    client.moveTask(7, { status: 'todo', afterId: 9 }),
    client.addComment(7, 'hi'),
    client.restoreTask(7),
    client.deleteTask(7),
  ]);
  assert.deepEqual(server.effects, [
    ['POST /api/tasks/', { title: 'a', project_id: 3 }],
    ['PATCH /api/tasks/7/', { title: 'b', version: 1 }],
    ['POST /api/tasks/7/status/', { status: 'review' }],
    ['POST /api/tasks/7/move/', { status: 'todo', after_id: 9 }],
    ['POST /api/tasks/7/comments/', { content: 'hi' }],
    ['POST /api/tasks/7/restore/', {}],
    ['DELETE /api/tasks/7/', null],
  ]);
  assert.equal(answers[0].task.title, 'a');
  assert.deepEqual(answers[2], { task_id: 7, project_id: 3, status: 'review', version: 2 });
  assert.deepEqual(answers[4], { comment_id: 7, task_id: 7, project_id: 3 });
  assert.deepEqual(answers[6], { task_id: 7 });
});

test('a change that the socket carried out without an answer is not done again by the API', async (t) => {
  const { server, connect } = await stage(t);
  const client = connect();
  await client.joinProject(3);
  server.overrides.new_comment = (_, connection) => {
    connection.send = () => {};
    setTimeout(() => {
      server.sockets = '503';
      server.cut();
    }, 10);
    return false;
  };
  await client.addComment(7, 'a');
  assert.deepEqual(server.effects, [['new_comment', { task_id: 7, content: 'a' }]]);
  assert.ok(server.requests.includes('POST /api/tasks/7/comments/'));
});

test('a change whose answer is lost goes again, and is done once', async (t) => {
  const { server, client } = await polling(t);
  server.http = 'silent';
  const call = client.addComment(7, 'a');
  const sent = () => server.requests.filter((request) => request === 'POST /api/tasks/7/comments/').length;
  await until(() => sent() >= 2, 'the second try');
  server.http = 'ok';
  const answer = await call;
  assert.deepEqual([answer.duplicate, server.effects.length], [true, 1]);
});

test('a change that the API refuses is rejected', async (t) => {
  const { client } = await polling(t, {
    fetch: async (/** @type {string} */ url, /** @type {any} */ init) =>
      init.method === 'GET' ? fetch(url, init) : Response.json({ code: 'conflict', message: 'Changed.', details: { fields: ['title'] } }, { status: 409 }),
  });
  await assert.rejects(client.updateTask(7, { title: 'b' }, 1), { code: 'conflict', details: { fields: ['title'] } });
});

test('a reset fetches a snapshot', async (t) => {
  let snapshots = 0;
  const { server, client, received } = await polling(t, {
    snapshot: async () => ({ seq: 2, epoch: server.epoch, count: (snapshots += 1) }),
  });
  server.epoch = 'e2';
  for (let count = 0; count < 3; count += 1) server.append(ROOM, 'task_deleted');
  await until(() => received.seqs.includes(3), 'the event after the snapshot');
  assert.deepEqual([received.seqs.at(-1), client.state], [3, 'polling']);
});

test('is `offline` while the API is away too, and goes on afterwards', async (t) => {
  const { server, client, received } = await polling(t);
  server.http = 'away';
  server.append(ROOM, 'task_deleted');
  await until(() => client.state === 'offline', 'offline');
  server.append(ROOM, 'task_deleted');
  server.http = 'ok';
  await until(() => received.seqs.length === 2, 'the missed events');
  assert.deepEqual(received.seqs, [1, 2]);
});

test('a token that expired is replaced by a fresh one', async (t) => {
  let number = 0;
  const { server, client, received } = await polling(t, { token: async () => `t${(number += 1)}` });
  server.refusedTokens.set(`t${number}`, 'token_expired');
  server.append(ROOM, 'task_deleted');
  server.append(ROOM, 'task_deleted');
  await until(() => received.seqs.length === 2, 'the events');
  assert.equal(client.state, 'polling');
});

test('a project that is gone is not polled any more, and the page gets an error', async (t) => {
  let gone = false;
  const { server, client } = await polling(t, {
    fetch: async (/** @type {string} */ url, /** @type {any} */ init) => {
      const response = await fetch(url, init);
      return gone ? new Response('{"code":"not_found","message":"No."}', { status: 404 }) : response;
    },
  });
  const reported = record(client, ['removed_from_project']);
  gone = true;
  server.append(ROOM, 'task_deleted');
  await until(() => reported.events.length === 1, 'the end of the membership');
  assert.deepEqual(reported.events, [['removed_from_project', { project_id: 3 }]]);
});

test('notifications come, once, and the socket takes over', async (t) => {
  const { server, client } = await polling(t);
  const reported = record(client, ['notification']);
  await client.notifications();
  server.append('user.1', 'comment_added', { n: 1 });
  await until(() => reported.events.length === 1, 'the polled one');
  assert.equal(client.unread, 1);
  server.sockets = 'ok';
  server.unread = 1;
  await until(() => client.state === 'live', 'live');
  server.append('user.1', 'comment_added', { n: 2 });
  await until(() => reported.events.length === 2, 'the live one');
  assert.deepEqual(reported.events.map(([, { n }]) => n), [1, 2]);
  assert.equal(client.unread, 2);
});

test('notifications missed between socket and polls come, too', async (t) => {
  const { server, connect } = await stage(t);
  const client = connect();
  const reported = record(client, ['notification', 'reset']);
  await until(() => client.state === 'live', 'live');
  server.append('user.1', 'comment_added', { n: 1 });
  server.sockets = '503';
  server.cut();
  server.logOnly('user.1', 'comment_added', { n: 2 });
  await until(() => client.state === 'polling', 'polling');
  await until(() => reported.events.length === 2, 'both');
  assert.deepEqual(reported.events.map(([, { n }]) => n), [1, 2]);
  server.epoch = 'e2';
  server.append('user.1', 'comment_added', { n: 3 });
  await until(() => reported.events.some(([name]) => name === 'reset'), 'the reset');
  assert.deepEqual(reported.events.at(-1), ['reset', { project_id: null, room: 'user.1', seq: 3, epoch: 'e2' }]);
});
