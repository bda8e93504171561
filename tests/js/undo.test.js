// @ts-check
/** Taking back what one did last. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Commands } from '../../static/js/board/commands/commands.js';
import { BoardStore } from '../../static/js/board/state/store.js';
import { Undo } from '../../static/js/board/commands/undo.js';

globalThis.requestAnimationFrame ??= /** @type {any} */ ((/** @type {() => void} */ paint) => setTimeout(paint));

/** @param {number} id @param {object} [fields] @returns {any} */
const task = (id, fields) => ({
  id, project_id: 3, title: `Task ${id}`, description: '', status: 'todo', priority: 'medium', assignee_id: null,
  due_at: null, position: String(id), comment_count: 0, created_by_id: 1, created_at: '', updated_at: '', version: 1,
  ...fields,
});

/** A board on a server that does what it is asked, unless it refuses. */
function makeScene() {
  const store = new BoardStore({ userId: 1 });
  const members = [{ user: { id: 1, username: 'ada' }, role: 'owner' }];
  store.replace({ project: { id: 3, name: 'House' }, members, tasks: [task(1), task(2), task(3)], seq: 0, epoch: 'e' });
  /** @type {any[]} */
  const asked = [];
  /** @type {string[]} */
  const reported = [];
  const scene = { store, asked, reported, refusal: /** @type {any} */ (null), version: 1, more: {} };
  const answer = (/** @type {string} */ name, /** @type {any} */ more) => async (/** @type {any[]} */ ...args) => {
    asked.push([name, ...args]);
    if (scene.refusal) throw scene.refusal;
    scene.version += 1;
    return { version: scene.version, ...(typeof more === 'function' ? more(...args) : more), ...scene.more };
  };
  const labelled = (/** @type {number} */ _, { add_labels: added_labels = [], remove_labels: removed_labels = [] }) => ({ added_labels, removed_labels });
  const moved = (/** @type {number} */ id) => ({ position: 'm', status: 'review', previous: { status: 'todo', position: String(id) } });
  const client = {
    createTask: answer('create', { task: task(9, { title: 'New' }) }),
    updateTask: answer('update', labelled),
    moveTask: answer('move', moved),
    deleteTask: answer('delete', {}),
    restoreTask: answer('restore', (/** @type {number} */ id) => ({ task: task(id) })),
  };
  const undo = new Undo({ undone: ({ words }) => reported.push(words.undone) });
  const report = (/** @type {string} */ text) => void reported.push(text);
  const commands = new Commands({ client, store, undo, problems: { report }, toasts: { say: report }, projectId: 3, openTask: () => {} });
  return { store, asked, reported, scene, undo, commands };
}

/** @param {BoardStore} store @param {string} event @param {any} data */
const happens = (store, event, data) => store.apply({ event, data, room: 'project.3', seq: (store.state?.seq ?? 0) + 1 });

