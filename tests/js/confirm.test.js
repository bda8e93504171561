// @ts-check
/** What is not easily taken back takes two presses of the same button, with time to read in between. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CONFIRM_MS, confirmTwice, READ_MS } from '../../static/js/board/ui/confirm.js';

/** A button that can be asked, and what was done by it. @param {import('node:test').TestContext} t */
function scene(t) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  t.mock.method(performance, 'now', () => Date.now());
  const attributes = new Map([['aria-label', 'Delete comment 7']]);
  const button = /** @type {any} */ ({
    dataset: {},
    childNodes: ['Delete'],
    replaceChildren: (/** @type {string[]} */ ...nodes) => (button.childNodes = nodes),
    getAttribute: (/** @type {string} */ name) => attributes.get(name) ?? null,
    setAttribute: (/** @type {string} */ name, /** @type {string} */ value) => attributes.set(name, value),
    removeAttribute: (/** @type {string} */ name) => attributes.delete(name),
  });
  const done = { count: 0 };
  const press = () => confirmTwice(button, 'Delete comment?', () => (done.count += 1));
  const after = (/** @type {number} */ ms) => t.mock.timers.tick(ms);
  const label = () => [...button.childNodes, attributes.get('aria-label')];
  return { press, after, label, done, attributes };
}

test('the first press asks, and one that comes once the question could be read does it', (t) => {
  const { press, after, label, done, attributes } = scene(t);
  press();
  assert.deepEqual(label(), ['Delete comment?', undefined]);
  assert.equal(attributes.get('aria-disabled'), 'true');
  after(READ_MS);
  assert.equal(attributes.has('aria-disabled'), false);
  press();
  assert.equal(done.count, 1);
  assert.deepEqual(label(), ['Delete', 'Delete comment 7']);
});

test('presses that follow each other, as those of a key that is held down, answer nothing', (t) => {
  const { press, after, done } = scene(t);
  for (let count = 0; count < 200; count += 1) {
    press();
    after(30);
  }
  assert.equal(done.count, 0);
});

test('a late second press asks again', (t) => {
  const { press, after, label, done } = scene(t);
  press();
  after(CONFIRM_MS);
  assert.deepEqual(label(), ['Delete', 'Delete comment 7']);
  press();
  assert.deepEqual([label()[0], done.count], ['Delete comment?', 0]);
});
