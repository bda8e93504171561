// @ts-check
/** What the palette lists. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { findHere, fromServer, stillFits, together, wordsOf } from '../../static/js/board/palette/entries.js';

const project = { id: 1, name: 'Apollo' };
/** @param {number} id @param {string} title @param {string} [description] @returns {any} */
const task = (id, title, description = '') => ({ id, title, description, status: 'todo', updated_at: `2030-05-0${id}T00:00:00Z` });
/** @param {readonly import("../../static/js/board/palette/entries.js").Piece[]} pieces */
const marked = (pieces) => pieces.map(({ text, isMatch }) => (isMatch ? `[${text}]` : text)).join('');

describe('The palette', () => {
  test('finds the tasks of the board at once: titles first, then what was changed last', () => {
    const tasks = [task(1, 'Fence', 'paint'), task(2, 'Paint the FENCÉ'), task(3, 'Paint', 'a fence'), task(4, 'Gate')];
    const ids = (/** @type {string} */ text) => findHere(tasks, wordsOf(text), project, 9).map(({ id }) => id);
    assert.deepEqual(ids('fence paint'), [2, 3, 1]);
    assert.deepEqual(ids('#4'), [4]);
    assert.deepEqual(findHere(tasks, wordsOf('fence'), project, 1).length, 1);
  });

  test('marks what the server found, by characters', () => {
    const found = { id: 7, title: '😀 Café', status: /** @type {const} */ ('review'), updated_at: '2030-05-01T00:00:00Z' };
    const title = { where: /** @type {const} */ ('title'), excerpt: '😀 Café', spans: [{ start: 2, end: 6 }] };
    const comment = { where: /** @type {const} */ ('comment'), comment_id: 9, excerpt: '…in blue', spans: [{ start: 4, end: 8 }] };
    const both = fromServer({ project, task: found, matches: [title, comment] });
    assert.deepEqual([marked(both.title), marked(both.excerpt), both.commentId, both.isArchived], ['😀 [Café]', '…in [blue]', null, false]);
    const archived = fromServer({ project, task: { ...found, archived_at: found.updated_at }, matches: [comment] });
    assert.deepEqual([marked(archived.title), archived.commentId, archived.isArchived], ['😀 Café', 9, true]);
    assert.ok(stillFits(both, wordsOf('CAF blue #7')));
    assert.ok(!stillFits(both, wordsOf('cafe green')));
    const here = findHere([task(7, 'Café'), task(8, 'Café two')], wordsOf('cafe'), project, 9);
    assert.deepEqual(together([both], here).map(({ id }) => id), [7, 8]);
  });
});
