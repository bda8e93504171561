// @ts-check
/** The whole client against a server that misbehaves on demand: nothing lost, nothing twice, in order. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { WebSocket } from 'ws';

import { entered, record, stage, turn, until } from './support/harness.js';

const ROOM = 'project.3';

/** A client that joined project 3 and is live. */
async function joined(stage, options) {
  const client = stage.connect(options);
  const received = record(client);
  await client.joinProject(3);
  await until(() => client.state === 'live', 'live');
  return { client, received };
}

describe('connecting', () => {
  test('the token goes by subprotocol, never in the address or a message', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect({ token: 'secret' });
    await until(() => client.state === 'live', 'live');
    assert.deepEqual(server.connection.protocols, ['taskrealtime.v1', 'bearer.secret']);
    assert.deepEqual(server.received, []);
  });

  test('calls right after construction are carried out in order', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    const answers = await Promise.all([
      client.joinProject('3'),
      client.createTask(3, { title: 'a' }),
      client.updateTaskStatus(7, 'review', 4),
      client.addComment('7', 'hi'),
      client.updateTask(7, { title: 'b' }),
      client.moveTask(7, { status: 'todo', beforeId: 9, orAfterId: null }),
      client.deleteTask(7),
      client.restoreTask(7),
    ]);
    assert.equal(answers[0].room, ROOM);
    assert.deepEqual(answers.slice(1).map(({ done }) => done), [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(server.effects, [
      ['task_create', { title: 'a', project_id: 3 }],
      ['task_status_update', { task_id: 7, status: 'review', version: 4 }],
      ['new_comment', { task_id: 7, content: 'hi' }],
      ['task_update', { task_id: 7, changes: { title: 'b' } }],
      ['task_move', { task_id: 7, status: 'todo', before_id: 9, or_after_id: null }],
      ['task_delete', { task_id: 7 }],
      ['task_restore', { task_id: 7 }],
    ]);
  });

  test('a refused call rejects with all that the server said', async (t) => {
    const { server, connect } = await stage(t);
    server.overrides.task_update = ({ id }, { send }) => {
      send({ event: 'error', id, data: { code: 'conflict', message: 'Changed.', details: { fields: ['title'] } } });
      return true;
    };
    await assert.rejects(connect().updateTask(7, { title: 'b' }, 1), (/** @type {any} */ error) => {
      assert.ok(error instanceof Error);
      assert.deepEqual([error.code, error.message, error.details], ['conflict', 'Changed.', { fields: ['title'] }]);
      return true;
    });
  });

  test('what is no id is refused at once', async (t) => {
    const { connect } = await stage(t);
    for (const id of ['x', 0, -1, 1.5, '']) await assert.rejects(connect().deleteTask(id), TypeError);
  });

  test('a change too large for any connection is refused, and the connection stays', async (t) => {
    const { server, connect } = await stage(t);
    const { client } = await joined({ connect });
    await assert.rejects(client.addComment(7, 'x'.repeat(256 * 1024)), { code: 'too_large' });
    await client.addComment(7, 'short');
    assert.equal(server.connections.length, 1);
  });
});

describe('events', () => {
  test('come by their name and as `event`, with data and frame', async (t) => {
    const { server, connect } = await stage(t);
    const { client } = await joined({ connect });
    /** @type {any[]} */
    const calls = [];
    client.on('task_deleted', (data, frame) => calls.push(['own', data, frame.seq]));
    client.on('event', (data, frame) => calls.push(['any', data, frame.seq]));
    server.append(ROOM, 'task_deleted', { task_id: 7 });
    await until(() => calls.length === 2, 'the event');
    assert.deepEqual(calls, [['any', { task_id: 7 }, 1], ['own', { task_id: 7 }, 1]]);
  });

  test('a copy in the user room is a notification, so that an assignment is received once', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    const received = record(client, ['task_assigned', 'due_date_reminder', 'notification']);
    await until(() => client.state === 'live', 'live');
    server.append('user.1', 'task_assigned', { task_id: 7 });
    server.append('user.1', 'due_date_reminder', { task_id: 8, kind: 'overdue' });
    await until(() => received.events.length === 3, 'both');
    assert.deepEqual(received.events, [
      ['notification', { task_id: 7, kind: 'task_assigned' }],
      ['notification', { task_id: 8, kind: 'due_date_reminder' }],
      ['due_date_reminder', { task_id: 8, kind: 'overdue' }],
    ]);
    assert.deepEqual(received.seqs, []);
  });

  test('of a project that was left are not received', async (t) => {
    const { server, connect } = await stage(t);
    const { client, received } = await joined({ connect });
    const left = client.leaveProject(3);
    server.append(ROOM, 'task_deleted');
    assert.deepEqual(await left, { project_id: 3 });
    server.cut();
    await until(() => server.connections.length === 2 && client.state === 'live', 'the next connection');
    assert.deepEqual(received.seqs, []);
    assert.deepEqual(server.connection.received.map(({ event }) => event), ['connect']);
  });
});

