// @ts-check
/** The parts of the client that touch neither sockets nor time. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import vm from 'node:vm';

import { backoff } from '../../static/js/client/backoff.js';
import { returnAfter } from '../../static/js/client/closing.js';
import { Emitter } from '../../static/js/client/emitter.js';
import { decode, encode, errorFrom, MAX_FRAME_BYTES } from '../../static/js/client/envelope.js';
import { CLIENT_EVENTS, CLOSE_CODES, SERVER_EVENTS } from '../../static/js/client/events.js';
import { makeLog } from '../../static/js/client/log.js';
import { Outbox } from '../../static/js/client/outbox.js';
import { MAX_HELD, Room } from '../../static/js/client/rooms.js';
import { apiUrl, socketUrl } from '../../static/js/client/urls.js';

describe('backoff', () => {
  test('doubles from half a second to twenty seconds', () => {
    const bounds = [0, 1, 2, 3, 4, 5, 6, 7, 1000].map((attempt) => backoff(attempt, () => 1));
    assert.deepEqual(bounds, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000]);
  });

  test('spreads over the whole time up to the bound', () => {
    assert.equal(backoff(3, () => 0), 0);
    assert.equal(backoff(3, () => 0.25), 1000);
  });
});

describe('frames', () => {
  test('what is not a frame is null, whatever it is', () => {
    for (const text of ['', 'no', '1', 'null', '[]', '{}', '{"event":1}', new ArrayBuffer(4), undefined]) {
      assert.equal(decode(text), null);
    }
  });

  test('data may be missing', () => {
    assert.deepEqual(decode('{"event":"pong"}'), { event: 'pong', data: {} });
  });

  test('one that the server would end the connection for is refused here', () => {
    const overhead = encode({ event: 'e', data: '' }).length;
    const fits = (MAX_FRAME_BYTES - overhead) / 2;
    encode({ event: 'e', data: 'é'.repeat(Math.floor(fits)) });
    assert.throws(() => encode({ event: 'e', data: 'é'.repeat(Math.floor(fits) + 1) }), { code: 'too_large' });
  });

  test('an error carries all that the server said', () => {
    const error = errorFrom({ code: 'rate_limited', message: 'Slower.', retry_after: 3, details: { x: 1 } });
    assert.ok(error instanceof Error);
    assert.deepEqual([error.code, error.message, error.retryAfter, error.details], ['rate_limited', 'Slower.', 3, { x: 1 }]);
  });
});

describe('a room', () => {
  /** @param {number} seq */
  const frame = (seq) => ({ event: 'e', data: {}, room: 'project.3', seq });
  const at = (/** @type {number} */ seq) => ({ seq, epoch: 'e1' });
  const following = (/** @type {number} */ seq) => {
    const room = new Room('project.3', at(seq));
    room.attach();
    room.joined({ ...at(seq), reset: false });
    return room;
  };

  test('delivers the next, drops what it has, and sees a gap', () => {
    const room = following(5);
    assert.deepEqual([5, 1, 6, 6, 7, 9].map((seq) => room.receive(frame(seq))), [
      'drop', 'drop', 'deliver', 'drop', 'deliver', 'gap',
    ]);
    assert.deepEqual(room.since, { since: 7, epoch: 'e1' });
  });

  test('without a position it begins where the answer says', () => {
    const room = new Room('project.3');
    room.attach();
    assert.deepEqual(room.since, {});
    assert.equal(room.receive(frame(11)), 'hold');
    assert.deepEqual(room.joined({ ...at(10), reset: false }).map(({ seq }) => seq), [11]);
    assert.deepEqual(room.since, { since: 11, epoch: 'e1' });
  });

  test('has caught up when it reached the head that the answer named', () => {
    const room = new Room('project.3', at(5));
    room.attach();
    assert.equal(room.caughtUp, false);
    room.joined({ ...at(7), reset: false });
    assert.equal(room.caughtUp, false);
    room.receive(frame(6));
    assert.equal(room.caughtUp, false);
    room.receive(frame(7));
    assert.equal(room.caughtUp, true);
    room.detach();
    assert.equal(room.caughtUp, false);
  });

  test('an event ahead of the position is no gap while the join is unanswered', () => {
    const room = following(5);
    room.detach();
    room.attach();
    assert.equal(room.receive(frame(9)), 'drop');
    assert.equal(room.receive(frame(6)), 'deliver');
  });

  describe('after a reset', () => {
    const resetting = () => {
      const room = following(5);
      room.detach();
      room.attach();
      room.joined({ seq: 20, epoch: 'e2', reset: true });
      return room;
    };

    test('holds what comes while the snapshot is fetched, and drops what the snapshot holds', () => {
      const room = resetting();
      for (const seq of [21, 22, 23, 24]) assert.equal(room.receive(frame(seq)), 'hold');
      assert.equal(room.caughtUp, false);
      const { frames, rejoin } = room.restart({ seq: 22, epoch: 'e2' });
      assert.deepEqual([frames.map(({ seq }) => seq), rejoin], [[23, 24], false]);
      assert.equal(room.receive(frame(25)), 'deliver');
      assert.equal(room.caughtUp, true);
    });

    test('a snapshot ahead of the socket is not overtaken', () => {
      const room = resetting();
      room.receive(frame(21));
      assert.deepEqual(room.restart({ seq: 23, epoch: 'e2' }), { frames: [], rejoin: false });
      assert.deepEqual([22, 23, 24].map((seq) => room.receive(frame(seq))), ['drop', 'drop', 'deliver']);
    });

    test('a snapshot that is older than the answer, or of another epoch, needs a join from there', () => {
      for (const snapshot of [{ seq: 19, epoch: 'e2' }, { seq: 25, epoch: 'e3' }]) {
        const room = resetting();
        room.receive(frame(21));
        assert.deepEqual(room.restart(snapshot), { frames: [], rejoin: true });
        assert.deepEqual(room.since, { since: snapshot.seq, epoch: snapshot.epoch });
      }
    });

    test('a link that broke meanwhile feeds nothing, so the snapshot is joined from', () => {
      const room = resetting();
      room.receive(frame(21));
      room.detach();
      assert.deepEqual(room.restart({ seq: 20, epoch: 'e2' }), { frames: [], rejoin: true });
    });

    test('too many held events are replayed instead', () => {
      const room = resetting();
      for (let seq = 21; seq <= 21 + MAX_HELD; seq += 1) room.receive(frame(seq));
      assert.deepEqual(room.restart({ seq: 20, epoch: 'e2' }), { frames: [], rejoin: true });
    });
  });
});

