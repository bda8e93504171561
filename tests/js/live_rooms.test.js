// @ts-check
/** Rooms of live models: joined by name, with records that are right whatever happens to the connection. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Records } from '../../static/js/client/records.js';
import { entered, stage, turn, until } from './support/harness.js';

const ROOM = 'helpdesk.queue.7';
const MODEL = 'helpdesk.ticket';

/** Cuts an event to its ids. */
const cut = (/** @type {any} */ { model, id, by }) => ({ model, id, by, truncated: true });

/** A client that follows the records of a room with two tickets. */
async function follow(t, options) {
  const { server, connect } = await stage(t);
  server.save(ROOM, 1, { title: 'Printer' });
  server.save(ROOM, 2, { title: 'Screen' });
  const client = connect(options);
  const room = client.room(ROOM);
  const records = room.records(MODEL);
  const changes = [];
  room.on('change', (change) => changes.push(change));
  await room.ready;
  return { server, connect, client, room, records, changes };
}

/** The records that a client has are the server's. */
async function assertSame(records, server) {
  const wanted = () => [...server.records.get(ROOM).values()];
  const isSame = () => JSON.stringify([...records.values()]) === JSON.stringify(wanted());
  await until(isSame, `${JSON.stringify(wanted())}; these came: ${JSON.stringify([...records.values()])}`);
}

describe('a room', () => {
  test('has its own events, and only its own', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    const [room, other] = [client.room(ROOM), client.room('helpdesk.queue.8')];
    const received = [];
    room.on('record_created', (data, frame) => received.push([frame.seq, data.id]));
    room.on('event', (data) => received.push(['event', data.id]));
    other.on('event', () => received.push('other'));
    await Promise.all([room.ready, other.ready]);
    server.save(ROOM, 1, { title: 'Printer' });
    await until(() => received.length === 2, 'the event');
    assert.deepEqual(received, [['event', 1], [1, 1]]);
    assert.deepEqual(room.position, { seq: 1, epoch: 'e1' });
  });

  test('is joined once for all parts of a page, and left with the last one', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    const [one, two] = [client.room(ROOM), client.room(ROOM)];
    await Promise.all([one.ready, two.ready]);
    assert.equal(server.received.filter(({ event }) => event === 'join_room').length, 1);
    const received = [];
    one.on('event', () => received.push('one'));
    two.on('event', () => received.push('two'));
    await one.leave();
    await one.leave();
    server.save(ROOM, 1, {});
    await until(() => received.length, 'the event');
    assert.deepEqual(received, ['two']);
    assert.ok(!server.received.some(({ event }) => event === 'leave_room'));
    await two.leave();
    assert.ok(!server.connection.rooms.has(ROOM));
    const again = client.room(ROOM);
    await again.ready;
    assert.ok(server.connection.rooms.has(ROOM));
  });

  test('goes on from what a page shows already', async (t) => {
    const { server, connect } = await stage(t);
    server.save(ROOM, 1, {});
    server.save(ROOM, 2, {});
    const room = connect().room(ROOM, { since: 1, epoch: 'e1' });
    const seqs = [];
    room.on('event', (_, { seq }) => seqs.push(seq));
    await until(() => seqs.length, 'the missed event');
    assert.deepEqual(seqs, [2]);
  });

  test('that may not be read is refused, and can be asked for again', async (t) => {
    const { server, connect } = await stage(t);
    server.forbidden.add(ROOM);
    const client = connect();
    const room = client.room(ROOM);
    const errors = [];
    room.on('error', ({ code }) => errors.push(code));
    await assert.rejects(room.ready, { code: 'not_found' });
    assert.deepEqual(errors, ['not_found']);
    server.forbidden.clear();
    await client.room(ROOM).ready;
  });

  test('whose name cannot be one is refused at once', async (t) => {
    const { connect } = await stage(t);
    for (const name of ['', 'a b', 'a/b', 'a'.repeat(100)]) assert.throws(() => connect().room(name), TypeError);
  });

  test('misses nothing while the connection is away', async (t) => {
    const { server, room } = await follow(t);
    const seqs = [];
    room.on('event', (_, { seq }) => seqs.push(seq));
    server.cut();
    server.save(ROOM, 3, {});
    server.save(ROOM, 3, { title: 'x' });
    await until(() => seqs.length === 2, 'the missed events');
    assert.deepEqual(seqs, [3, 4]);
  });

  test('mends a gap', async (t) => {
    const { server, room } = await follow(t);
    const seqs = [];
    room.on('event', (_, { seq }) => seqs.push(seq));
    server.logOnly(ROOM, 'deployed', {});
    server.append(ROOM, 'deployed', {});
    await until(() => seqs.length === 2, 'both events');
    assert.deepEqual(seqs, [3, 4]);
  });

  test('of a project leaves the project joined', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    const received = [];
    client.on('event', () => received.push('project'));
    await client.joinProject(3);
    const room = client.room('project.3');
    room.on('event', () => received.push('room'));
    await room.ready;
    server.append('project.3', 'task_deleted');
    await until(() => received.length === 2, 'both');
    await room.leave();
    server.append('project.3', 'task_deleted');
    await until(() => received.length === 3, 'the project\'s event');
    assert.deepEqual(received, ['project', 'room', 'project']);
  });
});

