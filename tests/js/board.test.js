// @ts-check
/** The board's own thinking, away from any document: what is shown while answers and events are on their way. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Commands } from '../../static/js/board/commands/commands.js';
import { choices } from '../../static/js/board/columns/move_menu.js';
import { longestRun } from '../../static/js/board/columns/order.js';
import { differences } from '../../static/js/board/panel/difference.js';
import { arrange } from '../../static/js/board/state/pending.js';
import { describeEvent } from '../../static/js/board/activity/sentences.js';
import { labelling, relabelled } from '../../static/js/board/commands/relabelling.js';
import { BoardStore } from '../../static/js/board/state/store.js';
import { Undo } from '../../static/js/board/commands/undo.js';
import { ago, dueDate, dueInWords, fromLocalInput, joinDateAndTime, toDateAndTime, toLocalInput, tomorrowMorning, urgency, useZone } from '../../static/js/board/language/time.js';
import { quote, shown } from '../../static/js/board/language/words.js';

globalThis.requestAnimationFrame ??= /** @type {any} */ ((/** @type {() => void} */ paint) => setTimeout(paint));

const STATUSES = ['todo', 'in_progress', 'review', 'completed'];
const ada = { id: 1, username: 'ada', name: 'Ada' };
const bob = { id: 2, username: 'bob', name: 'Bob' };

/** @param {number} id @param {object} [fields] @returns {any} */
const task = (id, fields) => ({
  id, project_id: 3, title: `Task ${id}`, description: '', status: 'todo', priority: 'medium', assignee_id: null,
  due_at: null, position: String(id), comment_count: 0, created_by_id: 1, created_at: '', updated_at: '', version: 1,
  ...fields,
});

/** @param {any[]} tasks */
function makeStore(...tasks) {
  const store = new BoardStore({ userId: 1 });
  const members = [{ user: ada, role: 'owner' }, { user: bob, role: 'member' }];
  store.replace({ project: { id: 3, name: 'House' }, members, tasks, seq: 10, epoch: 'e' });
  return store;
}

/** @param {BoardStore} store @param {string} event @param {any} data */
function happens(store, event, data) {
  store.apply({ event, data, room: 'project.3', seq: (store.state?.seq ?? 0) + 1 });
  store.paint();
}

/** A server that answers when the test says so. */
function makeClient() {
  /** @type {{args: any[], answer: (data: any) => Promise<void>, refuse: (error: any) => Promise<void>}[]} */
  const calls = [];
  const call = (/** @type {any[]} */ ...args) =>
    new Promise((resolve, reject) => {
      const settled = () => new Promise((done) => setTimeout(done));
      calls.push({
        args,
        answer: (data) => (resolve(data), /** @type {Promise<void>} */ (settled())),
        refuse: (error) => (reject(error), /** @type {Promise<void>} */ (settled())),
      });
    });
  return { calls, addComment: call, createTask: call, updateTask: call, moveTask: call, deleteTask: call, restoreTask: call };
}

/** @param {BoardStore} store */
function makeCommands(store) {
  const client = makeClient();
  /** @type {string[]} */
  const reported = [];
  const report = (/** @type {string} */ text) => void reported.push(text);
  const parts = { client, store, problems: { report }, toasts: { say: report }, undo: new Undo(), projectId: 3, openTask: () => {} };
  return { client, reported, commands: new Commands(parts) };
}

const todo = (/** @type {BoardStore} */ store) => store.painted?.columns.get('todo');
const tick = () => new Promise((done) => setTimeout(done));

