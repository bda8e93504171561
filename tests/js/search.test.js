// @ts-check
/** How searches compare text, wherever one types something to find. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { fold } from '../../static/js/board/language/fold.js';
import { mentionsIn } from '../../static/js/board/panel/finished_text.js';
import { candidates } from '../../static/js/board/panel/mentions.js';
import { ALL, matches } from '../../static/js/board/state/filter.js';

describe('A search', () => {
  test('makes nothing of case, accents and ligatures', () => {
    // As on the server: its test has the same cases.
    const cases = JSON.parse(readFileSync(new URL('../support/folding.json', import.meta.url), 'utf8'));
    for (const [text, folded] of cases) assert.equal(fold(text), folded);
  });

  test('finds the people that a text mentions, whatever the case and accents', () => {
    const users = ['bob', 'bobby', 'ünal', 'a.b'].map((username, id) => /** @type {any} */ ({ id, username }));
    const found = (/** @type {string} */ text) => mentionsIn(text, users).map(({ start, end }) => text.slice(start, end));
    assert.deepEqual(found('@Bob, @BOBBY @bobb (@a.b.) x@bob é@bob e\u0301@bob'), ['@Bob', '@BOBBY', '@bob', '@a.b']);
    assert.deepEqual(found('@u\u0308nal @Unal @ünalx @ @nobody'), ['@u\u0308nal', '@Unal', '@ünal']);
  });

  test('finds tasks and people by the same letters', () => {
    const task = /** @type {any} */ ({ id: 7, title: 'Café umbauen', description: '', assignee_id: null, due_at: null });
    const person = /** @type {any} */ ({ id: 1, username: 'jose', name: 'José Núñez' });
    for (const text of ['cafe', 'CAFÉ', 'cafe\u0301']) {
      assert.ok(matches(task, { ...ALL, text }, { userId: 1, now: new Date(0) }), text);
    }
    for (const query of ['nun', 'NÚÑ', 'jose']) {
      assert.deepEqual(candidates({ users: [person], present: new Set() }, query), [person], query);
    }
  });
});