describe('the records of a room', () => {
  test('are those of the snapshot, and of the events after it', async (t) => {
    const { server, room, records, changes } = await follow(t);
    assert.ok(records instanceof Map);
    assert.equal(room.records('helpdesk.Ticket'), records);
    assert.deepEqual(records.get(1), { id: 1, title: 'Printer' });
    const [before] = [records.get(1)];
    server.save(ROOM, 1, { title: 'New printer' });
    server.save(ROOM, 3, { title: 'Mouse' });
    server.remove(ROOM, 2);
    await assertSame(records, server);
    assert.deepEqual(before, { id: 1, title: 'Printer' }, 'a record that was handed out is not changed');
    assert.deepEqual(changes, [
      { model: MODEL, added: [1, 2], updated: [], removed: [] },
      { model: MODEL, added: [], updated: [1], removed: [] },
      { model: MODEL, added: [3], updated: [], removed: [] },
      { model: MODEL, added: [], updated: [], removed: [2] },
    ]);
  });

  test('are up to date when the handlers of an event are called', async (t) => {
    const { server, room, records } = await follow(t);
    const seen = new Promise((resolve) => room.on('record_updated', ({ id }) => resolve(records.get(id))));
    server.save(ROOM, 1, { title: 'Scanner' });
    assert.deepEqual(await seen, { id: 1, title: 'Scanner' });
  });

  test('contain what happens while the snapshot is on its way', async (t) => {
    const { server, connect } = await stage(t);
    server.save(ROOM, 1, { title: 'Printer' });
    const client = connect();
    const room = client.room(ROOM);
    await room.ready;
    const seqs = [];
    room.on('event', (_, { seq }) => seqs.push(seq));
    server.beforeSnapshot = async () => {
      server.beforeSnapshot = async () => {};
      server.save(ROOM, 1, { title: 'Scanner' });
      server.save(ROOM, 2, { title: 'Mouse' });
      await until(() => seqs.length === 2, 'the events before the snapshot');
    };
    const records = room.records(MODEL);
    await room.ready;
    await assertSame(records, server);
  });

  test('are right through a reset, and keep what did not change', async (t) => {
    const { server, room, records, changes } = await follow(t);
    const same = records.get(1);
    changes.length = 0;
    let resets = 0;
    room.on('reset', () => (resets += 1));
    server.epoch = 'e2';
    server.cut();
    server.save(ROOM, 2, { title: 'Monitor' });
    server.save(ROOM, 3, { title: 'Mouse' });
    await assertSame(records, server);
    assert.equal(resets, 1);
    assert.equal(records.get(1), same);
    assert.deepEqual(changes, [{ model: MODEL, added: [3], updated: [2], removed: [] }]);
    server.remove(ROOM, 1);
    await assertSame(records, server);
  });

  test('are fetched anew where an event was cut', async (t) => {
    const { server, room, records } = await follow(t);
    const data = [];
    room.on('record_updated', (one) => data.push(one));
    server.save(ROOM, 1, { title: 'x'.repeat(1000) }, cut);
    server.save(ROOM, 3, { title: 'y'.repeat(1000) }, cut);
    await assertSame(records, server);
    assert.deepEqual(data, [{ model: MODEL, id: 1, by: null, truncated: true }]);
  });

  test('are fetched again where a snapshot is older than what is known', async (t) => {
    const { server, client, connect } = await follow(t);
    const room = connect().room(ROOM);
    await room.ready;
    server.save(ROOM, 2, { title: 'Monitor' });
    await until(() => room.position?.seq === 3, 'the event');
    const fresh = server.logs.get(ROOM);
    server.logs.set(ROOM, fresh.slice(0, 2));
    const asked = () => server.requests.filter((one) => one === `GET /api/rooms/${ROOM}/`).length;
    const before = asked();
    const records = room.records(MODEL);
    await until(() => asked() > before, 'the old snapshot');
    server.logs.set(ROOM, fresh);
    await room.ready;
    await assertSame(records, server);
    client.close();
  });

  test('are fetched again while the API is away', async (t) => {
    const { server, connect } = await stage(t);
    server.save(ROOM, 1, { title: 'Printer' });
    server.http = 'away';
    const client = connect();
    const room = client.room(ROOM);
    const records = room.records(MODEL);
    await until(() => server.requests.length >= 3, 'attempts');
    assert.equal(client.state, 'catching-up');
    server.http = 'ok';
    await room.ready;
    await assertSame(records, server);
    await until(() => client.state === 'live', 'live');
  });

  test('are right where sockets are blocked, and when they come back', async (t) => {
    const { server, connect } = await stage(t);
    server.save(ROOM, 1, { title: 'Printer' });
    server.sockets = '503';
    const client = connect();
    const room = client.room(ROOM);
    const records = room.records(MODEL);
    await room.ready;
    assert.equal(client.state, 'polling');
    server.save(ROOM, 1, { title: 'Scanner' });
    await assertSame(records, server);
    server.sockets = 'ok';
    await until(() => client.state === 'live', 'live');
    server.remove(ROOM, 1);
    await assertSame(records, server);
  });

  test('are gone with the right to read them', async (t) => {
    const { server, client, room, records } = await follow(t);
    const received = [];
    room.on('removed_from_room', (data) => received.push(['room', data]));
    client.on('removed_from_room', (data) => received.push(['client', data]));
    server.forbidden.add(ROOM);
    server.connection.rooms.delete(ROOM);
    server.connection.send({ event: 'removed_from_room', data: { room: ROOM } });
    await until(() => received.length === 2, 'removed_from_room');
    assert.deepEqual(received, [['room', { room: ROOM }], ['client', { room: ROOM }]]);
    assert.equal(records.size, 0);
    const back = entered(client, 'live');
    server.cut();
    await back;
    assert.equal(room.position, null);
    assert.deepEqual(server.connection.received.filter(({ event }) => event === 'join_room'), []);
    await room.leave();
  });

  test('are gone with the right to read them while polling, too', async (t) => {
    const { server, connect } = await stage(t);
    server.save(ROOM, 1, { title: 'Printer' });
    server.sockets = '503';
    const room = connect().room(ROOM);
    const records = room.records(MODEL);
    await room.ready;
    const removed = new Promise((resolve) => room.on('removed_from_room', resolve));
    server.forbidden.add(ROOM);
    server.append(ROOM, 'deployed');
    assert.deepEqual(await removed, { room: ROOM });
    assert.equal(records.size, 0);
  });

  test('are waited for no longer when the client closes', async (t) => {
    const { connect } = await stage(t);
    const client = connect({ connect: false });
    const room = client.room(ROOM);
    room.records(MODEL);
    const refused = assert.rejects(room.ready, { code: 'closed' });
    client.close();
    await refused;
    assert.throws(() => client.room(ROOM), { code: 'closed' });
    await turn();
  });
});

