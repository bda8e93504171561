// @ts-check
/** The users that are offered while the user writes a mention. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { candidates, mentionAt } from '../../static/js/board/panel/mentions.js';

/** @param {string} text the caret stands at the bar */
const begun = (text) => mentionAt(text.replace('|', ''), text.indexOf('|'));
/** @param {number} id @param {string} username @param {string} [name] @returns {any} */
const user = (id, username, name = '') => ({ id, username, name });

describe('a mention that is being written', () => {
  test('begins with an @ that follows no letter or digit', () => {
    assert.deepEqual(begun('@|'), { start: 0, query: '' });
    assert.deepEqual(begun('Ask @bo|'), { start: 4, query: 'bo' });
    assert.deepEqual(begun('(@bo|)'), { start: 1, query: 'bo' });
    assert.deepEqual(begun('@a@exa|'), { start: 0, query: 'a@exa' });
    for (const text of ['alice@exa|', '7@bo|', 'é@bo|', '𝒳@bo|', 'bo|', '@bo |', '@bo\n|', '@b|ob']) assert.equal(begun(text), null, text);
  });

  test('is no longer than a username', () => {
    assert.equal(begun(`@${'x'.repeat(150)}|`)?.query.length, 150);
    assert.equal(begun(`@${'x'.repeat(151)}|`), null);
  });
});

describe('the users that are offered', () => {
  const users = [user(1, 'zoe', 'Zoë Okafor'), user(2, 'bob', 'Bob Lindqvist'), user(3, 'anna.b', ''), user(4, 'cy', 'Cyril Bo')];
  /** @param {string} query @param {number[]} [present] */
  const offered = (query, present = []) => candidates({ users, present: new Set(present) }, query).map(({ id }) => id);

  test('has a username or a name that begins like that, whatever the case and the accents', () => {
    assert.deepEqual(offered('BO'), [2, 4]);
    assert.deepEqual(offered('zoe o'), [1]);
    assert.deepEqual(offered('lind'), [2]);
    assert.deepEqual(offered('ob'), []);
  });

  test('is here, or else comes by name', () => {
    assert.deepEqual(offered(''), [3, 2, 4, 1]);
    assert.deepEqual(offered('', [1, 4]), [4, 1, 3, 2]);
  });

  test('are eight at most', () => {
    const many = Array.from({ length: 30 }, (_, index) => user(index + 1, `user${index + 10}`));
    const found = candidates({ users: many, present: new Set([30]) }, 'user');
    assert.deepEqual(found.map(({ id }) => id), [30, 1, 2, 3, 4, 5, 6, 7]);
  });
});
