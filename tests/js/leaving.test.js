// @ts-check
/** Changes that outlive their page, and changes that came too fast: nothing lost, nothing twice, in order. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { followElsewhere, noteOf } from '../../static/js/board/commands/leftovers.js';
import { inWords } from '../../static/js/board/commands/waiting.js';
import { BRISK, IN_FLIGHT } from '../../static/js/client/sender.js';
import { stage, until } from './support/harness.js';

/** What a browser keeps for one user, for pages that come one after the other. */
function makeDisk() {
  /** @type {Map<string, any>} */
  const kept = new Map();
  const shelf = () => ({
    put: (/** @type {any} */ { id, resolve, reject, ...change }) => void kept.set(change.key, structuredClone(change)),
    remove: (/** @type {string} */ key) => void kept.delete(key),
    adopt: async () => structuredClone([...kept.values()]),
    close: async () => {},
  });
  return { kept, shelf };
}

/** @param {any} connect @param {any} disk @param {any} [options] */
function open(connect, disk, options) {
  /** @type {any[]} */
  const recovered = [];
  let first = true;
  const shelf = disk.shelf();
  const { adopt } = shelf;
  // A page takes over once what was left: its own is its own.
  shelf.adopt = async () => (first ? ((first = false), adopt()) : []);
  const client = connect({ shelf, ...options });
  client.on('recovered', (/** @type {any[]} */ changes) => recovered.push(...changes));
  return { client, recovered };
}

const titles = (/** @type {any} */ server) => server.effects.map(([, data]) => data.title);

describe('a page that ends before its changes were answered', () => {
  test('leaves them to the next one, which sends them in order, with their keys', async (t) => {
    const { server, connect } = await stage(t);
    const disk = makeDisk();
    server.sockets = '503';
    const before = open(connect, disk, { note: () => ({ title: 'x' }) });
    for (const title of ['a', 'b', 'c']) before.client.createTask(3, { title }).catch(() => {});
    before.client.close();
    assert.equal(disk.kept.size, 3);
    server.sockets = 'ok';
    const after = open(connect, disk);
    const own = after.client.createTask(3, { title: 'd' });
    await own;
    assert.deepEqual(titles(server), ['a', 'b', 'c', 'd']);
    assert.deepEqual(after.recovered.map(({ data, note }) => [data.title, note?.title]), [['a', 'x'], ['b', 'x'], ['c', 'x']]);
    await Promise.all(after.recovered.map(({ answer }) => answer));
    assert.equal(disk.kept.size, 0);
  });

  test('what was carried out without an answer is not done again', async (t) => {
    const { server, connect } = await stage(t);
    const disk = makeDisk();
    const before = open(connect, disk);
    server.overrides.task_create = (message, { send }) => {
      if (message.silent) return false;
      server.overrides.task_create = null;
      // Carried out, and its answer is lost with the connection.
      server.carryOut(message);
      server.sockets = '503';
      server.cut();
      return true;
    };
    await until(() => before.client.state === 'live', 'live');
    before.client.createTask(3, { title: 'once' }).catch(() => {});
    await until(() => server.effects.length === 1, 'the effect');
    before.client.close();
    server.sockets = 'ok';
    const after = open(connect, disk);
    await until(() => after.recovered.length === 1, 'what was left');
    assert.equal((await after.recovered[0].answer).duplicate, true);
    assert.deepEqual(titles(server), ['once']);
  });

  test('a refusal is reported to the page that sent it', async (t) => {
    const { server, connect } = await stage(t);
    const disk = makeDisk();
    const before = open(connect, disk);
    before.client.deleteTask(7).catch(() => {});
    before.client.close();
    server.overrides.task_delete = ({ id }, { send }) => {
      send({ event: 'error', id, data: { code: 'forbidden', message: 'No.' } });
      return true;
    };
    const { recovered } = open(connect, disk);
    await until(() => recovered.length, 'what was left');
    await assert.rejects(recovered[0].answer, { code: 'forbidden' });
    assert.equal(disk.kept.size, 0);
  });

  test('what may have been done longer ago than keys are remembered is not sent, however late it is found', async (t) => {
    const { server, connect } = await stage(t);
    const disk = makeDisk();
    disk.kept.set('old', { event: 'task_create', data: { project_id: 3, title: 'old' }, key: 'old', at: -2_000, firstSentAt: -2_000 });
    const shelf = disk.shelf();
    const { adopt } = shelf;
    let isConnected = () => {};
    const connected = new Promise((resolve) => (isConnected = () => resolve(undefined)));
    shelf.adopt = () => connected.then(adopt);
    const client = connect({ shelf, retention: 1_000 });
    /** @type {any[]} */
    const recovered = [];
    client.on('recovered', (/** @type {any[]} */ changes) => recovered.push(...changes));
    await until(() => client.state === 'live', 'live');
    isConnected();
    await until(() => recovered.length, 'what was left');
    await assert.rejects(recovered[0].answer, { code: 'uncertain' });
    assert.deepEqual(titles(server), []);
    assert.equal(disk.kept.size, 0);
  });

  test('a shelf that cannot be read holds nothing up for long', async (t) => {
    const { server, connect } = await stage(t);
    const shelf = { put() {}, remove() {}, adopt: () => new Promise(() => {}), close: async () => {} };
    await connect({ shelf }).createTask(3, { title: 'now' });
    assert.deepEqual(titles(server), ['now']);
  });
});

