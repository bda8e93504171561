// @ts-check
/** The log of a project, read backwards and put into sentences. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { readBack, toEntries } from '../../static/js/board/activity/history.js';
import { fromSnapshot } from '../../static/js/board/reducer.js';

const by = { id: 2, username: 'bob' };
/** @param {number} seq @param {string} event @param {any} data @returns {any} */
const frame = (seq, event, data) => ({ seq, event, at: 'then', data: { by, ...data } });

/** A server whose log begins after `floor`. @param {number} floor */
function makeServer(floor) {
  /** @type {number[]} */
  const asked = [];
  const fetchPage = async (/** @type {number} */ _id, /** @type {number} */ since, /** @type {number} */ limit) => {
    asked.push(since);
    const numbers = Array.from({ length: limit }, (_, index) => since + 1 + index);
    return since < floor ? { events: [], reset: true } : { events: numbers.map((seq) => frame(seq, '', {})), reset: false };
  };
  return { asked, fetchPage };
}

describe('the log backwards', () => {
  test('comes in pages down to its first event', async () => {
    const { fetchPage } = makeServer(0);
    const [newest, oldest] = [await readBack(3, 151, fetchPage), await readBack(3, 51, fetchPage)];
    assert.deepEqual([newest[0].seq, newest.length], [51, 100]);
    assert.deepEqual([oldest[0].seq, oldest.length], [1, 50]);
    assert.deepEqual(await readBack(3, 1, fetchPage), []);
  });

  test('pages that end early, since they have many bytes, leave no gap', async () => {
    const { fetchPage } = makeServer(0);
    const fetchSome = async (/** @type {number} */ id, /** @type {number} */ since, /** @type {number} */ limit) =>
      fetchPage(id, since, Math.min(limit, 30));
    const frames = await readBack(3, 151, fetchSome);
    assert.deepEqual(frames.map(({ seq }) => seq), Array.from({ length: 100 }, (_, index) => 51 + index));
  });

  test('of a trimmed log all that is left is found', async () => {
    const { fetchPage } = makeServer(117);
    let before = 151;
    const seen = [];
    for (;;) {
      const frames = await readBack(3, before, fetchPage);
      if (!frames.length) break;
      seen.push(...frames.map(({ seq }) => seq).reverse());
      before = /** @type {number} */ (frames[0].seq);
    }
    assert.deepEqual(seen, Array.from({ length: 33 }, (_, index) => 150 - index));
  });
});

test('tasks are called as they were called then', () => {
  const task = /** @type {any} */ ({ id: 1, title: 'Third' });
  const state = fromSnapshot({ project: { id: 3, name: 'House' }, members: [], tasks: [task], seq: 5, epoch: 'e' });
  const frames = [
    frame(1, 'task_updated', { task_id: 1, changes: { priority: 'high' }, previous: { priority: 'low' } }),
    frame(2, 'task_updated', { task_id: 1, changes: { title: 'Second' }, previous: { title: 'First' } }),
    frame(3, 'task_status_changed', { task_id: 1 }),
    frame(4, 'comment_added', { task_id: 1, comment: { content: '' }, redacted: true }),
    frame(5, 'task_updated', { task_id: 1, changes: { title: 'Third' }, previous: { title: 'Second' } }),
  ];
  assert.deepEqual(toEntries(frames, state).map(({ sentence }) => sentence), [
    'bob renamed “Second” to “Third”',
    'bob commented on “Second” (deleted)',
    'bob renamed “First” to “Second”',
    'bob set the priority of “First” to high',
  ]);
});
