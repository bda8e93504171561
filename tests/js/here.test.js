// @ts-check
/** Who is on the board just now, frame by frame. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  applyPresence, applyTyping, applyViewers, joined, nextSilence, NOBODY, stopTyping, TYPING_STAYS, typingSentence, typistsOf,
} from '../../static/js/board/here.js';

const ada = { id: 1, username: 'ada', name: 'Ada' };
const bob = { id: 2, username: 'bob', name: 'Bob' };

/** @param {import('../../static/js/board/here.js').Here} state */
const statuses = (state) => Object.fromEntries([...state.presence].map(([id, { status }]) => [id, status]));
/** @param {import('../../static/js/board/here.js').Here} state @param {number} now */
const typing = (state, now) => typistsOf(state, 7, now).map(({ name }) => name);

describe('presence', () => {
  test('begins with the join, and each frame has the last word', () => {
    let state = joined(NOBODY, { presence: [{ user_id: 1, status: 'online' }, { user_id: 2, status: 'busy' }] });
    assert.deepEqual(statuses(state), { 1: 'online', 2: 'busy' });
    state = applyPresence(state, { project_id: 3, user_id: 2, status: 'offline', last_seen_at: 'noon' });
    assert.deepEqual(state.presence.get(2), { status: 'offline', lastSeenAt: 'noon' });
  });

  test('comes gathered, too', () => {
    const users = [{ user_id: 1, status: 'idle', last_seen_at: 'a' }, { user_id: 2, status: 'online', last_seen_at: 'b' }];
    assert.deepEqual(statuses(applyPresence(NOBODY, { project_id: 3, users })), { 1: 'idle', 2: 'online' });
  });

  test('who is missing from a later join has left meanwhile', () => {
    let state = joined(NOBODY, { presence: [{ user_id: 1, status: 'online' }, { user_id: 2, status: 'online' }] });
    state = applyTyping(state, { task_id: 7, user: bob, is_typing: true }, 0);
    state = joined(applyViewers(state, { task_id: 7, user_ids: [2] }), { presence: [{ user_id: 1, status: 'online' }] });
    assert.deepEqual(statuses(state), { 1: 'online', 2: 'offline' });
    assert.deepEqual([typing(state, 1), state.viewers.size], [[], 0]);
  });

  test('said twice, it is the same state', () => {
    const data = { user_id: 1, status: 'online', last_seen_at: 'a' };
    const state = applyPresence(NOBODY, data);
    assert.equal(applyPresence(state, data), state);
  });
});

describe('typing', () => {
  test('is told until it stops, in the order in which it began', () => {
    let state = applyTyping(NOBODY, { task_id: 7, user: bob, is_typing: true }, 0);
    state = applyTyping(state, { task_id: 7, user: ada, is_typing: true }, 5);
    state = applyTyping(state, { task_id: 7, user: bob, is_typing: true }, 9);
    assert.deepEqual(typing(state, 10), ['Bob', 'Ada']);
    assert.deepEqual(typing(applyTyping(state, { task_id: 7, user: bob, is_typing: false }, 11), 12), ['Ada']);
    assert.deepEqual(typing(stopTyping(state, 7, 1), 12), ['Bob']);
    assert.deepEqual(typistsOf(state, 8, 12), []);
  });

  test('who falls silent without a word is forgotten', () => {
    const state = applyTyping(NOBODY, { task_id: 7, user: bob, is_typing: true }, 1000);
    assert.equal(nextSilence(state, 1000), 1000 + TYPING_STAYS);
    assert.deepEqual(typing(state, 1000 + TYPING_STAYS), []);
    assert.equal(nextSilence(state, 1000 + TYPING_STAYS), null);
  });

  test('is said in a sentence', () => {
    assert.equal(typingSentence([]), '');
    assert.equal(typingSentence(['Ada']), 'Ada is typing…');
    assert.equal(typingSentence(['Ada', 'Ben']), 'Ada and Ben are typing…');
    assert.equal(typingSentence(['Ada', 'Ben', 'Cy']), 'Ada, Ben and Cy are typing…');
    assert.equal(typingSentence(['Ada', 'Ben', 'Cy', 'Di']), 'Several people are typing…');
  });
});

describe('viewers', () => {
  test('are those whom the last frame names, and the same list is the same state', () => {
    let state = applyViewers(NOBODY, { task_id: 7, user_ids: [1, 2] });
    assert.deepEqual(state.viewers.get(7), [1, 2]);
    assert.equal(applyViewers(state, { task_id: 7, user_ids: [1, 2] }), state);
    state = applyViewers(state, { task_id: 7, user_ids: [] });
    assert.equal(state.viewers.has(7), false);
  });
});