describe('a task that has no id yet', () => {
  const placeholder = -12345;

  test('is changed by its placeholder: in order, and after it has an id', async (t) => {
    const { server, connect } = await stage(t);
    server.sockets = '503';
    const client = connect();
    const changes = [
      client.createTask(3, { title: 'new' }, { placeholder }),
      client.updateTask(placeholder, { title: 'other' }, 0, { follows: true }),
      client.updateTask(placeholder, { title: 'another' }, 0, { follows: true }),
      client.addComment(placeholder, 'said'),
      client.moveTask(7, { beforeId: placeholder }),
    ];
    server.sockets = 'ok';
    const [{ task }] = await Promise.all(changes);
    await client.deleteTask(placeholder); // the page may know it by that name for as long as it lives
    assert.deepEqual(server.effects, [
      ['task_create', { project_id: 3, title: 'new' }],
      ['task_update', { task_id: task.id, changes: { title: 'other' }, version: 1 }],
      ['task_update', { task_id: task.id, changes: { title: 'another' }, version: 1 }],
      ['new_comment', { task_id: task.id, content: 'said' }],
      ['task_move', { task_id: 7, before_id: task.id }],
      ['task_delete', { task_id: task.id }],
    ]);
  });

  test('over HTTP, too', async (t) => {
    const { server, connect } = await stage(t);
    server.sockets = '503';
    const client = connect();
    await Promise.all([
      client.createTask(3, { title: 'new' }, { placeholder }),
      client.updateTask(placeholder, { priority: 'high' }),
      client.deleteTask(placeholder),
    ]);
    assert.deepEqual(
      server.effects.map(([event]) => event),
      ['POST /api/tasks/', 'PATCH /api/tasks/7/', 'DELETE /api/tasks/7/'],
    );
  });

  test('outlives its page with what was changed in it, also where its creation got no answer', async (t) => {
    for (const isCreated of [false, true]) {
      const { server, connect } = await stage(t);
      const disk = makeDisk();
      const before = open(connect, disk);
      await until(() => before.client.state === 'live', 'live');
      server.overrides.task_create = (message) => {
        if (isCreated) server.carryOut(message);
        server.overrides.task_create = null;
        server.sockets = '503';
        server.cut();
        return true;
      };
      before.client.createTask(3, { title: 'new' }, { placeholder }).catch(() => {});
      before.client.updateTask(placeholder, { title: 'other' }).catch(() => {});
      await until(() => server.sockets === '503', 'the end of the link');
      before.client.close();
      server.sockets = 'ok';
      const after = open(connect, disk);
      await until(() => after.recovered.length === 2, 'what was left');
      assert.deepEqual(after.recovered.map((change) => change.placeholder), [placeholder, undefined]);
      await Promise.all(after.recovered.map(({ answer }) => answer));
      assert.deepEqual(server.effects.slice(0, 2), [
        ['task_create', { project_id: 3, title: 'new' }],
        ['task_update', { task_id: 101, changes: { title: 'other' } }],
      ]);
      assert.deepEqual([server.effects.length, disk.kept.size], [2, 0]);
    }
  });

  test('refused, takes with it what was asked of it, and nothing else', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    server.overrides.task_create = ({ id }, { send }) => {
      send({ event: 'error', id, data: { code: 'forbidden', message: 'No.' } });
      return true;
    };
    const refused = [
      assert.rejects(client.createTask(3, { title: 'new' }, { placeholder }), { code: 'forbidden' }),
      assert.rejects(client.addComment(placeholder, 'said'), { code: 'not_found' }),
      assert.rejects(client.moveTask(7, { afterId: placeholder }), { code: 'not_found' }),
    ];
    await client.updateTask(8, { title: 'b' });
    await Promise.all(refused);
    assert.deepEqual(server.effects, [['task_update', { task_id: 8, changes: { title: 'b' } }]]);
    await assert.rejects(client.deleteTask(placeholder), { code: 'not_found' }); // asked for after that, too
    await assert.rejects(client.updateTask(-1, { title: 'never received of' }), TypeError);
  });
});