describe('resuming', () => {
  test('goes on from the last event, in the project and in the user room', async (t) => {
    const { server, connect } = await stage(t);
    server.logOnly(ROOM, 'old');
    const { client, received } = await joined({ connect });
    const mine = record(client, ['notification']);
    server.append(ROOM, 'task_deleted');
    server.append('user.1', 'comment_added');
    await until(() => received.seqs.length === 1 && mine.events.length === 1, 'the first events');
    server.cut();
    for (let count = 0; count < 3; count += 1) server.logOnly(ROOM, 'task_deleted');
    server.logOnly('user.1', 'comment_added');
    await until(() => received.seqs.length === 4 && mine.events.length === 2, 'the missed events');
    server.append(ROOM, 'task_deleted');
    await until(() => received.seqs.length === 5, 'a live event');
    assert.deepEqual(received.seqs, [2, 3, 4, 5, 6]);
    const [connectAgain, joinAgain] = server.connection.received;
    assert.deepEqual([connectAgain.event, connectAgain.data], ['connect', { since: 1, epoch: 'e1' }]);
    assert.deepEqual([joinAgain.event, joinAgain.data], ['join_project', { project_id: 3, since: 2, epoch: 'e1' }]);
  });

  test("starts from the page's own snapshot", async (t) => {
    const { server, connect } = await stage(t);
    for (let count = 0; count < 4; count += 1) server.logOnly(ROOM, 'task_deleted');
    const client = connect();
    const received = record(client);
    await client.joinProject(3, { since: 2, epoch: 'e1' });
    await until(() => received.seqs.length === 2, 'the missed events');
    assert.deepEqual(received.seqs, [3, 4]);
  });

  test('is `catching-up` until the head that the answer named', async (t) => {
    const { server, connect } = await stage(t);
    const { client, received } = await joined({ connect });
    server.overrides.join_project = ({ id }, { send, rooms }) => {
      rooms.add(ROOM);
      send({ event: 'ack', id, data: { project_id: 3, room: ROOM, seq: 2, epoch: 'e1', reset: false, presence: [] } });
      send({ event: 'task_deleted', data: {}, room: ROOM, seq: 1 });
      return true;
    };
    server.cut();
    await until(() => received.seqs.length === 1, 'the first missed event');
    await turn();
    assert.equal(client.state, 'catching-up');
    server.connection.send({ event: 'task_deleted', data: {}, room: ROOM, seq: 2 });
    await until(() => client.state === 'live', 'live');
    assert.deepEqual(received.states, ['catching-up', 'live', 'connecting', 'catching-up', 'live']);
  });

  test('is `catching-up` until the user room goes on, too', async (t) => {
    const { server, connect } = await stage(t);
    const { client } = await joined({ connect });
    /** @type {any} */
    let question;
    server.overrides.connect = (message) => (question = message);
    server.cut();
    await until(() => question, 'the question for missed events');
    await client.addComment(7, 'a message there and back');
    assert.equal(client.state, 'catching-up');
    const data = { room: 'user.1', seq: 0, epoch: 'e1', reset: false };
    server.connection.send({ event: 'connected', id: question.id, data });
    await until(() => client.state === 'live', 'live');
  });

  test('what comes twice is delivered once', async (t) => {
    const { server, connect } = await stage(t);
    const { received } = await joined({ connect });
    const first = server.append(ROOM, 'task_deleted');
    server.connection.send(first);
    server.append(ROOM, 'task_deleted');
    server.connection.send(first);
    server.append(ROOM, 'task_deleted');
    await until(() => received.seqs.length === 3, 'three events');
    assert.deepEqual(received.seqs, [1, 2, 3]);
  });

  test('a gap is filled from the log, in order', async (t) => {
    const { server, connect } = await stage(t);
    const { client, received } = await joined({ connect });
    server.append(ROOM, 'task_deleted');
    server.logOnly(ROOM, 'task_deleted');
    server.append(ROOM, 'task_deleted');
    await until(() => received.seqs.length === 3 && client.state === 'live', 'the missing event');
    assert.deepEqual(received.seqs, [1, 2, 3]);
    assert.equal(server.connections.length, 1);
  });

  test('a second gap gives the connection up', async (t) => {
    const { server, connect } = await stage(t);
    const { received } = await joined({ connect });
    for (let count = 0; count < 2; count += 1) {
      server.logOnly(ROOM, 'task_deleted');
      server.append(ROOM, 'task_deleted');
      await until(() => received.seqs.length === 2 * (count + 1), 'the missing event');
    }
    assert.deepEqual(received.seqs, [1, 2, 3, 4]);
    assert.equal(server.connections.length, 2);
  });

  test('a gap in the user room is filled by another connection', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    const received = record(client, ['notification']);
    await until(() => client.state === 'live', 'live');
    server.logOnly('user.1', 'comment_added', { n: 1 });
    server.append('user.1', 'comment_added', { n: 2 });
    await until(() => received.events.length === 2, 'both');
    assert.deepEqual(received.events.map(([, { n }]) => n), [1, 2]);
  });

  test('a join that fails for a passing reason is tried again', async (t) => {
    const { server, connect } = await stage(t);
    let refusals = 2;
    server.overrides.join_project = ({ id }, { send }) => {
      if (refusals === 0) return false;
      refusals -= 1;
      send({ event: 'error', id, data: { code: refusals ? 'internal' : 'rate_limited', message: 'Later.', retry_after: 1 } });
      return true;
    };
    await joined({ connect });
    assert.equal(server.received.length, 3);
  });

  test('a project that is gone is not joined again, and the page gets an error', async (t) => {
    const { server, connect } = await stage(t);
    const { client } = await joined({ connect });
    const received = record(client, ['removed_from_project']);
    server.overrides.join_project = ({ id }, { send }) => {
      send({ event: 'error', id, data: { code: 'not_found', message: 'No.' } });
      return true;
    };
    server.cut();
    await until(() => received.events.length === 1 && client.state === 'live', 'the end of the membership');
    assert.deepEqual(received.events, [['removed_from_project', { project_id: 3 }]]);
    await assert.rejects(client.joinProject(3), { code: 'not_found' });
    server.cut();
    await until(() => server.connections.length === 3 && client.state === 'live', 'the next connection');
    assert.deepEqual(server.connection.received.map(({ event }) => event), ['connect']);
  });

  test('a removal that the server reports ends the following', async (t) => {
    const { server, connect } = await stage(t);
    const { client, received } = await joined({ connect });
    const reported = record(client, ['removed_from_project']);
    server.connection.send({ event: 'removed_from_project', data: { project_id: 3 } });
    server.append(ROOM, 'task_deleted');
    server.cut();
    await until(() => server.connections.length === 2 && client.state === 'live', 'the next connection');
    assert.deepEqual([reported.events.length, received.seqs], [1, []]);
  });
});

