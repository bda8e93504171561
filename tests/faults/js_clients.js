// @ts-check
/**
 * Pages that follow projects with `TaskManagerWebSocket` and keep boards with the page's own reducer.
 *
 * Reads lines of JSON from stdin: first `{"clients": [{"name", "port", "token"}, …], "projects": [id, …]}`, at last
 * `{"finish": true}`. Prints a line `{"client", "what", "data"}` for everything that a client delivers after its own
 * check: `event`, `snapshot`, `reset`, `state`, `error`; when asked to finish, the `board` that it holds of each project.
 */

import { createInterface } from 'node:readline';

import { WebSocket } from 'ws';

import { applyEvent, fromSnapshot, toSnapshot } from '../../static/js/board/reducer.js';
import { TaskManagerWebSocket } from '../../static/js/client/index.js';

const PATIENCE = 6000; // ms
const PAUSE = 300; // ms

/** @param {string} client @param {string} what @param {any} [data] */
const tell = (client, what, data = null) => process.stdout.write(`${JSON.stringify({ client, what, data })}\n`);

/** @type {(() => void)[]} what each page does in the end */
const endings = [];

/** @param {{name: string, port: number, token: string}} where @param {number[]} projects */
async function open({ name, port, token }, projects) {
  /** @type {Map<string, import('../../static/js/board/reducer.js').BoardState>} */
  const boards = new Map();
  /** @param {number} id */
  const fetchBoard = async (id) => {
    const url = `http://127.0.0.1:${port}/api/projects/${id}/board/`;
    const headers = { Authorization: `Bearer ${token}`, Connection: 'close' };
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw Object.assign(new Error(`${answer.status}`), { status: answer.status });
    const board = await answer.json();
    boards.set(`project.${id}`, fromSnapshot(board));
    tell(name, 'snapshot', board);
    return board;
  };
  const client = new TaskManagerWebSocket({ url: `ws://127.0.0.1:${port}/ws/`, token, WebSocket, snapshot: fetchBoard });
  client.on('event', (_, frame) => {
    tell(name, 'event', frame);
    const board = boards.get(frame.room);
    if (board) boards.set(frame.room, applyEvent(board, frame));
  });
  client.on('state', (state) => tell(name, 'state', state));
  client.on('reset', (data) => tell(name, 'reset', data));
  client.on('error', (error) => tell(name, 'error', { code: error.code, message: error.message }));
  endings.push(() => {
    for (const board of boards.values()) tell(name, 'board', toSnapshot(board));
    client.close();
  });
  for (const id of projects) {
    const { seq, epoch } = await untilDone(() => fetchBoard(id));
    await client.joinProject(id, { since: seq, epoch });
  }
}

/** @template T @param {() => Promise<T>} attempt @returns {Promise<T>} */
async function untilDone(attempt) {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { clients, projects, finish } = JSON.parse(line);
  if (finish) {
    for (const end of endings) end();
    break;
  }
  for (const where of clients) void open(where, projects);
}
process.stdin.destroy();
