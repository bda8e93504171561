// @ts-check
/** What is not easily taken back takes two presses of the same button. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CONFIRM_MS, confirmTwice } from '../../static/js/board/ui/confirm.js';

test('the first press asks, and the second one does it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const button = /** @type {any} */ ({ dataset: {}, textContent: 'Delete' });
  let done = 0;
  const press = () => confirmTwice(button, 'Delete comment?', () => (done += 1));
  press();
  assert.deepEqual([button.textContent, done], ['Delete comment?', 0]);
  press();
  assert.equal(done, 1);
});

test('a late second press asks again', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const button = /** @type {any} */ ({ dataset: {}, textContent: 'Delete' });
  let done = 0;
  const press = () => confirmTwice(button, 'Delete comment?', () => (done += 1));
  press();
  t.mock.timers.tick(CONFIRM_MS);
  assert.equal(button.textContent, 'Delete');
  press();
  assert.deepEqual([button.textContent, done], ['Delete comment?', 0]);
});