describe('a reset', () => {
  test('holds events until the snapshot is taken over', async (t) => {
    const { server, connect } = await stage(t);
    /** @type {((position: any) => void)[]} */
    const snapshots = [];
    const { client, received } = await joined({ connect }, {
      snapshot: () => new Promise((resolve) => snapshots.push(resolve)),
    });
    const reported = record(client, ['reset']);
    server.epoch = 'e2';
    for (let count = 0; count < 5; count += 1) server.logOnly(ROOM, 'task_deleted');
    server.cut();
    await until(() => snapshots.length === 1, 'the call for a snapshot');
    for (let count = 0; count < 3; count += 1) server.append(ROOM, 'task_deleted');
    await client.addComment(7, 'a message there and back, so that the events are here');
    assert.deepEqual([received.seqs, client.state], [[], 'catching-up']);
    snapshots[0]({ seq: 6, epoch: 'e2' });
    await until(() => client.state === 'live', 'live');
    server.append(ROOM, 'task_deleted');
    await until(() => received.seqs.length === 3, 'the live event');
    assert.deepEqual(received.seqs, [7, 8, 9]);
    // The epoch is the log's, so the user room starts anew as well; there is nothing to hold there.
    assert.deepEqual(reported.events.map(([, data]) => data), [
      { project_id: null, room: 'user.1', seq: 0, epoch: 'e2' },
      { project_id: 3, room: ROOM, seq: 5, epoch: 'e2' },
    ]);
  });

  test('survives a break while the snapshot is fetched', async (t) => {
    const { server, connect } = await stage(t);
    /** @type {((position: any) => void)[]} */
    const snapshots = [];
    const { client, received } = await joined({ connect }, {
      snapshot: () => new Promise((resolve) => snapshots.push(resolve)),
    });
    server.epoch = 'e2';
    for (let count = 0; count < 5; count += 1) server.logOnly(ROOM, 'task_deleted');
    server.cut();
    await until(() => snapshots.length === 1, 'the call for a snapshot');
    server.append(ROOM, 'task_deleted');
    server.cut();
    server.logOnly(ROOM, 'task_deleted');
    await until(() => server.open.length === 1 && server.connection.received.length > 0, 'the next connection');
    snapshots[0]({ seq: 5, epoch: 'e2' });
    await until(() => client.state === 'live', 'live');
    assert.deepEqual([received.seqs, snapshots.length], [[6, 7], 1]);
  });

  test('a snapshot that fails is fetched again', async (t) => {
    const { server, connect } = await stage(t);
    let failures = 2;
    const { client, received } = await joined({ connect }, {
      snapshot: async () => {
        if (failures-- > 0) throw new Error('away');
        return { seq: 5, epoch: 'e2' };
      },
    });
    server.epoch = 'e2';
    for (let count = 0; count < 5; count += 1) server.logOnly(ROOM, 'task_deleted');
    server.cut();
    await until(() => server.connections.length === 2 && client.state === 'live', 'live');
    server.append(ROOM, 'task_deleted');
    await until(() => received.seqs.length === 1, 'the live event');
    assert.deepEqual([received.seqs, failures], [[6], -1]);
  });

  test('without a snapshot goes on from where the log is, every time', async (t) => {
    const { server, connect } = await stage(t);
    const { client, received } = await joined({ connect });
    const reported = record(client, ['reset']);
    for (const epoch of ['e2', 'e3']) {
      server.epoch = epoch;
      server.logOnly(ROOM, 'missed for good');
      const count = server.connections.length;
      server.cut();
      await until(() => server.connections.length > count && client.state === 'live', 'live');
      server.append(ROOM, 'task_deleted');
    }
    await until(() => received.seqs.length === 2, 'the live events');
    assert.deepEqual(received.seqs, [2, 4]);
    assert.equal(reported.events.filter(([, { project_id }]) => project_id === 3).length, 2);
  });
});

