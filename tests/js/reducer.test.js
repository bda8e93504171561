// @ts-check
/** The board after each event, and the command line around it. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';

import { applyEvent, compareTasks, fromSnapshot, toSnapshot } from '../../static/js/board/reducer.js';
import { describeEvent } from '../../static/js/board/activity/sentences.js';

/** @param {Partial<import('../../static/js/board/reducer.js').Task>} [fields] */
const task = (fields = {}) => ({
  id: 1, project_id: 3, title: 'Paint', description: '', status: 'todo', priority: 'medium', assignee_id: null,
  due_at: null, position: 'm', comment_count: 0, created_by_id: 1, created_at: 'then', updated_at: 'then', version: 1,
  ...fields,
});
const ada = { id: 1, username: 'ada', name: 'Ada' };
const bob = { id: 2, username: 'bob', name: 'Bob' };

/** @param {Partial<import('../../static/js/board/reducer.js').Snapshot>} [fields] */
const board = (fields = {}) => ({
  project: { id: 3, name: 'House', created_at: 'then' },
  members: [{ user: ada, role: 'owner' }],
  tasks: [task()],
  seq: 10,
  epoch: 'e1',
  ...fields,
});

/** @param {[string, any][]} events */
function after(snapshot, ...events) {
  let state = fromSnapshot(snapshot);
  let { seq } = snapshot;
  for (const [event, data] of events) state = applyEvent(state, { event, data, seq: (seq += 1), at: 'now', room: 'project.3' });
  return toSnapshot(state);
}

describe('labels', () => {
  const bug = { id: 1, name: 'Bug', color: 'red' };
  const docs = { id: 2, name: 'Docs', color: 'teal' };
  const labelled = board({ project: { id: 3, name: 'House', created_at: 'then', labels: [bug, docs] }, tasks: [task({ labels: [1, 2] })] });

  test('that are deleted are gone from all tasks by that one event', () => {
    const without = after(labelled, ['project_updated', { changes: { labels: [docs] }, previous: { labels: [bug, docs] } }]);
    assert.deepEqual(without.tasks[0].labels, [2]);
    const none = after(labelled, ['project_updated', { changes: { labels: [] }, previous: { labels: [bug, docs] } }]);
    assert.deepEqual(none, board({ seq: 11 }));
  });

  test('that the project has no longer are dropped from what comes', () => {
    const restored = after(labelled, ['task_restored', { task: task({ id: 2, labels: [2, 7] }) }]);
    assert.deepEqual(restored.tasks[1].labels, [2]);
    const changed = after(labelled, ['task_updated', { task_id: 1, version: 2, changes: { labels: [7] } }]);
    assert.equal('labels' in changed.tasks[0], false);
  });

  test('are put into sentences', () => {
    const state = fromSnapshot(labelled);
    const by = { id: 2, username: 'bob' };
    const put = (/** @type {number[]} */ before, /** @type {number[]} */ now) =>
      describeEvent({ event: 'task_updated', data: { by, task_id: 1, changes: { labels: now }, previous: { labels: before } } }, state);
    assert.equal(put([], [1]), 'bob added the label “Bug” to “Paint”');
    assert.equal(put([1, 2], [1]), 'bob removed the label “Docs” from “Paint”');
    assert.equal(put([1], [2]), 'bob changed the labels of “Paint”');
    assert.equal(put([7], []), 'bob changed the labels of “Paint”');
    const edit = (/** @type {any[]} */ before, /** @type {any[]} */ now) =>
      describeEvent({ event: 'project_updated', data: { by, changes: { labels: now }, previous: { labels: before } } }, state);
    assert.equal(edit([bug], [bug, docs]), 'bob created the label “Docs”');
    assert.equal(edit([bug], [{ ...bug, name: 'Defect' }]), 'bob renamed the label “Bug” to “Defect”');
    assert.equal(edit([bug], [{ ...bug, color: 'grey' }]), 'bob changed the colour of the label “Bug”');
    assert.equal(edit([bug, docs], [docs]), 'bob deleted the label “Bug”');
  });
});