describe('an own change', () => {
  test('a moved card stays where it was dropped from the act to the event', async () => {
    const store = makeStore(task(1), task(2), task(3));
    const { client, commands } = makeCommands(store);
    commands.moving.move(3, { status: 'todo', beforeId: 1 });
    assert.deepEqual(todo(store), [3, 1, 2]);
    assert.ok(store.painted?.waiting.has(3));
    await client.calls[0].answer({ version: 2 });
    assert.deepEqual(todo(store), [3, 1, 2], 'answered, and its event not here yet');
    assert.ok(!store.painted?.waiting.has(3));
    happens(store, 'task_updated', { task_id: 3, changes: { position: '0' }, version: 2 });
    assert.deepEqual(todo(store), [3, 1, 2]);
    assert.equal(store.expectations.length, 0);
  });

  test('the event may come before the answer', async () => {
    const store = makeStore(task(1), task(2));
    const { client, commands } = makeCommands(store);
    commands.moving.move(2, { status: 'todo', beforeId: 1 });
    happens(store, 'task_updated', { task_id: 2, changes: { position: '0' }, version: 2 });
    assert.ok(store.painted?.waiting.has(2), 'still waiting for its answer');
    await client.calls[0].answer({ version: 2 });
    assert.deepEqual(todo(store), [2, 1]);
    assert.equal(store.expectations.length, 0);
  });

  test('a restored card is shown at its old place from the act to the event', async () => {
    const store = makeStore(task(1), task(2), task(3));
    const { client, commands } = makeCommands(store);
    happens(store, 'task_deleted', { task_id: 2 });
    assert.deepEqual(todo(store), [1, 3]);
    commands.coming.restore(task(2));
    assert.deepEqual(todo(store), [1, 2, 3]);
    assert.ok(store.painted?.waiting.has(2));
    await client.calls[0].answer({ task: task(2) });
    assert.deepEqual(todo(store), [1, 2, 3], 'answered, and its event not here yet');
    happens(store, 'task_restored', { task: task(2) });
    assert.deepEqual(todo(store), [1, 2, 3]);
    assert.ok(!store.painted?.waiting.has(2));
  });

  test('a restored card that another user deletes again before the answer is gone', async () => {
    const store = makeStore(task(1), task(2));
    const { client, commands } = makeCommands(store);
    happens(store, 'task_deleted', { task_id: 2 });
    commands.coming.restore(task(2));
    happens(store, 'task_restored', { task: task(2) });
    happens(store, 'task_deleted', { task_id: 2 });
    await client.calls[0].answer({ task: task(2) });
    assert.deepEqual(todo(store), [1]);
  });

  test('a move names both neighbours, of which one may have left; a card that is on its way has no name so far', async () => {
    const store = makeStore(task(1), task(2), task(3), task(4, { status: 'review' }));
    const { client, commands } = makeCommands(store);
    const asked = () => client.calls.pop()?.args;
    commands.moving.move(4, { status: 'todo', beforeId: 2 });
    assert.deepEqual(asked(), [4, { status: 'todo', beforeId: 2, orAfterId: 1, tellPrevious: true }]);
    happens(store, 'task_deleted', { task_id: 2 });
    assert.deepEqual(todo(store), [1, 4, 3]);
    commands.moving.move(3, { status: 'todo', beforeId: 1 });
    assert.deepEqual(asked(), [3, { status: 'todo', beforeId: 1, orAfterId: null, tellPrevious: true }]);
    commands.coming.create('review', 'New');
    commands.coming.create('review', 'Newer');
    const [, newer] = store.painted?.columns.get('review') ?? [];
    client.calls.length = 0;
    commands.moving.move(1, { status: 'review', beforeId: newer });
    assert.deepEqual(asked(), [1, { status: 'review', beforeId: newer, orAfterId: null, tellPrevious: true }]);
  });

  test('a move that an earlier page left stands where it was meant', () => {
    const store = makeStore(task(1), task(2), task(3, { status: 'review' }));
    const { commands } = makeCommands(store);
    const data = { task_id: 3, status: 'todo', before_id: 99, or_after_id: 1 };
    commands.resume({ event: 'task_move', data, note: null, at: 0, firstSentAt: null, answer: new Promise(() => {}) });
    assert.deepEqual(todo(store), [1, 3, 2]);
  });

  test('a refused move goes back, and says why', async () => {
    const store = makeStore(task(1), task(2));
    const { client, commands, reported } = makeCommands(store);
    commands.moving.move(2, { status: 'review', beforeId: null });
    assert.deepEqual(store.painted?.columns.get('review'), [2]);
    await client.calls[0].refuse({ code: 'forbidden' });
    assert.deepEqual(todo(store), [1, 2]);
    assert.match(reported[0], /Couldn’t move “Task 2”.*role/);
  });

  test('the second of two edits of one field is made on what the first one wrote', async () => {
    const store = makeStore(task(1));
    const { client, commands } = makeCommands(store);
    commands.editing.update(1, 'title', 'One', 1);
    const second = commands.editing.update(1, 'title', 'Two', 1);
    await tick();
    const asked = client.calls.map(({ args }) => args.slice(1));
    assert.deepEqual(asked, [[{ title: 'One' }, 1, { follows: true }], [{ title: 'Two' }, 1, { follows: true }]]);
    await client.calls[0].answer({ version: 2 });
    await client.calls[1].answer({ version: 3 });
    await second;
    assert.equal(store.painted?.tasks.get(1)?.title, 'Two');
    commands.editing.update(1, 'title', 'Three', 1);
    assert.equal(client.calls[2].args[2], 3, 'on what was answered already');
  });

  test('edits of different fields do not wait for each other', async () => {
    const { client, commands } = makeCommands(makeStore(task(1)));
    commands.editing.update(1, 'title', 'One', 1);
    commands.editing.update(1, 'priority', 'high', 1);
    await tick();
    assert.deepEqual(client.calls.map(({ args }) => args[2]), [1, 1]);
  });

  test('two users that meant the same have nothing to choose, and the second has nothing to take back', async () => {
    const store = makeStore(task(1));
    const { client, commands, reported } = makeCommands(store);
    const dates = ['2030-05-01T12:00:00.000Z', '2030-05-01T12:00:00Z'];
    for (const [field, mine, theirs] of [['priority', 'high', 'high'], ['due_at', ...dates]]) {
      const edit = commands.editing.update(1, field, mine, 1);
      await client.calls.pop()?.refuse({ code: 'conflict', details: { task: { version: 2, [field]: theirs }, fields: [field] } });
      assert.equal(await edit, false);
    }
    assert.deepEqual([reported, store.conflicts.get(1)?.size ?? 0, commands.editing.undo.last], [[], 0, null]);
    assert.equal(store.expectations.length, 0);
  });

  test('a conflict ends once a third gives the field the very value that was refused', async () => {
    const store = makeStore(task(1));
    const { client, commands } = makeCommands(store);
    commands.editing.update(1, 'priority', 'high', 1);
    commands.editing.update(1, 'priority', 'medium', 1); // as it was, and as our board has it still
    for (const call of client.calls) {
      await call.refuse({ code: 'conflict', details: { task: { version: 2, priority: 'low' }, fields: ['priority'] } });
    }
    happens(store, 'comment_added', { task_id: 1, comment: { id: 1 } });
    assert.equal(store.conflicts.get(1)?.get('priority')?.mine, 'medium');
    happens(store, 'task_updated', { task_id: 1, changes: { priority: 'low' }, version: 2 });
    assert.equal(store.conflicts.get(1)?.size, 1);
    happens(store, 'task_updated', { task_id: 1, changes: { priority: 'medium' }, version: 3 });
    assert.equal(store.conflicts.get(1)?.size, 0);
  });

  test('what was edited is called by its name, though it was deleted meanwhile', async () => {
    const store = makeStore(task(1), task(2));
    const { client, commands, reported } = makeCommands(store);
    commands.editing.update(1, 'title', 'Mine', 1);
    commands.labelling.label(2, 1, true);
    for (const id of [1, 2]) happens(store, 'task_deleted', { task_id: id });
    for (const call of client.calls) await call.refuse({ code: 'not_found' });
    assert.match(reported[0], /^Couldn’t change the title of “Task 1”\. It no longer exists/);
    assert.match(reported[1], /^Couldn’t change the labels of “Task 2”\. It no longer exists/);
  });

  test('a conflict is kept until it is settled, by any user, and taken up where its task is', () => {
    const store = makeStore(task(1, { version: 2 }), task(2, { title: 'Same', version: 3 }));
    /** @type {any[]} */
    const kept = [];
    store.keepConflict = (...change) => void kept.push(change);
    store.takeUpConflicts([
      { taskId: 1, field: 'title', mine: 'Mine', version: 2 },
      { taskId: 1, field: 'due_at', mine: null, version: 2 },
      { taskId: 2, field: 'title', mine: 'Same', version: 3 }, // another user has done it meanwhile
      { taskId: 9, field: 'title', mine: 'Of another board', version: 1 },
    ]);
    assert.deepEqual([...store.conflicts].map(([id, fields]) => [id, [...fields.keys()]]), [[1, ['title']], [2, []]]);
    assert.deepEqual(kept, [[1, 'due_at', null], [2, 'title', null]]);
    store.setConflict(1, 'priority', { mine: 'low', version: 2 });
    store.setConflict(1, 'title', null);
    assert.deepEqual(kept.slice(2), [[1, 'priority', { mine: 'low', version: 2 }], [1, 'title', null]]);
  });

  test('a conflict keeps what was meant, beside what is there', async () => {
    const store = makeStore(task(1));
    const { client, commands } = makeCommands(store);
    commands.editing.shownTask = 1;
    commands.editing.update(1, 'title', 'Mine', 1);
    await tick();
    happens(store, 'task_updated', { task_id: 1, changes: { title: 'Theirs' }, version: 2, by: bob });
    await client.calls[0].refuse({ code: 'conflict', details: { task: { version: 2 }, fields: ['title'] } });
    assert.equal(store.painted?.tasks.get(1)?.title, 'Theirs');
    assert.deepEqual(store.conflicts.get(1)?.get('title'), { mine: 'Mine', version: 2, by: bob });
  });
});