describe('changes', () => {
  test('without an answer go again, have one effect, and keep their order', async (t) => {
    const { server, connect } = await stage(t);
    const { client } = await joined({ connect });
    let answered = 1;
    // From the second on they are carried out, but the connection breaks before the answers.
    server.overrides.new_comment = (_, connection) => {
      if (answered-- > 0) return false;
      delete server.overrides.new_comment;
      connection.send = () => {};
      setTimeout(() => server.cut(), 10);
      return false;
    };
    const calls = ['a', 'b', 'c', 'd'].map((content) => client.addComment(7, content));
    const settled = await Promise.all(calls);
    assert.deepEqual(server.effects.map(([, { content }]) => content), ['a', 'b', 'c', 'd']);
    assert.deepEqual(settled.map(({ done }) => done), [1, 2, 3, 4]);
    const keys = server.received.filter(({ event }) => event === 'new_comment').map(({ key }) => key);
    assert.deepEqual([keys.length, new Set(keys).size], [7, 4]);
    assert.deepEqual(settled.map(({ duplicate }) => duplicate), [undefined, true, true, true]);
  });

  test('older than the server remembers are uncertain, not done twice', async (t) => {
    const { server, connect } = await stage(t);
    const { client } = await joined({ connect }, { retention: 0 });
    server.overrides.new_comment = () => {
      delete server.overrides.new_comment;
      server.cut();
      return false;
    };
    await assert.rejects(client.addComment(7, 'a'), { code: 'uncertain' });
    assert.deepEqual(server.effects, [['new_comment', { task_id: 7, content: 'a' }]]);
  });

  test('that met an expired token go again with another', async (t) => {
    const { server, connect } = await stage(t);
    const { client } = await joined({ connect });
    server.overrides.new_comment = ({ id }, { send, ws }) => {
      delete server.overrides.new_comment;
      send({ event: 'error', id, data: { code: 'token_expired', message: 'Expired.' } });
      ws.close(4401);
      return true;
    };
    assert.deepEqual(await client.addComment(7, 'a'), { done: 1 });
  });
});