describe('what waits for a connection', () => {
  test('is listed in order until it is sent, and what was called off never is, with all that was asked of its task', async (t) => {
    const { server, connect } = await stage(t);
    server.sockets = '503';
    const client = connect();
    /** @type {number[]} */
    const counts = [];
    client.on('waiting', (count) => counts.push(count));
    const calledOff = [client.createTask(3, { title: 'new' }, { placeholder: -5 }), client.addComment(-5, 'said')].map((change) => assert.rejects(change, { code: 'cancelled' }));
    const kept = client.updateTask(8, { title: 'b' });
    assert.deepEqual(client.waiting.map(({ event, firstSentAt }) => [event, firstSentAt]), [['task_create', null], ['new_comment', null], ['task_update', null]]);
    client.discard(client.waiting[0].id);
    await Promise.all(calledOff);
    assert.deepEqual(client.waiting.map(({ event }) => event), ['task_update']);
    server.sockets = 'ok';
    await kept;
    assert.deepEqual(client.waiting, []);
    assert.deepEqual([counts[2], counts.at(-1)], [3, 0]);
    assert.deepEqual(server.effects, [['task_update', { task_id: 8, changes: { title: 'b' } }]]);
  });

  test('is said in words, each change with its own', () => {
    const note = noteOf({ task_id: 7 }, { projectId: 3, task: /** @type {any} */ ({ title: 'Paint', status: 'todo' }) });
    /** @param {string} event @param {any} data */
    const say = (event, data) => Object.values(inWords({ id: 1, event, data, note, at: 0, firstSentAt: null }, () => 'Bob')).filter(Boolean);
    const changes = [{ title: 'Varnish' }, { description: 'Twice' }, { status: 'review' }, { priority: 'high' }, { assignee_id: 2 }, { assignee_id: null }, { due_at: null }, { add_labels: [1] }];
    assert.deepEqual(changes.map((one) => say('task_update', { changes: one })), [
      ['Rename “Paint” to “Varnish”'],
      ['Change the description of “Paint”', 'Twice'],
      ['Move “Paint” to Review'],
      ['Set the priority of “Paint”: High'],
      ['Assign “Paint” to Bob'],
      ['Unassign “Paint”'],
      ['Clear the due date of “Paint”'],
      ['Change the labels of “Paint”'],
    ]);
    assert.deepEqual([say('task_move', { status: 'review' }), say('task_move', { status: 'todo', before_id: 8 })], [['Move “Paint” to Review'], ['Move “Paint” within its column']]);
    assert.deepEqual(say('task_create', { status: 'todo' }), ['Add “Paint” to To do']);
    assert.deepEqual(say('new_comment', { content: 'Done' }), ['Comment on “Paint”', 'Done']);
    const others = ['task_delete', 'task_restore', 'comment_update', 'comment_delete'].flatMap((event) => say(event, {}));
    assert.deepEqual(others, ['Delete “Paint”', 'Restore “Paint”', 'Edit a comment on “Paint”', 'Delete a comment on “Paint”']);
  });
});

