// @ts-check
/**
 * The board's reducer as a filter, for tests in other languages. Reads `{"snapshot", "events"}` as one line of JSON
 * each from stdin and prints the snapshot after those events, one line each.
 *
 *     node tests/js/replay.js < lines.jsonl
 */

import { createInterface } from 'node:readline';

import { applyEvent, fromSnapshot, toSnapshot } from '../../static/js/board/reducer.js';

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const { snapshot, events } = JSON.parse(line);
  console.log(JSON.stringify(toSnapshot(events.reduce(applyEvent, fromSnapshot(snapshot)))));
}
