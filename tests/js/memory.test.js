// @ts-check
/** What a browser keeps for its user: what was seen of a board, and what is being written. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { Absence } from '../../static/js/board/activity/absence.js';
import { Drafts } from '../../static/js/board/state/drafts.js';
import { fromSnapshot } from '../../static/js/board/reducer.js';

/** A browser's storage with room for so many entries. @param {number} [room] @returns {any} */
function makeStorage(room = Infinity) {
  const storage = Object.create({
    getItem: (/** @type {string} */ key) => storage[key] ?? null,
    setItem: (/** @type {string} */ key, /** @type {string} */ value) => {
      if (!(key in storage) && Object.keys(storage).length >= room) throw new Error('QuotaExceededError');
      storage[key] = value;
    },
    removeItem: (/** @type {string} */ key) => delete storage[key],
  });
  return storage;
}

describe('a user that was away', () => {
  const bob = { id: 2, username: 'bob', name: 'Bob' };
  const task = { id: 7, title: 'Paint', status: 'todo', position: 'a', version: 1, comment_count: 0 };
  const state = fromSnapshot(/** @type {any} */ ({
    project: { id: 3, name: 'Garden' }, members: [{ user: bob, role: 'member' }], tasks: [task], seq: 5, epoch: 'e1',
  }));
  /** @param {any} [storage] */
  const absent = (storage = makeStorage()) => new Absence({ key: 'seen', userId: 1, storage });
  /** @param {string} event @param {object} data @param {number} [by] @returns {any} */
  const frame = (event, data, by = 2) => ({ event, seq: 6, data: { by: { ...bob, id: by }, ...data } });
  const renamed = { task_id: 7, changes: { title: 'Painted' } };

  test('sees how much others changed, once', () => {
    const absence = absent();
    absence.missed(frame('task_updated', renamed), state);
    absence.missed(frame('task_created', { task: { ...task, id: 8 } }), state);
    assert.equal(absence.back('Caught up'), '2 changes while you were offline');
    assert.equal(absence.back('Caught up'), null);
    assert.deepEqual([...absence.marks], [[7, 'changed'], [8, 'new']]);
  });

  test('does not see what was their own, or says nothing', () => {
    const absence = absent();
    absence.missed(frame('task_updated', renamed, 1), state);
    absence.missed(frame('comment_updated', { task_id: 7, comment: { id: 1, content: 'x' } }), state);
    assert.deepEqual([absence.back('Caught up'), absence.marks.size], [null, 0]);
  });

  test('finds a new card new, however it was changed since, and no mark on one that is gone', () => {
    const absence = absent();
    absence.missed(frame('task_created', { task: { ...task, id: 8 } }), state);
    absence.missed(frame('task_updated', { ...renamed, task_id: 8 }), state);
    assert.equal(absence.marks.get(8), 'new');
    absence.missed(frame('task_deleted', { task_id: 8 }, 1), state);
    assert.equal(absence.marks.size, 0);
  });

  test('finds the marks of the last visit, where the browser kept them', () => {
    const storage = makeStorage();
    const before = absent(storage);
    before.missed(frame('task_updated', renamed), state);
    before.remember({ seq: 6, epoch: 'e1' });
    const after = absent(storage);
    assert.deepEqual([[...after.marks], after.read()?.seq, after.read()?.epoch], [[[7, 'changed']], 6, 'e1']);
    storage.setItem('seen', '{"seq":');
    assert.deepEqual([absent(storage).read(), absent(storage).marks.size], [null, 0]);
    absent(makeStorage(0)).remember({ seq: 6, epoch: 'e1' }); // a full browser is no error
  });
});

describe('drafts', () => {
  test('belong to a user, a task and a field', () => {
    const storage = makeStorage();
    const drafts = new Drafts(1, storage);
    drafts.set(7, 'description', { text: 'Half a tho', version: 3 });
    drafts.set(7, 'comment', { text: 'Hi' });
    const { text, version } = new Drafts(1, storage).get(7, 'description') ?? {};
    assert.deepEqual([text, version, drafts.get(7, 'comment')?.text], ['Half a tho', 3, 'Hi']);
    assert.deepEqual([drafts.get(8, 'comment'), new Drafts(11, storage).get(7, 'comment')], [null, null]);
  });

  test('what one has to choose is kept until it is settled, also no value at all', () => {
    const storage = makeStorage();
    const drafts = new Drafts(1, storage);
    drafts.set(7, 'title', { text: 'A draft', version: 3 });
    drafts.keepConflict(7, 'title', { mine: 'Mine', version: 3 });
    drafts.keepConflict(7, 'due_at', { mine: null, version: 4 });
    drafts.keepConflict(8, 'assignee_id', { mine: 5, version: 2 });
    drafts.keepConflict(8, 'assignee_id', null);
    assert.deepEqual(new Drafts(1, storage).conflicts(), [
      { taskId: 7, field: 'title', mine: 'Mine', version: 3 },
      { taskId: 7, field: 'due_at', mine: null, version: 4 },
    ]);
    assert.deepEqual(new Drafts(11, storage).conflicts(), []);
    assert.equal(drafts.get(7, 'title')?.text, 'A draft');
  });

  test('go with their text, one by one or all of the user', () => {
    const storage = makeStorage();
    const [drafts, other] = [new Drafts(1, storage), new Drafts(11, storage)];
    for (const some of [drafts, other]) some.set(7, 'comment', { text: 'Hi' });
    drafts.set(8, 'comment', { text: 'Ho' });
    drafts.set(8, 'comment', { text: '' });
    assert.equal(drafts.get(8, 'comment'), null);
    drafts.clear();
    assert.deepEqual([drafts.get(7, 'comment'), other.get(7, 'comment')?.text], [null, 'Hi']);
  });

  test('are a hundred at most: the oldest go first', (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000 });
    const storage = makeStorage();
    const drafts = new Drafts(1, storage);
    for (let task = 1; task <= 101; task += 1) {
      drafts.set(task, 'comment', { text: 'Hi' });
      t.mock.timers.tick(1);
    }
    assert.equal(Object.keys(storage).length, 100);
    assert.deepEqual([drafts.get(1, 'comment'), drafts.get(101, 'comment')?.text], [null, 'Hi']);
  });

  test('that are broken, or find no room, are none', () => {
    const storage = makeStorage(0);
    const drafts = new Drafts(1, storage);
    drafts.set(7, 'comment', { text: 'Hi' });
    assert.equal(drafts.get(7, 'comment'), null);
    storage['taskrealtime.draft.1.7.comment'] = '{"text":';
    assert.equal(drafts.get(7, 'comment'), null);
  });
});
