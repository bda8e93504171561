// @ts-check
/** How the board speaks of those who are on it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { typingSentence } from '../../static/js/board/people/company.js';

test('who types is said in a sentence', () => {
  assert.equal(typingSentence([]), '');
  assert.equal(typingSentence(['Ada']), 'Ada is typing…');
  assert.equal(typingSentence(['Ada', 'Ben']), 'Ada and Ben are typing…');
  assert.equal(typingSentence(['Ada', 'Ben', 'Cy']), 'Ada, Ben and Cy are typing…');
  assert.equal(typingSentence(['Ada', 'Ben', 'Cy', 'Di']), 'Several people are typing…');
});