describe('changes of comments, which no socket takes', () => {
  test('go over HTTP, in order with the others of their task, and hold up no other task', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    await client.joinProject(3);
    server.http = 'away';
    const changes = [
      client.updateTask(7, { title: 'a' }),
      client.updateComment(7, 9, 'first'),
      client.updateComment(7, 9, 'second'),
      client.deleteComment(7, 9),
      client.deleteTask(7),
    ];
    await client.updateTask(8, { title: 'b' });
    await until(() => server.requests.includes('PATCH /api/comments/9/'), 'an attempt');
    server.http = 'ok';
    const answers = await Promise.all(changes);
    assert.deepEqual(server.effects, [
      ['task_update', { task_id: 7, changes: { title: 'a' } }],
      ['task_update', { task_id: 8, changes: { title: 'b' } }],
      ['PATCH /api/comments/9/', { content: 'first' }],
      ['PATCH /api/comments/9/', { content: 'second' }],
      ['DELETE /api/comments/9/', null],
      ['task_delete', { task_id: 7 }],
    ]);
    assert.deepEqual([answers[1].comment.content, answers[3]], ['first', { comment_id: 9, task_id: 7 }]);
  });

  test('are kept for the next page, and done once where their answer was lost', async (t) => {
    const { server, connect } = await stage(t);
    const disk = makeDisk();
    const before = open(connect, disk);
    await before.client.joinProject(3);
    server.http = 'silent';
    before.client.updateComment(7, 9, 'once').catch(() => {});
    await until(() => server.effects.length === 1, 'the effect');
    before.client.close();
    server.http = 'ok';
    const after = open(connect, disk);
    await until(() => after.recovered.length === 1, 'what was left');
    assert.equal((await after.recovered[0].answer).duplicate, true);
    assert.deepEqual([server.effects.length, disk.kept.size], [1, 0]);
  });
});

