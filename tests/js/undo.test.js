// @ts-check
/** Taking back what one did last. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Commands } from '../../static/js/board/commands.js';
import { BoardStore } from '../../static/js/board/store.js';
import { Undo } from '../../static/js/board/undo.js';

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
  const told = [];
  const scene = { store, asked, told, refusal: /** @type {any} */ (null), version: 1 };
  const answer = (/** @type {string} */ name, /** @type {any} */ more) => async (/** @type {any[]} */ ...args) => {
    asked.push([name, ...args]);
    if (scene.refusal) throw scene.refusal;
    scene.version += 1;
    return { version: scene.version, ...more };
  };
  const client = {
    createTask: answer('create', { task: task(9, { title: 'New' }) }),
    updateTask: answer('update', {}),
    moveTask: answer('move', { position: 'm', status: 'review' }),
    deleteTask: answer('delete', {}),
    restoreTask: answer('restore', {}),
  };
  const undo = new Undo({ undone: ({ words }) => told.push(words) });
  const tell = (/** @type {string} */ text) => void told.push(text);
  const commands = new Commands({ client, store, undo, problems: { report: tell }, toasts: { say: tell }, projectId: 3, openTask: () => {} });
  return { store, asked, told, scene, undo, commands };
}

/** @param {BoardStore} store @param {string} event @param {any} data */
const happens = (store, event, data) => store.apply({ event, data, room: 'project.3', seq: (store.state?.seq ?? 0) + 1 });

describe('what one did', () => {
  test('is taken back in reverse, each once', async () => {
    const { commands, undo, asked, told } = makeScene();
    await commands.create('todo', 'New');
    await commands.update(1, 'title', 'Other', 1);
    await commands.remove(2);
    asked.length = told.length = 0;
    for (let step = 0; step < 4; step += 1) await undo.run();
    assert.deepEqual(asked, [['restore', 2], ['update', 1, { title: 'Task 1' }, 3, { follows: true }], ['delete', 9]]);
    assert.deepEqual(told, ['deleting “Task 2”', 'changing the title of “Task 1”', 'adding “New”']);
  });

  test('is taken back even before it is answered, and not what was done before', async () => {
    const { commands, undo, asked } = makeScene();
    await commands.update(1, 'title', 'Other', 1);
    for (const act of [() => commands.update(1, 'priority', 'high', 2), () => commands.remove(2)]) {
      const done = act();
      await undo.run();
      await done;
    }
    assert.deepEqual(asked.slice(1), [
      ['update', 1, { priority: 'high' }, 2, { follows: true }], ['update', 1, { priority: 'medium' }, 3, { follows: true }], ['delete', 2], ['restore', 2],
    ]);
    assert.equal(undo.last?.words, 'changing the title of “Task 1”');
  });

  test('a label is taken off again, or put on, whatever others did to the rest', async () => {
    const { commands, undo, asked, store } = makeScene();
    await commands.label(1, 4, true);
    await commands.label(1, 5, false);
    happens(store, 'task_updated', { task_id: 1, changes: { labels: [6] }, version: 4 });
    asked.length = 0;
    await undo.run();
    await undo.run();
    assert.deepEqual(asked, [['update', 1, { add_labels: [5] }], ['update', 1, { remove_labels: [4] }]]);
  });

  test('a moved card goes back between its neighbours, or to where one of them still is', async () => {
    const { commands, undo, asked, store } = makeScene();
    for (const [id, where] of [[1, { beforeId: 2, orAfterId: null }], [3, {}], [2, { beforeId: 3, orAfterId: 1 }]]) {
      await commands.move(id, { status: 'review', beforeId: null });
      if (id === 2) happens(store, 'task_deleted', { task_id: 3 }); // the server knows where it belongs then
      await undo.run();
      assert.deepEqual(asked.pop(), ['move', id, { status: 'todo', ...where }]);
    }
  });

  test('a card that somebody else has moved since stays where they put it', async () => {
    const { commands, undo, asked, told, store } = makeScene();
    await commands.move(1, { status: 'review', beforeId: null });
    happens(store, 'task_updated', { task_id: 1, changes: { status: 'review', position: 'm' }, version: 2 });
    happens(store, 'task_updated', { task_id: 1, changes: { status: 'completed', position: 'z' }, version: 3 });
    asked.length = 0;
    await undo.run();
    assert.deepEqual([asked, told], [[], ['“Task 1” was moved by somebody else since.']]);
    assert.equal(undo.last, null);
  });

  test('nor is it moved back where somebody else has only given it another status since', async () => {
    const { commands, undo, asked, told, store } = makeScene();
    await commands.move(1, { status: 'review', beforeId: null });
    happens(store, 'task_updated', { task_id: 1, changes: { status: 'review', position: 'm' }, version: 2 });
    happens(store, 'task_updated', { task_id: 1, changes: { status: 'completed' }, version: 3 });
    asked.length = 0;
    await undo.run();
    assert.deepEqual([asked, told], [[], ['“Task 1” was moved by somebody else since.']]);
  });

  test('what was refused is nothing to take back, and what cannot be taken back is not tried again', async () => {
    const { commands, undo, scene, told } = makeScene();
    scene.refusal = { code: 'forbidden', message: 'No.' };
    await commands.update(1, 'title', 'Other', 1);
    assert.equal(undo.last, null);
    scene.refusal = null;
    await commands.update(1, 'title', 'Other', 1);
    scene.refusal = { code: 'forbidden', message: 'No.' };
    told.length = 0;
    await undo.run();
    assert.deepEqual([told, undo.last], [['The title of “Task 1” was not changed. No.'], null]);
  });
});