describe('the board', () => {
  test('is the same again without events', () => {
    assert.deepEqual(after(board()), board());
  });

  test('a created or restored task is there', () => {
    for (const event of ['task_created', 'task_restored']) {
      const { tasks, seq } = after(board(), [event, { task: task({ id: 2, position: 'n' }), by: null }]);
      assert.deepEqual([tasks, seq], [[task(), task({ id: 2, position: 'n' })], 11]);
    }
  });

  test('an update changes its fields, the version and the time, and nothing else', () => {
    const data = { task_id: 1, project_id: 3, changes: { title: 'Glue' }, previous: { title: 'Paint' }, version: 2, by: null };
    assert.deepEqual(after(board(), ['task_updated', data]).tasks, [task({ title: 'Glue', version: 2, updated_at: 'now' })]);
  });

  test('the events that follow an update repeat it; alone they change the task', () => {
    const status = { task_id: 1, old_status: 'todo', new_status: 'review', version: 2 };
    const assigned = { task_id: 1, assignee_id: 2, previous_assignee_id: null, version: 3 };
    const events = /** @type {[string, any][]} */ ([['task_status_changed', status], ['task_assigned', assigned]]);
    const changed = task({ status: 'review', assignee_id: 2, version: 3, updated_at: 'now' });
    assert.deepEqual(after(board(), ...events), board({ tasks: [changed], seq: 12 }));
    const known = { tasks: [task({ status: 'review', version: 2 })] };
    assert.deepEqual(after(board(known), ['task_status_changed', status]), board({ ...known, seq: 11 }));
  });

  test('a deleted task is gone, and what comes for it later changes nothing', () => {
    const events = /** @type {[string, any][]} */ ([
      ['task_deleted', { task_id: 1 }],
      ['task_updated', { task_id: 1, changes: { title: 'x' }, version: 2 }],
      ['comment_added', { task_id: 1 }],
      ['comment_deleted', { task_id: 1 }],
    ]);
    assert.deepEqual(after(board(), ...events), board({ tasks: [], seq: 14 }));
  });

  test('comments are counted, redacted ones too, and move neither version nor time', () => {
    const events = /** @type {[string, any][]} */ ([
      ['comment_added', { task_id: 1, comment: { content: '' }, redacted: true }],
      ['comment_added', { task_id: 1, comment: { content: 'x' } }],
      ['comment_updated', { task_id: 1, comment: { content: 'y' } }],
      ['comment_deleted', { task_id: 1, comment_id: 1 }],
    ]);
    assert.deepEqual(after(board(), ...events), board({ tasks: [task({ comment_count: 1 })], seq: 14 }));
  });

  test('members come, change and go', () => {
    const added = ['project_member_added', { project_id: 3, user: bob, role: 'viewer' }];
    const updated = ['project_member_updated', { project_id: 3, user_id: 2, role: 'member' }];
    const removed = ['project_member_removed', { project_id: 3, user_id: 1 }];
    const members = (/** @type {any[]} */ ...events) => after(board(), ...events).members;
    assert.deepEqual(members(added), [{ user: ada, role: 'owner' }, { user: bob, role: 'viewer' }]);
    assert.deepEqual(members(added, updated), [{ user: ada, role: 'owner' }, { user: bob, role: 'member' }]);
    assert.deepEqual(members(added, removed), [{ user: bob, role: 'viewer' }]);
  });

  test('the project changes its name', () => {
    assert.equal(after(board(), ['project_updated', { changes: { name: 'Shed' } }]).project.name, 'Shed');
  });

  test('an event that is not known moves the position alone', () => {
    assert.deepEqual(after(board(), ['something_new', {}]), board({ seq: 11 }));
  });
});

test('events that the state holds already, and those of other rooms, give the very same state', () => {
  const state = fromSnapshot(board());
  const data = { task_id: 1 };
  assert.equal(applyEvent(state, { event: 'task_deleted', data, seq: 10, room: 'project.3' }), state);
  assert.equal(applyEvent(state, { event: 'task_deleted', data, seq: 11, room: 'project.4' }), state);
  assert.equal(applyEvent(state, { event: 'task_deleted', data, room: 'project.3' }), state);
});

test('a former state and untouched tasks stay as they were', () => {
  const before = fromSnapshot(board({ tasks: [task(), task({ id: 2 })] }));
  const event = { event: 'task_updated', data: { task_id: 1, changes: { title: 'Glue' }, version: 2 }, seq: 11, room: 'project.3' };
  const after = applyEvent(before, event);
  assert.equal(before.tasks.get(1)?.title, 'Paint');
  assert.equal(after.tasks.get(2), before.tasks.get(2));
  assert.notEqual(after.tasks.get(1), before.tasks.get(1));
});

test('a column sorts by code units, then id', () => {
  const order = [['b', 1], ['B', 2], ['a', 4], ['a', 3], ['Z', 5]].map(([position, id]) => ({ position: String(position), id: Number(id) }));
  assert.deepEqual(order.sort(compareTasks).map(({ id }) => id), [2, 5, 3, 4, 1]);
});

test('the command line answers line by line', () => {
  const line = JSON.stringify({ snapshot: board(), events: [{ event: 'task_deleted', data: { task_id: 1 }, seq: 11, room: 'project.3' }] });
  const script = new URL('./replay.js', import.meta.url).pathname;
  const out = execFileSync('node', [script], { input: `${line}\n${line}\n`, encoding: 'utf8' });
  assert.deepEqual(out.trim().split('\n').map((text) => JSON.parse(text)), Array(2).fill(board({ tasks: [], seq: 11 })));
});