test('two texts differ in words, and each is told whole', () => {
  /** @param {string} one @param {string} other */
  const told = (one, other) => Object.values(differences(one, other)).map((pieces) => pieces.map(({ text, isOwn }) => (isOwn ? `[${text}]` : text)).join(''));
  assert.deepEqual(told('Paint the green fence.', 'Paint the blue fence today.'), ['Paint the [green] fence.', 'Paint the [blue] fence[ today].']);
  assert.deepEqual(told('a\nb\n', 'a\nc\n'), ['a\n[b]\n', 'a\n[c]\n']);
  assert.deepEqual(told('the fence today', 'the old fence'), ['the fence[ today]', 'the [old ]fence'], 'words before white space');
  assert.deepEqual(told('', 'new'), ['', '[new]']);
  assert.deepEqual(told('門は緑', '門は青'), ['門は[緑]', '門は[青]']);
  const [long, other] = ['x', 'y'].map((word) => `${`${word} one `.repeat(5000)}\nend`);
  assert.deepEqual(told(long, other), [`[${long.slice(0, -3)}]end`, `[${other.slice(0, -3)}]end`], 'too long for words: by lines');
});

test('two edits of one field that are both in conflict are one problem, with the later value', async () => {
  const store = makeStore(task(1));
  const { client, commands, reported } = makeCommands(store);
  commands.editing.update(1, 'title', 'First', 1);
  commands.editing.update(1, 'title', 'Second', 1);
  happens(store, 'task_updated', { task_id: 1, changes: { title: 'Theirs' }, version: 2 });
  for (const call of client.calls) await call.refuse({ code: 'conflict', details: { task: { version: 2 }, fields: ['title'] } });
  assert.equal(reported.length, 1);
  assert.equal(store.conflicts.get(1)?.get('title')?.mine, 'Second');
});

