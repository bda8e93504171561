// @ts-check
/** Many faults in a random order (given by its seed): every event once and in order, every change with one effect. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { record, stage, until } from './support/harness.js';

const ROOM = 'project.3';
const STEPS = 120;

/** mulberry32: a small generator of numbers from 0 up to 1. */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What may go wrong, besides events and changes going right. */
const FAULTS = [
  (server) => server.append(ROOM, 'task_deleted'),
  (server) => server.append(ROOM, 'task_deleted'),
  (server) => server.append(ROOM, 'task_deleted'),
  (server) => server.logOnly(ROOM, 'task_deleted'), // its broadcast is lost
  (server) => server.log(ROOM).length && server.connection?.send(server.log(ROOM).at(-1)), // it comes twice
  (server) => server.cut(),
  (server) => server.closeAll(1012),
  (server) => server.closeAll(4401),
  (server) => {
    server.connection?.send({ event: 'going_away', data: { reconnect_in_ms: 100 } });
    server.closeAll(1012);
  },
  (server) => server.open.forEach((connection) => (connection.send = () => {})), // answers and events are lost …
  (server) => server.cut(), // … until the connection breaks
  (server) => (server.sockets = server.sockets === 'ok' ? '503' : 'ok'),
];

describe('many faults', { concurrency: true }, () => {
  for (const seed of [1, 2, 3]) {
    test(`seed ${seed}`, async (t) => {
      const random = randomFrom(seed);
      const { server, connect } = await stage(t);
      server.pingInterval = 2;
      let tokens = 0;
      const client = connect({ random, token: async () => `t${(tokens += 1)}` });
      const received = record(client);
      await client.joinProject(3);
      /** @type {Promise<any>[]} */
      const calls = [];
      for (let step = 0; step < STEPS; step += 1) {
        FAULTS[Math.floor(random() * FAULTS.length)](server);
        if (random() < 0.3) calls.push(client.addComment(7, `comment ${calls.length}`));
        await new Promise((resolve) => setTimeout(resolve, random() * 20));
      }
      server.sockets = 'ok';
      server.cut();
      await until(() => client.state === 'live' && received.seqs.length >= server.log(ROOM).length, 'everything');
      const answers = await Promise.all(calls);
      assert.deepEqual(received.seqs, server.log(ROOM).map(({ seq }) => seq));
      assert.deepEqual(server.effects.map(([, { content }]) => content), calls.map((_, index) => `comment ${index}`));
      assert.equal(answers.length, calls.length);
      t.diagnostic(`${received.seqs.length} events, ${calls.length} changes, ${server.connections.length} connections, ${server.requests.length} requests`);
    });
  }
});