describe('the outbox', () => {
  const entry = (/** @type {number} */ id, /** @type {any} */ more = {}) => {
    /** @type {any[]} */
    const settled = [];
    return {
      settled, id, event: 'e', data: {}, key: `k${id}`, firstSentAt: null,
      resolve: (/** @type {any} */ data) => settled.push(data),
      reject: (/** @type {Error & {code?: string}} */ error) => settled.push(error.code ?? error.message),
      ...more,
    };
  };

  test('keeps the order, and settles each once', () => {
    const outbox = new Outbox();
    const entries = [entry(1), entry(2), entry(3)];
    for (const each of entries) outbox.add(each);
    outbox.settle(2, null, 'two');
    outbox.settle(2, null, 'again');
    outbox.settle(3, new Error('three'));
    assert.deepEqual(entries.map(({ settled }) => settled), [[], ['two'], ['three']]);
    assert.deepEqual(outbox.entries(), [entries[0]]);
  });

  test('what is asked of a thing that was never created is given up, whether before or after', () => {
    const outbox = new Outbox();
    const about = (/** @type {number} */ id, /** @type {string} */ name) => entry(id, { data: { [name]: -7 } });
    const [creation, before, after] = [entry(1, { placeholder: -7 }), about(2, 'task_id'), about(4, 'before_id')];
    for (const each of [creation, before, entry(3)]) outbox.add(each);
    outbox.settle(1, new Error('refused'));
    outbox.add(after);
    assert.deepEqual([creation, before, after].map(({ settled }) => settled), [['refused'], ['not_found'], ['not_found']]);
    assert.deepEqual(outbox.entries().map(({ id }) => id), [3]);
  });

  test('a refused change of what there is, and one more of it, cost nothing for those that wait', () => {
    const outbox = new Outbox();
    let looks = 0;
    const data = { get task_id() { looks += 1; return 5; } };
    for (let id = 1; id <= 100; id += 1) outbox.add(entry(id));
    for (const each of outbox.entries()) each.data = data;
    outbox.settle(1, new Error('refused'));
    outbox.add(entry(101, { data: { task_id: 5 } }));
    assert.equal(looks, 0);
  });

  test('what was sent longer ago than keys are remembered is uncertain; what was never sent is not', () => {
    const outbox = new Outbox();
    const [old, young, unsent] = [entry(1, { firstSentAt: 0 }), entry(2, { firstSentAt: 50 }), entry(3)];
    for (const each of [old, young, unsent]) outbox.add(each);
    outbox.expire(101, 100);
    assert.deepEqual([old, young, unsent].map(({ settled }) => settled), [['uncertain'], [], []]);
  });
});

