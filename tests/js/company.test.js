// @ts-check
/** How the board names its users. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { typingSentence } from '../../static/js/board/people/company.js';

test('the users that type are named in a sentence', () => {
  assert.equal(typingSentence([]), '');
  assert.equal(typingSentence(['Ada']), 'Ada is typing…');
  assert.equal(typingSentence(['Ada', 'Ben']), 'Ada and Ben are typing…');
  assert.equal(typingSentence(['Ada', 'Ben', 'Cy']), 'Ada, Ben and Cy are typing…');
  assert.equal(typingSentence(['Ada', 'Ben', 'Cy', 'Di']), 'Several people are typing…');
});