describe('records by themselves', () => {
  const snapshot = (/** @type {number} */ seq, /** @type {any[]} */ records) => ({ seq, epoch: 'e', records: { m: records } });
  const event = (/** @type {number} */ seq, /** @type {string} */ name, /** @type {any} */ data) => ({ event: name, seq, data: { model: 'm', ...data } });

  test('what waits for the first snapshot is gone with the right to read it', () => {
    const records = new Records();
    records.expectSnapshot();
    records.receive(event(1, 'record_created', { id: 1, record: { a: 1 } }));
    assert.deepEqual(records.clear(), { changes: [], isStale: false });
    assert.equal(records.of('m').size, 0);
  });

  test('an event of a record that is not there asks for a snapshot, once', () => {
    const records = new Records();
    records.replace(snapshot(1, []));
    assert.equal(records.receive(event(2, 'record_updated', { id: 1, changes: { a: 1 } })).isStale, true);
    records.expectSnapshot();
    assert.equal(records.receive(event(3, 'record_updated', { id: 1, changes: { a: 2 } })).isStale, false);
    assert.equal(records.replace(snapshot(2, [])).isStale, true);
    records.expectSnapshot();
    assert.deepEqual(records.replace(snapshot(3, [{ id: 1, a: 2 }])), {
      changes: [{ model: 'm', added: [1], updated: [], removed: [] }],
      isStale: false,
    });
  });

  test('a record whose content is blank is not shown, and its deletion needs no snapshot', () => {
    const records = new Records();
    records.replace(snapshot(1, []));
    assert.deepEqual(records.receive(event(2, 'record_created', { id: 1, record: {}, redacted: true })), { changes: [], isStale: true });
    assert.equal(records.of('m').size, 0);
    assert.deepEqual(records.receive(event(3, 'record_deleted', { id: 1, redacted: true })), { changes: [], isStale: false });
  });

  test('what a snapshot holds already has no second effect', () => {
    const records = new Records();
    records.replace(snapshot(5, [{ id: 1, a: 5 }]));
    assert.deepEqual(records.receive(event(4, 'record_deleted', { id: 1 })), { changes: [], isStale: false });
    assert.deepEqual(records.of('m').get(1), { id: 1, a: 5 });
  });

  test('any interleaving of snapshots and events ends in the same records', () => {
    // A log of random changes; each prefix has one true state.
    let state = 12345;
    const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
    for (let round = 0; round < 200; round += 1) {
      const truth = [new Map()];
      const log = [];
      for (let seq = 1; seq <= 30; seq += 1) {
        const now = new Map(truth[seq - 1]);
        const id = Math.floor(random() * 4);
        const known = now.get(id);
        if (known && random() < 0.3) {
          now.delete(id);
          log.push(event(seq, 'record_deleted', { id }));
        } else {
          const record = { id, ...known, a: seq };
          now.set(id, record);
          const data = known ? { id, changes: { a: seq } } : { id, record };
          log.push(event(seq, known ? 'record_updated' : 'record_created', random() < 0.2 ? { id, truncated: true } : data));
        }
        truth.push(now);
      }
      const records = new Records();
      /** @type {number | null} where the snapshot that is on its way was taken */
      let taken = 0;
      records.expectSnapshot();
      const arrive = () => {
        const { isStale } = records.replace(snapshot(/** @type {number} */ (taken), [...truth[/** @type {number} */ (taken)].values()]));
        taken = null;
        return isStale;
      };
      const ask = (/** @type {number} */ at) => (records.expectSnapshot(), (taken = at));
      for (const [index, frame] of log.entries()) {
        if (records.receive(frame).isStale) ask(index + 1);
        else if (taken !== null && random() < 0.3 && arrive()) ask(index + 1);
        if (taken !== null && random() < 0.5) taken = index + 1;
      }
      while (taken !== null) if (arrive()) ask(30);
      assert.deepEqual(new Map([...records.of('m')].sort()), new Map([...truth[30]].sort()), `round ${round}`);
    }
  });
});
