// @ts-check
/** Which tasks are shown. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { ALL, isActive, matches, parse, write } from '../../static/js/board/state/filter.js';

const now = new Date('2030-05-01T12:00:00Z');
/** @param {object} [fields] @returns {any} */
const task = (fields) => ({
  id: 7, title: 'Paint the fence', description: 'In green', status: 'todo', priority: 'high', assignee_id: null, due_at: null,
  ...fields,
});
/** @param {object} fields @param {any} one */
const fits = (fields, one) => matches(one, { ...ALL, ...fields }, { userId: 1, now });

describe('a filter', () => {
  test('goes into the address and comes back', () => {
    const filter = { text: 'a & b', assignee: 'me', priority: 'high', label: '3', due: 'week' };
    assert.deepEqual(parse(write(filter)), filter);
    assert.deepEqual([write(ALL), isActive(ALL), isActive({ ...ALL, text: '  ' })], ['', false, false]);
    assert.deepEqual(parse('?utm=1'), ALL);
  });

  test('finds every word, in title or description, and the number', () => {
    assert.ok(fits({ text: 'GREEN fence' }, task()));
    assert.ok(fits({ text: '#7' }, task()));
    assert.ok(!fits({ text: 'green gate' }, task()));
  });

  test('knows whose a task is', () => {
    assert.ok(fits({ assignee: 'me' }, task({ assignee_id: 1 })));
    assert.ok(!fits({ assignee: 'me' }, task({ assignee_id: 11 })));
    assert.ok(fits({ assignee: '11' }, task({ assignee_id: 11 })));
    assert.ok(fits({ assignee: 'none' }, task()));
    assert.ok(!fits({ assignee: 'none' }, task({ assignee_id: 1 })));
  });

  test('knows what a task carries', () => {
    assert.ok(fits({ label: '3' }, task({ labels: [1, 3] })));
    assert.ok(!fits({ label: '3' }, task({ labels: [13] })));
    assert.ok(!fits({ label: '3' }, task()));
    assert.ok(fits({ label: 'none' }, task()));
    assert.ok(!fits({ label: 'none' }, task({ labels: [1] })));
  });

  test('knows when a task is due, as long as it is not completed', () => {
    const late = task({ due_at: '2030-05-01T11:00:00Z' });
    const soon = task({ due_at: '2030-05-02T11:00:00Z' });
    const later = task({ due_at: '2030-05-04T11:00:00Z' });
    const found = (/** @type {string} */ due) => [late, soon, later, task()].map((one) => fits({ due }, one));
    assert.deepEqual(found('overdue'), [true, false, false, false]);
    assert.deepEqual(found('day'), [true, true, false, false]);
    assert.deepEqual(found('week'), [true, true, true, false]);
    assert.deepEqual(found('none'), [false, false, false, true]);
    assert.ok(!fits({ due: 'overdue' }, task({ due_at: late.due_at, status: 'completed' })));
  });
});