describe('the connection', { concurrency: true }, () => {
  test('that is half open is noticed by an unanswered ping', async (t) => {
    const { server, connect } = await stage(t);
    server.pingInterval = 10;
    const { client, received } = await joined({ connect });
    server.overrides.ping = () => true;
    await until(() => server.connections.length === 2, 'another connection');
    delete server.overrides.ping;
    server.append(ROOM, 'task_deleted');
    await until(() => received.seqs.length === 1 && client.state === 'live', 'live');
  });

  test('that is quiet but alive stays', async (t) => {
    const { server, connect } = await stage(t);
    server.pingInterval = 2;
    await joined({ connect });
    await until(() => server.received.filter(({ event }) => event === 'ping').length >= 5, 'five pings');
    assert.equal(server.connections.length, 1);
  });

  test('that is never answered is given up', async (t) => {
    const { server, connect } = await stage(t);
    server.sockets = 'mute';
    const client = connect();
    await until(() => server.connections.length === 2, 'another attempt');
    server.sockets = 'ok';
    await until(() => client.state === 'live', 'live');
  });

  test('comes back by exponential backoff', async (t) => {
    const { server, connect } = await stage(t);
    server.sockets = '503';
    /** @type {number[]} */
    const delays = [];
    const client = connect({
      random: () => 1,
      fetch: () => new Promise(() => {}), // The API is mute as well.
      setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ delay) => {
        // Ten seconds are the patience with an attempt, or a poll; the rest are the waits between attempts.
        if (delay === 10_000) return setTimeout(callback, delay);
        delays.push(delay);
        return setTimeout(callback, delay / 1000);
      },
    });
    const received = record(client);
    await until(() => delays.length >= 8, 'eight attempts');
    assert.deepEqual(delays.slice(0, 8), [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
    assert.deepEqual(received.states, ['offline']);
    server.sockets = 'ok';
    await until(() => client.state === 'live', 'live');
    assert.deepEqual(received.states, ['offline', 'live']);
  });

  test('that does not last is no reason to begin backoff anew; one that lasts is', async (t) => {
    const { server, connect } = await stage(t);
    /** @type {number[]} */
    const delays = [];
    let now = 0;
    const client = connect({
      random: () => 1,
      now: () => now,
      setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ delay) => {
        if (delay >= 10_000) return setTimeout(callback, delay);
        delays.push(delay);
        return setTimeout(callback, delay / 1000);
      },
    });
    for (const lasted of [0, 4_999, 0, 5_000, 0]) {
      await until(() => client.state === 'live', 'live');
      const count = server.connections.length;
      now += lasted;
      server.cut();
      await until(() => client.state === 'live' && server.connections.length > count, 'live again');
    }
    assert.deepEqual(delays, [500, 1000, 2000, 500, 1000]);
  });

  test('comes back when the page is online or seen again', async (t) => {
    const { server, connect } = await stage(t);
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
    // Waits of a minute: only what the page reports can end them.
    let attempts = 0;
    class Counted extends WebSocket {
      constructor(/** @type {[string, string[]]} */ ...where) {
        super(...where);
        attempts += 1;
      }
    }
    const client = connect({ window, document, WebSocket: Counted, random: () => 1, speed: 1 / 120 });
    await until(() => client.state === 'live', 'live');
    const lost = entered(client, 'connecting');
    server.cut();
    await lost;
    window.dispatchEvent(new Event('online'));
    await until(() => client.state === 'live', 'live again');
    const lostAgain = entered(client, 'connecting');
    server.cut();
    await lostAgain;
    document.dispatchEvent(new Event('visibilitychange'));
    await turn();
    assert.equal(attempts, 2);
    document.visibilityState = 'visible';
    document.dispatchEvent(new Event('visibilitychange'));
    await until(() => client.state === 'live', 'live again');
  });

  test('comes back no sooner than a server that is going away asked for', async (t) => {
    const { server, connect } = await stage(t);
    const window = new EventTarget();
    const { client, received } = await joined({ connect }, { window });
    const leftAt = performance.now();
    server.connection.send({ event: 'going_away', data: { reconnect_in_ms: 6000 } });
    const lost = entered(client, 'connecting');
    server.closeAll(1012);
    await lost;
    window.dispatchEvent(new Event('online'));
    await until(() => client.state === 'live', 'live');
    assert.ok(performance.now() - leftAt >= 6000 / 20);
    assert.deepEqual(received.states, ['catching-up', 'live', 'connecting', 'catching-up', 'live'].slice(-received.states.length));
  });

  test('stays away for long where there are too many connections', async (t) => {
    const { server, connect } = await stage(t);
    /** @type {number[]} */
    const delays = [];
    const client = connect({
      random: () => 0,
      setTimeout: (/** @type {() => void} */ callback, /** @type {number} */ delay) => {
        delays.push(delay);
        return setTimeout(callback, delay / 20);
      },
    });
    await until(() => server.open.length === 1, 'the connection');
    const away = entered(client, 'offline');
    server.closeAll(4409);
    await away;
    await until(() => server.connections.length === 2, 'the next');
    assert.ok(delays.some((delay) => delay >= 14_900 && delay <= 15_000), String(delays));
  });

  test('ends for good when the user is signed out', async (t) => {
    const { server, connect } = await stage(t);
    const { client } = await joined({ connect });
    server.overrides.new_comment = () => true;
    const call = client.addComment(7, 'a');
    const rejected = assert.rejects(call, { code: 'closed' });
    await until(() => server.received.some(({ event }) => event === 'new_comment'), 'the comment');
    server.closeAll(4403);
    await rejected;
    assert.equal(client.state, 'closed');
    await assert.rejects(client.addComment(7, 'b'), { code: 'closed' });
  });

  test('ends for good with close()', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    const calls = [client.joinProject(3), client.addComment(7, 'a')];
    client.close();
    for (const call of calls) await assert.rejects(call, { code: 'closed' });
    await until(() => server.open.length === 0, 'no connection');
    assert.equal(client.state, 'closed');
  });
});