test('what is tried again names its task, though that was deleted meanwhile', async () => {
  const store = makeStore(task(1));
  const { client, commands } = makeCommands(store);
  /** @type {{text: string, again?: () => void}[]} */
  const problems = [];
  commands.commenting.problems.report = (text, ...actions) => void problems.push({ text, again: actions.find(({ label }) => label === 'Try again')?.act });
  commands.commenting.add(1, 'Said');
  commands.editing.update(1, 'title', 'New', 1);
  for (const { refuse } of [...client.calls]) await refuse({ code: 'internal' });
  happens(store, 'task_deleted', { task_id: 1 });
  for (const { again } of [...problems]) again?.();
  for (const { refuse } of client.calls.slice(2)) await refuse({ code: 'not_found' });
  assert.equal(problems.length, 4);
  for (const { text } of problems) assert.match(text, /^Couldn’t .*“Task 1”/);
});

describe('labels', () => {
  const carried = (/** @type {BoardStore} */ store) => store.painted?.tasks.get(1)?.labels;

  test('are put on and taken off one by one, in their order, and what is so already stays', () => {
    assert.deepEqual(relabelled([2, 4], labelling(3, true)), [2, 3, 4]);
    assert.deepEqual(relabelled([2, 4], labelling(2, false)), [4]);
    assert.deepEqual(relabelled([2, 4], labelling(2, true)), [2, 4]);
    assert.deepEqual(relabelled([2, 4], labelling(3, false)), [2, 4]);
    assert.deepEqual(relabelled([2, 4], {}), [2, 4]);
  });

  test('that are on their way stand beside what others choose meanwhile', async () => {
    const store = makeStore(task(1, { labels: [1] }));
    const { client, commands, reported } = makeCommands(store);
    happens(store, 'project_updated', { changes: { labels: [1, 2, 3].map((id) => ({ id, name: `Label ${id}`, color: 'red' })) } });
    commands.labelling.label(1, 2, true);
    commands.labelling.label(1, 1, false);
    assert.deepEqual(client.calls.map(({ args }) => args), [[1, { add_labels: [2] }], [1, { remove_labels: [1] }]]);
    assert.deepEqual(carried(store), [2]);
    happens(store, 'task_updated', { task_id: 1, changes: { labels: [1, 3] }, version: 2 });
    assert.deepEqual(carried(store), [2, 3]);
    await client.calls[0].answer({ version: 3, added_labels: [2] });
    await client.calls[1].answer({ version: 4, removed_labels: [1] });
    happens(store, 'task_updated', { task_id: 1, changes: { labels: [1, 2, 3] }, version: 3 });
    assert.deepEqual(carried(store), [2, 3]);
    happens(store, 'task_updated', { task_id: 1, changes: { labels: [2, 3] }, version: 4 });
    assert.deepEqual([carried(store), store.expectations.length, reported], [[2, 3], 0, []]);
  });

  test('that an earlier page chose wait on this one; so does the list that an older page sent, and is reported where it is refused', async () => {
    const store = makeStore(task(1, { labels: [1] }));
    const { commands, reported } = makeCommands(store);
    const conflict = Object.assign(new Error('Another user changed this in the meantime.'), { code: 'conflict', details: { task: { version: 2 } } });
    const left = (/** @type {any} */ changes, /** @type {Promise<any>} */ answer) =>
      commands.resume({ event: 'task_update', data: { task_id: 1, changes }, note: { projectId: 3, title: 'A' }, at: 0, firstSentAt: null, answer });
    happens(store, 'project_updated', { changes: { labels: [1, 2, 3].map((id) => ({ id, name: `Label ${id}`, color: 'red' })) } });
    left({ add_labels: [2] }, new Promise(() => {}));
    left({ remove_labels: [1] }, new Promise(() => {}));
    assert.deepEqual(carried(store), [2]);
    left({ labels: [1, 3] }, Promise.reject(conflict));
    assert.deepEqual(carried(store), [1, 3]);
    await tick();
    assert.deepEqual(carried(store), [2]);
    assert.deepEqual(reported, ['Couldn’t change the labels of “Task 1”. Another user changed this in the meantime.']);
  });
});