describe('the emitter', () => {
  test('a handler that throws does not keep the event from the others', (t) => {
    t.mock.method(console, 'error', () => {});
    const emitter = new Emitter();
    /** @type {string[]} */
    const received = [];
    emitter.on('e', () => { throw new Error('mine'); });
    emitter.on('e', (data) => received.push(data));
    emitter.emit('e', 'x');
    assert.deepEqual(received, ['x']);
  });

  test('off and once', () => {
    const emitter = new Emitter();
    /** @type {string[]} */
    const received = [];
    const handler = () => received.push('on');
    emitter.on('e', handler);
    const stop = emitter.on('e', () => received.push('stopped'));
    emitter.on('e', () => received.push('once'), { once: true });
    emitter.emit('e');
    emitter.off('e', handler);
    stop();
    emitter.emit('e');
    assert.deepEqual(received, ['on', 'stopped', 'once']);
  });
});

test('what a close code asks for', () => {
  const asked = Object.fromEntries(CLOSE_CODES.map((code) => [code, returnAfter(code)]));
  assert.deepEqual(asked, {
    1000: 'soon', 1009: 'soon', 1012: 'soon', 4400: 'later', 4401: 'token', 4403: 'never',
    4408: 'soon', 4409: 'later', 4410: 'soon', 4429: 'later',
  });
  assert.equal(returnAfter(1006), 'soon');
});

test('where the server is', () => {
  assert.equal(socketUrl(undefined, 'https://tasks.example/projects/3/?x=1#y'), 'wss://tasks.example/ws/');
  assert.equal(socketUrl('/live/', 'http://localhost:8000/'), 'ws://localhost:8000/live/');
  assert.equal(socketUrl('wss://other.example/ws/', 'http://localhost/'), 'wss://other.example/ws/');
  assert.equal(apiUrl('wss://tasks.example/ws/'), 'https://tasks.example/api/');
});

test('the log never shows a token', () => {
  /** @type {any[]} */
  const lines = [];
  makeLog(true, { debug: (...parts) => lines.push(JSON.stringify(parts)) })('→', { event: 'token_refresh', data: { token: 'secret', x: 1 } });
  assert.match(lines[0], /token_refresh/);
  assert.doesNotMatch(lines[0], /secret/);
});

test('the plain script defines the class and nothing else', () => {
  const script = readFileSync(new URL('../../static/js/websocket_client.js', import.meta.url), 'utf8');
  const page = vm.createContext({});
  vm.runInContext(script, page);
  assert.deepEqual(Object.keys(page), ['TaskManagerWebSocket']);
  assert.equal(typeof page.TaskManagerWebSocket, 'function');
});

test('no event is named twice', () => {
  for (const names of [CLIENT_EVENTS, SERVER_EVENTS]) assert.equal(new Set(names).size, names.length);
});
