// @ts-check
/**
 * A program in another language: writes rows of a live model to PostgreSQL, and knows nothing of Django or of rooms.
 *
 * As `foreign.py`, it reads lines `{"kind", "token", "project", "task"}` from stdin (the project is the queue, the task
 * the ticket) and answers each with `{"token", "task"}` once it is committed, or `{"token", "error"}`.
 */

import { createInterface } from 'node:readline';

import pg from 'pg';

const INSERT = `INSERT INTO helpdesk_ticket (queue_id, title, "the Status's", votes, secret)
  VALUES ($1, $2, 'open', 0, '') RETURNING id`;
const UPDATE = 'UPDATE helpdesk_ticket SET title = $2 WHERE id = $1 RETURNING id';

/** @type {pg.Client | null} */
let client = null;

async function connected() {
  if (client === null) {
    const opened = new pg.Client({ connectionString: process.env.DATABASE_URL });
    // A connection that breaks while it is idle is opened again by the next change.
    opened.on('error', () => (client = null));
    await opened.connect();
    client = opened;
  }
  return client;
}

/** @param {{kind: string, token: string, project: number, task: number | null}} request */
async function carryOut({ kind, token, project, task }) {
  const database = await connected();
  try {
    await database.query('BEGIN');
    const values = kind === 'ticket' ? [project, token] : [task, token];
    const found = await database.query(kind === 'ticket' ? INSERT : UPDATE, values);
    await database.query('COMMIT');
    if (found.rows.length !== 1) throw new Error('The ticket is gone.');
    return Number(found.rows[0].id);
  } catch (error) {
    client = null;
    database.end().catch(() => {});
    throw error;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  /** @type {object} */
  let answer;
  try {
    answer = { token: request.token, task: await carryOut(request) };
  } catch (error) {
    answer = { token: request.token, error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit();