test('a server that is older than the page passes over a label, and the page says so', async () => {
  const store = makeStore(task(1, { labels: [1] }));
  const { client, commands, reported } = makeCommands(store);
  for (const isOn of [true, false]) {
    const labelling = commands.labelling.label(1, isOn ? 2 : 1, isOn);
    await client.calls.pop()?.answer({ task_id: 1, project_id: 3, version: 1 });
    assert.equal(await labelling, false);
    assert.deepEqual([store.painted?.tasks.get(1)?.labels, commands.labelling.undo.last], [[1], null]);
  }
  const words = 'Couldn’t change the labels of “Task 1”. The server is running an older version than this page. Try again in a moment.';
  assert.deepEqual(reported, [words, words]);
});

describe('a new task', () => {
  const created = { task: task(7, { title: 'New' }), by: { id: 1, username: 'ada' } };

  test('shows as waiting, and once only, whichever comes first', async () => {
    for (const eventFirst of [true, false]) {
      const store = makeStore();
      const { client, commands } = makeCommands(store);
      commands.coming.create('todo', 'New');
      const [placeholder] = todo(store);
      assert.deepEqual([store.painted?.tasks.get(placeholder)?.title, store.painted?.waiting.has(placeholder)], ['New', true]);
      if (eventFirst) happens(store, 'task_created', created);
      assert.equal(todo(store).length, 1);
      await client.calls[0].answer({ task: created.task });
      assert.equal(todo(store).length, 1);
      if (!eventFirst) happens(store, 'task_created', created);
      assert.deepEqual([todo(store), store.painted?.waiting.size, store.painted?.ids.get(placeholder)], [[7], 0, 7]);
    }
  });

  test('of another user with the same title leaves ours waiting', () => {
    const store = makeStore();
    makeCommands(store).commands.coming.create('todo', 'New');
    happens(store, 'task_created', { ...created, by: { id: 2, username: 'bob' } });
    assert.equal(todo(store).length, 2);
  });
});