describe('what one did', () => {
  test('is taken back in reverse, each once', async () => {
    const { commands, undo, asked, reported } = makeScene();
    await commands.coming.create('todo', 'New');
    await commands.editing.update(1, 'title', 'Other', 1);
    await commands.coming.remove(2);
    asked.length = reported.length = 0;
    for (let step = 0; step < 4; step += 1) await undo.run();
    assert.deepEqual(asked, [['restore', 2], ['update', 1, { title: 'Task 1' }, 3, { follows: true }], ['delete', 9]]);
    assert.deepEqual(reported, ['Deletion of “Task 2” undone', 'Change to the title of “Task 1” undone', 'Creation of “New” undone']);
  });

  test('is taken back even before it is answered, and not what was done before', async () => {
    const { commands, undo, asked } = makeScene();
    await commands.editing.update(1, 'title', 'Other', 1);
    for (const act of [() => commands.editing.update(1, 'priority', 'high', 2), () => commands.coming.remove(2)]) {
      const done = act();
      await undo.run();
      await done;
    }
    assert.deepEqual(asked.slice(1), [
      ['update', 1, { priority: 'high' }, 2, { follows: true }], ['update', 1, { priority: 'medium' }, 3, { follows: true }], ['delete', 2], ['restore', 2],
    ]);
    assert.equal(undo.last?.words.undo, 'Undo change to the title of “Task 1”');
  });

  test('a label is taken off again, or put on, whatever others did to the rest', async () => {
    const { commands, undo, asked, store } = makeScene();
    await commands.labelling.label(1, 4, true);
    await commands.labelling.label(1, 5, false);
    happens(store, 'task_updated', { task_id: 1, changes: { labels: [6] }, version: 4 });
    asked.length = 0;
    await undo.run();
    await undo.run();
    assert.deepEqual(asked, [['update', 1, { add_labels: [5] }], ['update', 1, { remove_labels: [4] }]]);
  });

  test('a label that another user put on or took off at the same moment is theirs', async () => {
    const { commands, undo, scene, asked } = makeScene();
    for (const isOn of [true, false]) {
      scene.more = { added_labels: [], removed_labels: [] }; // the other one was faster
      await commands.labelling.label(1, 4, isOn);
      assert.equal(undo.last, null);
      const done = commands.labelling.label(1, 4, isOn);
      asked.length = 0;
      await undo.run(); // an undo before the answer takes nothing back either
      await done;
      assert.deepEqual([asked, undo.last], [[], null]);
    }
  });

  test('a card that another user moved to the same place at the same moment stays there', async () => {
    const { commands, undo, scene, asked } = makeScene();
    scene.more = { previous: { status: 'review', position: 'm' } };
    await commands.moving.move(1, { status: 'review', beforeId: null });
    assert.equal(undo.last, null);
    asked.length = 0;
    await undo.run();
    assert.deepEqual(asked, []);
  });

  test('a card that another user moved at the same moment goes back to where they put it', async () => {
    const { commands, undo, scene, asked, store } = makeScene();
    store.replace({
      ...{ project: { id: 3, name: 'House' }, members: [], seq: 0, epoch: 'e' },
      tasks: [task(1), task(4, { status: 'completed', position: 'a' }), task(5, { status: 'completed', position: 'c' })],
    });
    scene.more = { previous: { status: 'completed', position: 'b' } }; // we saw it in the first column still
    await commands.moving.move(1, { status: 'review', beforeId: null });
    await undo.run();
    assert.deepEqual(asked.pop(), ['move', 1, { status: 'completed', beforeId: 5, orAfterId: 4, tellPrevious: true }]);
  });

  test('a moved card goes back between its neighbours, or to where one of them still is', async () => {
    const { commands, undo, asked, store } = makeScene();
    for (const [id, where] of [[1, { beforeId: 2, orAfterId: null }], [3, {}], [2, {}]]) {
      await commands.moving.move(id, { status: 'review', beforeId: null });
      if (id === 2) happens(store, 'task_deleted', { task_id: 3 }); // it was the last one below
      await undo.run();
      assert.deepEqual(asked.pop(), ['move', id, { status: 'todo', ...where, tellPrevious: true }]);
    }
  });

  test('a card that another user has moved since stays where they put it', async () => {
    const { commands, undo, asked, reported, store } = makeScene();
    await commands.moving.move(1, { status: 'review', beforeId: null });
    happens(store, 'task_updated', { task_id: 1, changes: { status: 'review', position: 'm' }, version: 2 });
    happens(store, 'task_updated', { task_id: 1, changes: { status: 'completed', position: 'z' }, version: 3 });
    asked.length = 0;
    await undo.run();
    assert.deepEqual([asked, reported], [[], ['Someone else has moved “Task 1” since then.']]);
    assert.equal(undo.last, null);
  });

  test('nor is it moved back where another user has only given it another status since', async () => {
    const { commands, undo, asked, reported, store } = makeScene();
    await commands.moving.move(1, { status: 'review', beforeId: null });
    happens(store, 'task_updated', { task_id: 1, changes: { status: 'review', position: 'm' }, version: 2 });
    happens(store, 'task_updated', { task_id: 1, changes: { status: 'completed' }, version: 3 });
    asked.length = 0;
    await undo.run();
    assert.deepEqual([asked, reported], [[], ['Someone else has moved “Task 1” since then.']]);
  });

  test('what was refused is nothing to take back, and what cannot be taken back is not tried again', async () => {
    const { commands, undo, scene, reported } = makeScene();
    scene.refusal = { code: 'forbidden', message: 'No.' };
    await commands.editing.update(1, 'title', 'Other', 1);
    assert.equal(undo.last, null);
    scene.refusal = null;
    await commands.editing.update(1, 'title', 'Other', 1);
    scene.refusal = { code: 'forbidden', message: 'No.' };
    reported.length = 0;
    await undo.run();
    assert.deepEqual([reported, undo.last], [['Couldn’t change the title of “Task 1”. No.'], null]);
  });
});