describe('tokens', { concurrency: true }, () => {
  test('one that expired is replaced by a fresh one', async (t) => {
    const { server, connect } = await stage(t);
    let number = 0;
    server.refusedTokens.set('t1', 'token_expired');
    const client = connect({ token: async () => `t${(number += 1)}` });
    await until(() => client.state === 'live', 'live');
    server.closeAll(4401);
    await until(() => server.connections.length === 3 && client.state === 'live', 'live again');
    assert.deepEqual(server.connections.map(({ token }) => token), ['t1', 't2', 't3']);
  });

  test('one that is good serves for the next connection', async (t) => {
    const { server, connect } = await stage(t);
    let asked = 0;
    const client = connect({ token: async () => `t${(asked += 1)}` });
    await until(() => client.state === 'live', 'live');
    server.cut();
    await until(() => server.connections.length === 2 && client.state === 'live', 'live again');
    assert.equal(asked, 1);
  });

  test('a string that is refused ends it, and does not hammer', async (t) => {
    const { server, connect } = await stage(t);
    server.refusedTokens.set('old', 'token_expired');
    const client = connect({ token: 'old' });
    const received = record(client, ['error']);
    await until(() => client.state === 'closed', 'closed');
    assert.deepEqual(received.events.map(([, { code }]) => code), ['token_expired']);
    assert.equal(server.connections.length, 1);
  });

  test('none at all means signed out', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect({ token: async () => null });
    const received = record(client, ['error']);
    await until(() => client.state === 'closed', 'closed');
    assert.deepEqual(received.events.map(([, { code }]) => code), ['unauthenticated']);
    assert.equal(server.connections.length, 0);
  });

  test('a source that fails is asked again', async (t) => {
    const { connect } = await stage(t);
    let failures = 2;
    const client = connect({
      token: async () => {
        if (failures-- > 0) throw new Error('away');
        return 't';
      },
    });
    await until(() => client.state === 'live', 'live');
  });

  test('one that is about to end is not used for another connection', async (t) => {
    const { server, connect } = await stage(t);
    server.tokenSeconds = 4;
    let asked = 0;
    const client = connect({ token: async () => `t${(asked += 1)}` });
    await until(() => client.state === 'live', 'live');
    server.cut();
    await until(() => server.connections.length === 2 && client.state === 'live', 'live again');
    assert.deepEqual(server.connections.map(({ token }) => token), ['t1', 't2']);
  });

  test('a source that never answers is asked again', async (t) => {
    const { connect } = await stage(t);
    let asked = 0;
    const client = connect({ token: () => ((asked += 1) === 1 ? new Promise(() => {}) : Promise.resolve('t')) });
    await until(() => client.state === 'live', 'live');
    assert.equal(asked, 2);
  });

  test('one that comes after its connection broke is not given to the next', async (t) => {
    const { server, connect } = await stage(t);
    server.tokenSeconds = 20;
    /** @type {((token: string) => void)[]} */
    const asked = [];
    const client = connect({
      token: () =>
        new Promise((resolve) => {
          asked.push(resolve);
          if (asked.length !== 2) resolve(`t${asked.length}`);
        }),
    });
    await until(() => asked.length === 2, 'the question before the end');
    server.tokenSeconds = 600;
    server.cut();
    await until(() => server.connections.length === 2 && client.state === 'live', 'live with the third');
    asked[1]('t2');
    await client.addComment(7, 'a message after it');
    assert.deepEqual(server.connections.map(({ token }) => token), ['t1', 't3']);
    assert.deepEqual(server.connection.received.map(({ event }) => event), ['connect', 'new_comment']);
  });

  test('a fresh one is given to the open connection before the old one ends', async (t) => {
    const { server, connect } = await stage(t);
    server.tokenSeconds = 20;
    let number = 0;
    await joined({ connect }, { token: async () => `t${(number += 1)}` });
    const refreshes = () => server.received.filter(({ event }) => event === 'token_refresh');
    await until(() => refreshes().length === 2, 'two refreshes');
    assert.deepEqual(refreshes().map(({ data }) => data.token), ['t2', 't3']);
    assert.equal(server.connections.length, 1);
  });
});

