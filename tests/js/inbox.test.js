// @ts-check
/** The own notifications: how many wait, in whichever order answers and events come; and what they say. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { arrive, EMPTY, read, redact, seenUpTo, stand, takePage, unreadIn } from '../../static/js/board/notifications/inbox.js';
import { describe as sentenceOf } from '../../static/js/board/notifications/notices.js';
import { Notifications } from '../../static/js/board/notifications/notifications.js';

/** @param {number} seq @param {object} [more] @returns {any} */
const frame = (seq, more) => ({ event: 'comment_added', data: {}, seq, at: 'then', ...more });
/** @param {number[]} seqs @param {{readUpTo?: number, seq: number, next?: string | null}} page */
const page = (seqs, { readUpTo = 0, seq, next = null }) => ({
  results: seqs.map((number) => frame(number, { read: number <= readUpTo })), next, seq, unread: seq - readUpTo,
});
/** @param {import('../../static/js/board/notifications/inbox.js').Inbox} inbox */
const shown = (inbox) => [inbox.items.map(({ seq }) => seq), unreadIn(inbox)];

describe('the inbox', () => {
  test('knows how many wait from the connection alone, and counts what arrives', () => {
    const inbox = stand(EMPTY, { seq: 12, unread: 3 });
    assert.deepEqual(shown(inbox), [[], 3]);
    assert.deepEqual(shown(arrive(inbox, frame(13))), [[13], 4]);
  });

  test('what was missed is counted once, whether it was announced before or is announced after', () => {
    const before = arrive(stand(EMPTY, { seq: 12, unread: 0 }), frame(13));
    const back = stand(before, { seq: 15, unread: 3 });
    assert.equal(unreadIn(back), 3);
    assert.deepEqual(shown([14, 15, 15].reduce((inbox, seq) => arrive(inbox, frame(seq)), back)), [[15, 14, 13], 3]);
  });

  test('what was read elsewhere while we were away does not wait', () => {
    const back = stand(stand(EMPTY, { seq: 12, unread: 2 }), { seq: 14, unread: 0 });
    assert.equal(unreadIn(arrive(arrive(back, frame(13)), frame(14))), 0);
  });

  test('a page and what arrived meanwhile come together in either order', () => {
    const answer = page([5, 4, 3], { readUpTo: 4, seq: 5, next: 'more' });
    const start = stand(EMPTY, { seq: 5, unread: 1 });
    const [one, other] = [takePage(arrive(start, frame(6)), answer), arrive(takePage(start, answer), frame(6))];
    assert.deepEqual(shown(one), [[6, 5, 4, 3], 2]);
    assert.deepEqual(shown(other), shown(one));
    assert.deepEqual(shown(takePage(one, page([3, 2, 1], { readUpTo: 4, seq: 6 }))), [[6, 5, 4, 3, 2, 1], 2]);
  });

  test('reading and arriving may cross', () => {
    const start = stand(EMPTY, { seq: 5, unread: 5 });
    assert.equal(unreadIn(arrive(read(start, 5), frame(6))), 1);
    assert.equal(unreadIn(read(arrive(start, frame(6)), 5)), 1);
    assert.equal(unreadIn(read(read(start, 6), 5)), 0, 'the event that was read elsewhere is still on its way');
  });

  test('is seen up to the first that was not on the screen', () => {
    const inbox = takePage(EMPTY, page([5, 4, 3, 2], { readUpTo: 2, seq: 5 }));
    assert.equal(seenUpTo(inbox, new Set([5, 4])), 0);
    assert.equal(seenUpTo(inbox, new Set([5, 3])), 3);
    assert.equal(seenUpTo(inbox, new Set([5, 4, 3])), 5);
    const long = takePage(EMPTY, page([5, 4], { readUpTo: 1, seq: 5, next: 'more' }));
    assert.equal(seenUpTo(long, new Set([5, 4])), 0, 'number 3 is not loaded');
  });

  test('what was deleted keeps its place and loses its words', () => {
    const comment = frame(5, { data: { task_id: 7, title: 'Paint', comment: { id: 9, content: 'Secret' } } });
    const inbox = arrive(EMPTY, comment);
    const [item] = redact(inbox, ({ comment }) => comment.id === 9).items;
    assert.deepEqual(item.data, { redacted: true, task_id: 7, comment: { id: 9, content: '', content_html: '' } });
    assert.equal(redact(inbox, ({ task_id: id }) => id === 8), inbox);
  });
});