describe('the order of cards', () => {
  /** @param {Map<number, any>} tasks @param {number} taskId @param {import("../../static/js/board/state/pending.js").Place} place */
  const columnWith = (tasks, taskId, place) =>
    arrange(tasks, [{ taskId, patch: {}, relabelling: {}, place, answered: false, version: 0 }], STATUSES).get('todo');

  test('an expected place whose neighbour went is the end', () => {
    const tasks = new Map([1, 2, 3].map((id) => [id, task(id)]));
    const place = { status: 'todo', beforeId: 99 };
    assert.deepEqual(columnWith(tasks, 1, place), [2, 3, 1]);
  });

  test('or, where that is known, the place after the card that was above it', () => {
    const tasks = new Map([1, 2, 3].map((id) => [id, task(id)]));
    const place = { status: 'todo', beforeId: 99 };
    assert.deepEqual(columnWith(tasks, 1, { ...place, orAfterId: 2 }), [2, 1, 3]);
    assert.deepEqual(columnWith(tasks, 3, { ...place, orAfterId: null }), [3, 1, 2]);
    assert.deepEqual(columnWith(tasks, 1, { ...place, orAfterId: 98 }), [2, 3, 1]);
    assert.deepEqual(columnWith(tasks, 1, { ...place, beforeId: 3, orAfterId: 98 }), [2, 1, 3]);
  });

  test('as many cards as possible stay where they are', () => {
    assert.deepEqual(longestRun([1, 2, 3, 0]), [1, 2, 3]);
    assert.deepEqual(longestRun([3, 0, 1, -1, 2]), [0, 1, 2]);
    assert.deepEqual(longestRun([-1, -1]), []);
  });

  test('the menu offers every other column, and no step over an end', () => {
    const offered = choices({ status: 'todo', index: 0, order: [5, 6, 7] });
    const places = Object.fromEntries(offered.map(({ label, place }) => [label, place]));
    assert.equal(places['To do'], null);
    assert.deepEqual(places.Review, { status: 'review', beforeId: null });
    assert.equal(places['Move up'], null);
    assert.deepEqual(places['Move down'], { status: 'todo', beforeId: 7 });
  });
});