describe('notifications', () => {
  /** @param {number[]} seen */
  const counting = async (t, seen) => {
    const { server, connect } = await stage(t);
    server.logOnly('user.1', 'comment_added');
    server.unread = 1;
    const client = connect();
    client.on('unread', (count) => seen.push(count));
    await until(() => client.state === 'live', 'live');
    return { server, client };
  };

  test('are counted from what the server reports, what comes and what was read anywhere', async (t) => {
    const seen = /** @type {number[]} */ ([]);
    const { server, client } = await counting(t, seen);
    assert.equal(client.unread, 1);
    server.append('user.1', 'task_assigned');
    await until(() => client.unread === 2, 'the new one');
    const read = { event: 'notifications_read', room: 'user.1', data: { up_to: 1, unread: 1 } };
    const received = record(client, ['notifications_read']);
    server.connection.send(read);
    server.connection.send({ ...read, data: { up_to: 0, unread: 2 } });
    await until(() => received.events.length === 2, 'both marks');
    assert.equal(client.unread, 1, 'a mark that comes late takes nothing back');
    await client.notificationsRead(2);
    assert.equal(client.unread, 0);
    assert.deepEqual(server.effects, [['notifications_read', { up_to: 2 }]]);
    assert.deepEqual(seen, [1, 2, 1, 0]);
  });

  test('that were missed are counted once', async (t) => {
    const { server, client } = await counting(t, []);
    server.cut();
    server.logOnly('user.1', 'comment_added');
    server.unread = 2;
    const received = record(client, ['notification']);
    await until(() => received.events.length === 1, 'the missed one');
    assert.equal(client.unread, 2);
  });

  test('come as pages, which say how many are unread', async (t) => {
    const { server, client } = await counting(t, []);
    server.unread = 0;
    const page = await client.notifications({ unread: true, page: 2, pageSize: 10 });
    assert.ok(server.requests.includes('GET /api/notifications/?page=2&page_size=10&unread=1'));
    assert.deepEqual([page.seq, page.unread, client.unread], [1, 0, 0]);
  });

  test('are put off with a key', async (t) => {
    const { server, client } = await counting(t, []);
    await client.snoozeReminder(5, 30);
    assert.deepEqual(server.effects, [['POST /api/notifications/5/snooze/', { minutes: 30 }]]);
  });

  test('are read without a socket, too', async (t) => {
    const { server, connect } = await stage(t);
    server.sockets = '503';
    const client = connect();
    await client.notificationsRead(4);
    assert.deepEqual(server.effects, [['POST /api/notifications/read/', { up_to: 4 }]]);
  });

  test('do not wait once the client is closed', async (t) => {
    const { connect } = await stage(t);
    const client = connect();
    client.close();
    await assert.rejects(client.notifications(), { code: 'closed' });
    await assert.rejects(client.notificationsRead(1), { code: 'closed' });
  });
});