describe('a notification', () => {
  const by = { id: 2, username: 'bob' };
  const names = {
    project: () => 'House',
    task: () => 'Paint',
    person: (/** @type {number} */ id) => (id === 2 ? { id, username: 'bob', name: 'Bob' } : null),
  };
  /** @param {string} event @param {any} data */
  const sentence = (event, data) => sentenceOf(frame(1, { event, data: { by, project_id: 3, task_id: 7, ...data } }), names);

  test('names the actor and the act, and leads there', () => {
    const comment = sentence('comment_added', { reason: 'mention', comment: { id: 9, content: 'Hi\n\n@ada!' } });
    assert.deepEqual(
      [comment.text, comment.excerpt, comment.href],
      ['Bob mentioned you in “Paint”', 'Hi @ada!', '/projects/3/#task-7/comment-9'],
    );
    assert.equal(sentence('comment_added', { reason: 'creator', comment: {} }).text, 'Bob commented on “Paint”, which you created');
    assert.equal(sentence('task_assigned', { title: 'Glue' }).text, 'Bob assigned “Glue” to you');
    assert.equal(sentence('task_assigned', { title: 'Glue', by: null }).text, '“Glue” was assigned to you');
    assert.equal(sentence('task_assigned', { title: 'Glue', by: { id: 9, username: 'cy' } }).text, 'cy assigned “Glue” to you');
    const added = sentence('project_member_added', { task_id: undefined });
    assert.deepEqual([added.text, added.href], ['Bob added you to “House”', '/projects/3/']);
  });

  test('a reminder says how late it is', () => {
    const reminder = sentence('due_date_reminder', { by: null, title: 'Glue', kind: 'due_soon' });
    assert.deepEqual([reminder.text, reminder.isReminder], ['“Glue” is due soon', true]);
    assert.equal(sentence('due_date_reminder', { by: null, title: 'Glue', kind: 'overdue' }).text, '“Glue” is overdue');
  });

  test('of what is gone says just that', () => {
    const comment = sentence('comment_added', { redacted: true, comment: { id: 9, content: '' } });
    assert.deepEqual([comment.text, comment.excerpt, comment.isGone], ['Bob wrote a comment that is no longer available', '', true]);
    const assigned = sentence('task_assigned', { redacted: true, title: '' });
    assert.deepEqual([assigned.text, assigned.href], ['Bob assigned you a task that is no longer available', null]);
  });
});

describe('what is new', () => {
  /** @param {any} answer of the list */
  const begin = (answer) => {
    /** @type {Record<string, (data: any, frame?: any) => void>} */
    const handlers = {};
    /** @type {number[]} */
    const reported = [];
    const client = { on: (/** @type {string} */ name, /** @type {any} */ handler) => (handlers[name] = handler), notifications: async () => answer };
    const notifications = new Notifications({ client, arrived: ({ seq }) => reported.push(seq) });
    handlers.connected({ seq: 1, unread: 0 });
    return { notifications, reported, handlers, arrives: (/** @type {number} */ seq) => handlers.notification({}, frame(seq)) };
  };

  test('is announced also where the list had it a moment before the event came', async () => {
    const { notifications, reported, arrives } = begin(page([2, 1], { readUpTo: 1, seq: 2 }));
    await notifications.load();
    arrives(2);
    assert.deepEqual(reported, [2]);
  });

  test('is not what was read already', async () => {
    const { notifications, reported, arrives } = begin(page([2, 1], { readUpTo: 2, seq: 2 }));
    await notifications.load();
    arrives(2);
    assert.deepEqual(reported, []);
  });

  test('loses its words where they were deleted while an answer that has them is on its way', async () => {
    const answer = page([2, 1], { seq: 2 });
    answer.results[0].data = { comment: { id: 7, content: 'A secret' } };
    const { notifications, handlers } = begin(answer);
    const loading = notifications.load();
    handlers.comment_deleted({ comment_id: 7 });
    await loading;
    assert.equal(notifications.inbox.items[0].data.comment.content, '');
  });
});
