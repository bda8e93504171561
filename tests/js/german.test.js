// @ts-check
/** What the board says in German, as a page of that language has it: texts, plurals, lists, moments. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

Object.assign(globalThis, { document: { documentElement: { lang: 'de' } } });
Object.defineProperty(globalThis, 'navigator', { value: { languages: ['en-US', 'de-AT', 'de'] }, configurable: true });
await import('../../static/js/texts/de/board.js');
const { decimals, listed, locale, said, t, tn } = await import('../../static/js/board/language/language.js');
const { describeEvent } = await import('../../static/js/board/activity/sentences.js');
const { ago, dueInWords } = await import('../../static/js/board/language/time.js');
const { typingSentence } = await import('../../static/js/board/people/company.js');
const { explain, quote } = await import('../../static/js/board/language/words.js');

const NOW = new Date('2026-03-05T12:00:00Z');

describe('the language of a page', () => {
  test('puts values where the translation has them', () => {
    assert.equal(t('{who} moved {title} to {status}', { who: 'Bo', title: quote('A {who} $& B'), status: 'X' }), 'Bo hat „A {who} $& B“ nach „X“ verschoben');
  });

  test('says in English what is not translated, and leaves alone what has no value', () => {
    assert.equal(t('Said {nowhere} {else}', { nowhere: 1 }), 'Said 1 {else}');
    assert.equal(tn(1, '{count} stone', '{count} stones'), '1 stone');
    assert.equal(tn(0, '{count} stone', '{count} stones'), '0 stones');
  });

  test('counts as the language does', () => {
    const counted = [0, 1, 2, 1000].map((count) => tn(count, '{count} comment', '{count} comments'));
    assert.deepEqual(counted, ['0 Kommentare', '1 Kommentar', '2 Kommentare', '1000 Kommentare']);
  });

  test('knows kinds of numbers that English has not', () => {
    /** @type {any} */ (globalThis).taskrealtimeTexts['{count} fish'] = { one: 'one', few: 'few {count}', other: 'other {count}' };
    assert.equal(tn(3, '{count} fish', '{count} fishes'), 'other 3');
  });

  test('lists and reckons, and takes the dates of the country that the user prefers', () => {
    assert.equal(listed(['A', 'B', 'C']), 'A, B und C');
    assert.equal(decimals(1.25), '1,3');
    assert.equal(locale, 'de-AT');
  });
});

describe('in German', () => {
  const state = /** @type {any} */ ({
    project: { id: 3, name: 'Garten', labels: [{ id: 1, name: 'Fehler', color: 'red' }] },
    tasks: new Map([[7, { id: 7, title: 'Zaun' }]]),
    members: [{ user: { id: 1, username: 'ada', name: 'Ada' }, role: 'owner' }],
  });
  const describeOne = (/** @type {string} */ event, /** @type {any} */ data) => describeEvent({ event, data: { by: { id: 1, username: 'ada' }, ...data } }, state);

  test('others’ changes are whole sentences', () => {
    assert.equal(describeOne('task_updated', { task_id: 7, changes: { priority: 'urgent' } }), 'Ada hat die Priorität von „Zaun“ geändert: dringend');
    assert.equal(describeOne('task_updated', { task_id: 7, changes: { description: 'x', due_at: null } }), 'Ada hat „Zaun“ geändert: Beschreibung und Fälligkeit');
    assert.equal(describeOne('task_updated', { task_id: 7, changes: { labels: [1] }, previous: { labels: [] } }), 'Ada hat „Zaun“ mit dem Label „Fehler“ versehen');
    assert.equal(describeOne('project_member_added', { user: { id: 9, username: 'bo' }, role: 'viewer' }), 'Ada hat bo als Betrachter hinzugefügt');
  });

  test('moments are', () => {
    assert.equal(ago('2026-03-05T11:57:00Z', NOW), 'vor 3 Minuten');
    assert.equal(dueInWords('2026-03-06T12:00:00Z', NOW), 'Morgen');
    assert.match(dueInWords('2027-01-07T12:00:00Z', NOW), /^7\. Jän/);
  });

  test('several are typing', () => {
    assert.equal(typingSentence(['Ada', 'Bo']), 'Ada und Bo schreiben …');
  });

  test('what the server says is said in German, or by its code where there are no words for it', () => {
    assert.equal(said('This person is already a member.'), 'Diese Person ist bereits Mitglied.');
    const refused = (/** @type {string} */ message) => explain({ code: 'invalid_data', details: [{ message }] });
    assert.equal(refused('This person is already a member.'), 'Diese Person ist bereits Mitglied.');
    assert.equal(refused('Expected `str` of length <= 100'), 'Der Server hat die Anfrage abgelehnt.');
    assert.equal(explain({ code: 'forbidden', message: 'Only owners can do this.' }), 'Das können nur Eigentümer.');
    const most = 'A project can have up to 20 invite links. Revoke one first.';
    assert.equal(explain({ code: 'forbidden', message: most }), 'Ein Projekt kann höchstens 20 Einladungslinks haben. Widerrufe zuerst einen.');
    const another = 'Another user has signed in in this browser. Reload the page.';
    assert.equal(explain({ code: 'unauthenticated', message: another }), 'In diesem Browser hat sich jemand anderes angemeldet. Lade die Seite neu.');
    assert.equal(explain({ code: 'internal', message: 'Something new.' }), 'Etwas ist schiefgelaufen.');
  });
});