describe('moments in words', () => {
  const now = new Date(2024, 4, 15, 12, 0);
  const at = (/** @type {number[]} */ ...parts) => new Date(2024, .../** @type {[number]} */ (parts)).toISOString();

  test('a due date', () => {
    const words = [at(4, 15, 12, 20), at(4, 15, 15), at(4, 16, 1), at(4, 12, 1), at(6, 1)].map((iso) => dueInWords(iso, now));
    assert.deepEqual(words, ['In 20 minutes', 'In 3 hours', 'Tomorrow', '3 days ago', '1 Jul']);
  });

  test('how long ago', () => {
    const words = [at(4, 15, 12, 1), at(4, 15, 11, 55), at(4, 15, 9), at(4, 13), at(3, 1)].map((iso) => ago(iso, now));
    assert.deepEqual(words, ['just now', '5 minutes ago', '3 hours ago', '2 days ago', '1 Apr']);
  });

  test('what is completed is never overdue', () => {
    const due_at = at(4, 14);
    assert.equal(urgency({ due_at, status: 'todo' }, now), 'overdue');
    assert.equal(urgency({ due_at, status: 'completed' }, now), 'later');
    assert.deepEqual([dueInWords(due_at, now), dueDate(due_at, now)], ['Yesterday', '14 May']);
  });

  test('a field gives back the minute that it was given', () => {
    const iso = at(4, 15, 9, 5);
    assert.equal(fromLocalInput(toLocalInput(iso)), iso);
    assert.equal(fromLocalInput(''), null);
    assert.equal(fromLocalInput('2030-13-45'), null);
  });

  test('moments are shown and read in the chosen zone, also when its clocks change', () => {
    useZone('America/New_York');
    try {
      assert.equal(toLocalInput('2030-07-01T03:30:00Z'), '2030-06-30T23:30');
      assert.equal(fromLocalInput('2030-06-30T23:30'), '2030-07-01T03:30:00.000Z');
      for (const value of ['2030-03-10T01:59', '2030-03-10T03:00', '2030-11-03T00:59', '2030-11-03T02:00', '2030-12-31T23:59'])
        assert.equal(toLocalInput(fromLocalInput(value)), value);
      assert.equal(fromLocalInput('2030-03-10T02:30'), '2030-03-10T07:30:00.000Z', 'which the clocks leave out');
      assert.equal(dueInWords('2030-07-02T03:30:00Z', new Date('2030-07-01T01:00:00Z')), 'Tomorrow');
      assert.equal(tomorrowMorning(new Date('2030-07-01T03:30:00Z')).toISOString(), '2030-07-01T13:00:00.000Z');
      assert.equal(tomorrowMorning(new Date('2030-12-31T12:00:00Z')).toISOString(), '2031-01-01T14:00:00.000Z');
    } finally {
      useZone('');
    }
  });

  test('what the clocks leave out is the hour after, east and west of Greenwich; a whole day is due for all of it', () => {
    try {
      for (const [zone, skipped, then] of [
        ['Europe/Berlin', '2027-03-28T02:30', '2027-03-28T03:30'],
        ['America/New_York', '2030-03-10T02:30', '2030-03-10T03:30'],
        ['Australia/Lord_Howe', '2030-10-06T02:10', '2030-10-06T02:40'],
        ['Africa/Cairo', '2027-04-30T00:15', '2027-04-30T01:15'],
      ]) {
        useZone(zone);
        assert.equal(toLocalInput(fromLocalInput(skipped)), then, zone);
      }
      useZone('Asia/Tokyo');
      const due = /** @type {string} */ (fromLocalInput(joinDateAndTime('2030-07-01', '')));
      assert.deepEqual(toDateAndTime(due), { date: '2030-07-01', time: '' });
      assert.equal(dueInWords(due, new Date(Date.parse(due) - 5 * 60_000)), 'Today');
      assert.equal(dueInWords(due, new Date(Date.parse(due) + 5 * 60_000)), 'Yesterday');
      assert.equal(joinDateAndTime('', '09:30'), '');
    } finally {
      useZone('');
    }
  });

  test('a zone that the browser does not know is the device\'s own', () => {
    const before = toLocalInput('2030-07-01T03:30:00Z');
    useZone('Mars/Olympus_Mons');
    assert.equal(toLocalInput('2030-07-01T03:30:00Z'), before);
  });
});

describe('what others did, in sentences', () => {
  const { state } = makeStore(task(1));
  /** @param {string} event @param {any} data */
  const sentence = (event, data) =>
    describeEvent({ event, data: { task_id: 1, by: { id: 2, username: 'bob' }, ...data } }, /** @type {any} */ (state));

  test('names the actor, the act and its object', () => {
    assert.equal(sentence('task_updated', { changes: { status: 'review', position: 'x' } }), 'Bob moved “Task 1” to Review');
    assert.equal(sentence('task_updated', { changes: { assignee_id: 1 } }), 'Bob assigned “Task 1” to Ada');
    assert.equal(sentence('task_deleted', {}), 'Bob deleted “Task 1”');
    assert.equal(sentence('task_deleted', { archived: true }), 'Bob archived “Task 1”');
  });

  test('distinguishes members that come and go by themselves from those that are added and removed', () => {
    const cleo = { id: 3, username: 'cleo' };
    assert.equal(sentence('project_member_added', { user: cleo, role: 'viewer' }), 'Bob added cleo as viewer');
    assert.equal(sentence('project_member_added', { user: cleo, role: 'viewer', by: cleo }), 'cleo joined as viewer');
    assert.equal(sentence('project_member_removed', { user_id: 1 }), 'Bob removed Ada from the project');
    assert.equal(sentence('project_member_removed', { user_id: 2 }), 'Bob left the project');
  });

  test('says nothing about order, and about what another event contained', () => {
    assert.equal(sentence('task_updated', { changes: { position: 'x' } }), null);
    assert.equal(sentence('task_assigned', { assignee_id: 1 }), null);
  });

  test('a title of white space has a name', () => {
    assert.deepEqual([' ', '\u2003\n', ' a '].map(shown), ['Untitled', 'Untitled', ' a ']);
    assert.equal(quote(' '), '“Untitled”');
    assert.equal(quote('\u202etxt.\u2069exe'), '“txt.exe”');
  });
});
