// @ts-check
/** What the tests of the whole client share: a fast clock, a recorder, and waiting for what must come. */

import { WebSocket } from 'ws';

import { TaskManagerWebSocket } from '../../../static/js/client/index.js';
import { FakeServer } from './fake_server.js';
import { FastClock } from './fast_clock.js';

/** How much faster the client's clock runs: its 10 s are 0.5 s here. */
const SPEED = 20;

/**
 * Waits until the condition holds.
 *
 * @template T
 * @param {() => T | Promise<T>} condition
 * @param {string} what
 * @returns {Promise<T>}
 */
export async function until(condition, what, deadline = 60_000) {
  for (const end = Date.now() + deadline; ; ) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/**
 * The next time that a client enters the state. Ask before what causes it: a client may have left the state again by the time it is looked at.
 *
 * @param {TaskManagerWebSocket} client
 * @param {string} state
 * @returns {Promise<void>}
 */
export const entered = (client, state) =>
  new Promise((resolve) => {
    const off = client.on('state', (/** @type {string} */ now) => {
      if (now !== state) return;
      off();
      resolve();
    });
  });

/** One task of the timer queue: whatever was under way in this process has gone on meanwhile. */
export const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/**
 * Everything that a client reports: states, and frames by name.
 *
 * @param {TaskManagerWebSocket} client
 * @param {string[]} names
 */
export function record(client, names = []) {
  const received = { states: /** @type {string[]} */ ([]), events: /** @type {any[]} */ ([]), seqs: /** @type {number[]} */ ([]) };
  client.on('state', (state) => received.states.push(state));
  client.on('event', (data, frame) => received.seqs.push(frame.seq));
  for (const name of names) client.on(name, (data) => received.events.push([name, data]));
  return received;
}

/**
 * A server and a way to make clients, all gone when the test ends.
 *
 * @param {import('node:test').TestContext} t
 */
export async function stage(t) {
  const server = await FakeServer.start();
  /** @type {TaskManagerWebSocket[]} */
  const clients = [];
  /** @type {FastClock[]} */
  const clocks = [];
  t.after(async () => {
    for (const client of clients) client.close();
    for (const clock of clocks) clock.stop();
    await server.stop();
  });
  /** @param {any} [options] */
  const connect = (options = {}) => {
    const { speed = SPEED, ...rest } = options;
    const clock = new FastClock(speed);
    clocks.push(clock);
    const client = new TaskManagerWebSocket({
      url: server.url,
      token: async () => 'token-1',
      WebSocket,
      now: clock.now,
      // A test with timers of its own makes and ends the machine's.
      ...(rest.setTimeout ? {} : { setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout }),
      ...rest,
    });
    clients.push(client);
    return client;
  };
  return { server, connect };
}
