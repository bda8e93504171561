// @ts-check
/** Presence, typing and viewers: as the page sends and receives them. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { makeClock } from '../../static/js/client/clock.js';
import { HIDDEN_AFTER, IDLE_AFTER, Presence } from '../../static/js/client/presence.js';
import { record, stage, until } from './support/harness.js';

/** Time that goes on when the test says so. */
class Time {
  #now = 0;
  /** @type {Map<number, {at: number, call: () => void}>} */
  #timers = new Map();
  #last = 0;
  clock = makeClock({
    now: () => this.#now,
    setTimeout: (call, delay) => {
      this.#timers.set((this.#last += 1), { at: this.#now + delay, call });
      return this.#last;
    },
    clearTimeout: (timer) => this.#timers.delete(timer),
  });

  get timers() {
    return this.#timers.size;
  }

  pass(duration) {
    const end = this.#now + duration;
    for (;;) {
      const [next] = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next[0]);
      this.#now = Math.max(this.#now, next[1].at);
      next[1].call();
    }
    this.#now = end;
  }
}

class Page extends EventTarget {
  visibilityState = 'visible';

  show(visibilityState) {
    this.visibilityState = visibilityState;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

describe('presence', () => {
  function watched() {
    const [time, page, reported] = [new Time(), new Page(), /** @type {string[]} */ ([])];
    const presence = new Presence({ document: page, clock: time.clock, changed: () => reported.push(presence.status) });
    return { time, page, reported, presence };
  }

  test('is idle five minutes after the last input, and online with the next', () => {
    const { time, page, reported } = watched();
    time.pass(IDLE_AFTER - 1);
    page.dispatchEvent(new Event('keydown'));
    time.pass(IDLE_AFTER - 1);
    assert.deepEqual(reported, []);
    time.pass(1);
    assert.deepEqual(reported, ['idle']);
    time.pass(10 * IDLE_AFTER);
    page.dispatchEvent(new Event('pointermove'));
    assert.deepEqual(reported, ['idle', 'online']);
    time.pass(IDLE_AFTER);
    assert.deepEqual(reported, ['idle', 'online', 'idle']);
  });

  test('is idle out of sight, but not for a short look elsewhere', () => {
    const { time, page, reported } = watched();
    page.show('hidden');
    time.pass(HIDDEN_AFTER - 1);
    page.show('visible');
    time.pass(HIDDEN_AFTER);
    assert.deepEqual(reported, []);
    page.show('hidden');
    time.pass(HIDDEN_AFTER);
    assert.deepEqual(reported, ['idle']);
    page.show('visible');
    assert.deepEqual(reported, ['idle', 'online']);
  });

  test('a choice stays, whatever the user does', () => {
    const { time, page, reported, presence } = watched();
    for (const status of /** @type {const} */ (['busy', 'idle'])) {
      presence.choose(status);
      time.pass(2 * IDLE_AFTER);
      page.dispatchEvent(new Event('keydown'));
      assert.equal(presence.status, status);
    }
    assert.deepEqual(reported, []);
    presence.choose('online');
    assert.equal(presence.status, 'online');
    time.pass(IDLE_AFTER);
    assert.deepEqual(reported, ['idle']);
    assert.throws(() => presence.choose(/** @type {any} */ ('away')), TypeError);
  });

  test('moving the pointer a thousand times costs no timer', () => {
    const { time, page } = watched();
    for (let count = 0; count < 1000; count += 1) page.dispatchEvent(new Event('pointermove'));
    assert.equal(time.timers, 1);
  });

  test('without a page one is always there, and nothing is left over after the end', () => {
    const time = new Time();
    const script = new Presence({ document: undefined, clock: time.clock, changed: assert.fail });
    time.pass(100 * IDLE_AFTER);
    assert.equal(script.status, 'online');
    const { time: other, page, reported, presence } = watched();
    presence.stop();
    page.show('hidden');
    other.pass(IDLE_AFTER);
    assert.deepEqual([reported, other.timers], [[], 0]);
  });
});

/** A client that joined project 3 and is live. */
async function joined({ connect }, options) {
  const client = connect(options);
  await client.joinProject(3);
  await until(() => client.state === 'live', 'live');
  return client;
}

const sent = (server, ...names) =>
  server.received.filter(({ event }) => names.includes(event)).map(({ event, data }) => [event, data]);

describe('what the page reports', () => {
  test('its presence once per change, and to the next connection before it joins', async (t) => {
    const { server, connect } = await stage(t);
    const client = await joined({ connect });
    assert.deepEqual(await client.setPresence('busy'), { status: 'busy' });
    assert.deepEqual(await client.setPresence('busy'), { status: 'busy' });
    assert.deepEqual(sent(server, 'presence_update'), [['presence_update', { status: 'busy' }]]);
    server.cut();
    await until(() => server.connections.length === 2 && client.state === 'live', 'the next connection');
    const events = server.connection.received.map(({ event }) => event);
    assert.deepEqual(events, ['connect', 'presence_update', 'join_project']);
    await assert.rejects(client.setPresence(/** @type {any} */ ('gone')), TypeError);
  });

  test('idle by itself when the page is out of sight', async (t) => {
    const { server, connect } = await stage(t);
    const page = new Page();
    await joined({ connect }, { document: page });
    page.show('hidden');
    await until(() => sent(server, 'presence_update').length === 1, 'idle');
    page.show('visible');
    await until(() => sent(server, 'presence_update').length === 2, 'online');
    assert.deepEqual(sent(server, 'presence_update').map(([, { status }]) => status), ['idle', 'online']);
  });

  test('typing with every key goes out once in a while', async (t) => {
    const { server, connect } = await stage(t);
    let now = 0;
    const client = await joined({ connect }, { now: () => now });
    for (let key = 0; key < 50; key += 1) client.typing(7, true);
    await client.typing('8', true);
    now += 2_500;
    await client.typing(7, true);
    await client.typing(7, false);
    await client.typing(7, false);
    assert.deepEqual(sent(server, 'user_typing').map(([, { task_id, is_typing }]) => [task_id, is_typing]), [
      [7, true], [8, true], [7, true], [7, false],
    ]);
  });

  test('typing after a comment is new', async (t) => {
    const { server, connect } = await stage(t);
    const client = await joined({ connect });
    await client.typing(7, true);
    await client.addComment(7, 'done');
    await client.typing(7, true);
    assert.deepEqual(sent(server, 'user_typing', 'new_comment').map(([event]) => event), [
      'user_typing', 'new_comment', 'user_typing',
    ]);
  });

  test('typing without a connection is not sent, and a refusal is reported', async (t) => {
    const { server, connect } = await stage(t);
    const client = connect();
    assert.deepEqual(await client.typing(7, true), {});
    await until(() => client.state === 'live', 'live');
    assert.deepEqual(server.received, []);
    server.overrides.user_typing = ({ id }, { send }) => {
      send({ event: 'error', id, data: { code: 'forbidden', message: 'Viewers type nothing.' } });
      return true;
    };
    await assert.rejects(client.typing(7, true), { code: 'forbidden' });
  });

  test('the open task once, and again to the next connection', async (t) => {
    const { server, connect } = await stage(t);
    const client = await joined({ connect });
    await client.viewing('7');
    await client.viewing(7);
    server.cut();
    await until(() => server.connections.length === 2 && client.state === 'live', 'the next connection');
    await client.viewing(null);
    server.cut();
    await until(() => server.connections.length === 3 && client.state === 'live', 'the third connection');
    assert.deepEqual(sent(server, 'task_viewing').map(([, { task_id }]) => task_id), [7, 7, null]);
  });
});

describe('what the page receives', () => {
  test('the present users: the join, then each change, alone or gathered', async (t) => {
    const { server, connect } = await stage(t);
    server.presence = [{ user_id: 1, status: 'online' }, { user_id: 2, status: 'idle' }];
    const client = await joined({ connect });
    const received = record(client, ['user_presence', 'presence']);
    assert.deepEqual([...client.presenceOf(3)], [[1, 'online'], [2, 'idle']]);
    const at = '2026-01-01T00:00:00Z';
    server.send('project.3', 'user_presence', { project_id: 3, user_id: 2, status: 'busy', last_seen_at: at });
    server.send('project.3', 'user_presence', {
      project_id: 3,
      users: [
        { user_id: 2, status: 'offline', last_seen_at: at },
        { project_id: 3, user_id: 4, status: 'online', last_seen_at: at },
      ],
    });
    await until(() => received.events.length === 5, 'all of it');
    assert.deepEqual(received.events.filter(([name]) => name === 'user_presence').map(([, data]) => data), [
      { project_id: 3, user_id: 2, status: 'busy', last_seen_at: at },
      { project_id: 3, user_id: 2, status: 'offline', last_seen_at: at },
      { project_id: 3, user_id: 4, status: 'online', last_seen_at: at },
    ]);
    assert.deepEqual(received.events.at(-1), [
      'presence', { project_id: 3, users: [{ user_id: 1, status: 'online' }, { user_id: 4, status: 'online' }] },
    ]);
    assert.deepEqual([...client.presenceOf('3').keys()], [1, 4]);
  });

  test('the viewers of tasks; after a reconnect only those that are sent anew', async (t) => {
    const { server, connect } = await stage(t);
    const client = await joined({ connect });
    const received = record(client, ['task_viewers']);
    server.send('project.3', 'task_viewers', { project_id: 3, task_id: 7, user_ids: [2, 4] });
    await until(() => received.events.length === 1, 'the viewers');
    assert.deepEqual(client.viewersOf(7), [2, 4]);
    server.cut();
    await until(() => received.events.length === 2, 'their end');
    assert.deepEqual(received.events[1], ['task_viewers', { project_id: 3, task_id: 7, user_ids: [] }]);
    assert.deepEqual(client.viewersOf(7), []);
  });

  test('the users that type; a connection that breaks ends it', async (t) => {
    const { server, connect } = await stage(t);
    const client = await joined({ connect });
    const received = record(client, ['user_typing_status']);
    const [user, other] = [{ id: 2, username: 'bob', name: 'Bob' }, { id: 4, username: 'cas', name: 'Cas' }];
    const status = { project_id: 3, task_id: 7 };
    for (const one of [user, other]) server.send('project.3', 'user_typing_status', { ...status, user: one, is_typing: true });
    server.send('project.3', 'user_typing_status', { ...status, user: other, is_typing: false });
    await until(() => received.events.length === 3, 'both and one end');
    assert.deepEqual(client.typingOn(7), [user]);
    server.cut();
    await until(() => received.events.length === 4, 'the other end');
    assert.deepEqual(received.events[3], ['user_typing_status', { ...status, user, is_typing: false }]);
    assert.deepEqual(client.typingOn(7), []);
  });

  test('nothing is kept of a project that was left', async (t) => {
    const { server, connect } = await stage(t);
    server.presence = [{ user_id: 1, status: 'online' }];
    const client = await joined({ connect });
    await client.leaveProject(3);
    assert.deepEqual([...client.presenceOf(3)], []);
  });
});