describe('changes that come too fast', () => {
  /** A server that lets so many pass, and then one more in each `pause`. @param {any} server @param {number} burst */
  function limit(server, burst, pause = 0.05) {
    const seen = { refused: 0, most: 0 };
    let left = burst;
    let waiting = 0;
    server.overrides.task_create = (message, { send }) => {
      waiting += 1;
      seen.most = Math.max(seen.most, waiting);
      setTimeout(() => {
        waiting -= 1;
        if (left < 1) {
          seen.refused += 1;
          setTimeout(() => (left += 3), 1);
          return send({ event: 'error', id: message.id, data: { code: 'rate_limited', message: 'Wait.', retry_after: pause } });
        }
        left -= 1;
        send({ event: 'ack', id: message.id, data: server.carryOut(message) });
      }, 1);
      return true;
    };
    return seen;
  }

  test('three hundred at once arrive all, in order, and never flood', async (t) => {
    const { server, connect } = await stage(t);
    const seen = limit(server, BRISK + 20, 0.005);
    // By a clock that is not faster: on a busy machine fifty in half a second are not brisk.
    const client = connect({ speed: 1 });
    const wanted = Array.from({ length: 300 }, (_, index) => `n${index}`);
    await Promise.all(wanted.map((title) => client.createTask(3, { title })));
    assert.deepEqual(titles(server), wanted);
    assert.ok(seen.refused > 5, `${seen.refused} refused`);
    assert.ok(seen.most <= IN_FLIGHT, `${seen.most} at a time`);
  });

  test('a refusal of the first is waited out as long as the server says', async (t) => {
    const { server, connect } = await stage(t);
    limit(server, 0, 4);
    const started = performance.now();
    await connect().createTask(3, { title: 'late' });
    assert.ok(performance.now() - started >= 4000 / 20, 'the clock of tests is 20 times as fast');
  });

  test('over HTTP, too', async (t) => {
    const { server, connect } = await stage(t);
    server.sockets = '503';
    server.tooFast = 2;
    const client = connect();
    await Promise.all(['a', 'b'].map((title) => client.createTask(3, { title })));
    assert.deepEqual(titles(server), ['a', 'b']);
    assert.equal(server.tooFast, 0);
  });

  test('a hint of the moment is dropped', async (t) => {
    const { server, connect } = await stage(t);
    let asked = 0;
    server.overrides.user_typing = ({ id }, { send }) => {
      asked += 1;
      send({ event: 'error', id, data: { code: 'rate_limited', message: 'Wait.', retry_after: 0.01 } });
      return true;
    };
    const client = connect();
    await until(() => client.state === 'live', 'live');
    await assert.rejects(client.typing(7, true), { code: 'rate_limited' });
    await client.createTask(3, { title: 'after' });
    assert.equal(asked, 1);
  });
});

describe('an edit that follows another one', () => {
  test('waits for its answer, and is made on its version', async (t) => {
    const { server, connect } = await stage(t);
    /** @type {any[]} */
    const asked = [];
    server.overrides.task_update = ({ id, data }, { send }) => {
      asked.push([data.changes, data.version]);
      setTimeout(() => send({ event: 'ack', id, data: { version: data.version + 4 } }), 5);
      return true;
    };
    const client = connect();
    const follows = { follows: true };
    await Promise.all([
      client.updateTask(7, { title: 'One' }, 1, follows),
      client.updateTask(7, { priority: 'low' }, 1, follows),
      client.updateTask(7, { title: 'Two' }, 1, follows),
    ]);
    assert.deepEqual(asked, [[{ title: 'One' }, 1], [{ priority: 'low' }, 1], [{ title: 'Two' }, 5]]);
  });

  test('where that one is refused it stands on its own', async (t) => {
    const { server, connect } = await stage(t);
    /** @type {any[]} */
    const asked = [];
    server.overrides.task_update = ({ id, data }, { send }) => {
      asked.push(data.version);
      const answer = asked.length === 1 ? { event: 'error', data: { code: 'invalid_data', message: 'No.' } } : { event: 'ack', data: { version: 3 } };
      send({ ...answer, id });
      return true;
    };
    const client = connect();
    const [first, second] = ['', 'Two'].map((title) => client.updateTask(7, { title }, 2, { follows: true }));
    await assert.rejects(first, { code: 'invalid_data' });
    await second;
    assert.deepEqual(asked, [2, 2]);
  });
});

describe('what was left on another board', () => {
  const note = noteOf({ task_id: 7, changes: { description: 'long' } }, { projectId: 3, task: { title: 'Paint', status: 'todo' } });

  test('is reported only where it came to nothing, with the text that would be lost', async () => {
    /** @type {any[]} */
    const reported = [];
    const leftover = { event: 'task_update', data: { changes: { description: 'long' } }, note, at: 0, firstSentAt: null };
    await followElsewhere({ ...leftover, answer: Promise.resolve({}) }, (...words) => reported.push(words));
    await followElsewhere({ ...leftover, answer: Promise.reject({ code: 'not_found' }) }, (...words) => reported.push(words));
    assert.deepEqual(reported, [['Couldn’t change “Paint”. It no longer exists, or you no longer have access to it.', 'long']]);
  });
});
