// @ts-check
/** What the palette lists for what is typed. Pure; what an entry leads to is the caller's. */

import { fold } from '../language/fold.js';

/**
 * @typedef {import("../../client/wire.d.ts").SearchHit} SearchHit
 * @typedef {import("../../client/wire.d.ts").Match} Match
 * @typedef {import("../reducer.js").Task} Task
 * @typedef {{text: string, isMatch: boolean}} Piece of a text
 * @typedef {{id: number, project: {id: number, name: string}, title: Piece[], status: Task["status"], isArchived: boolean, excerpt: Piece[], commentId: number | null}} FoundTask
 *   `excerpt` of what matched beyond the title; `commentId`: only that comment has what was looked for
 */

/** @param {string} text @returns {string[]} as they are compared */
export function wordsOf(text) {
  return fold(text).split(/\s+/).filter(Boolean);
}

/** @param {string} text @param {readonly string[]} words @returns {boolean} whether each is somewhere in it */
export function hasAll(text, words) {
  const folded = fold(text);
  return words.every((word) => folded.includes(word));
}

/**
 * The tasks of the page's own board that have the words, at once and without a network: those that have them in the title first.
 *
 * @param {Iterable<Task>} tasks
 * @param {readonly string[]} words
 * @param {{id: number, name: string}} project
 * @param {number} most
 * @returns {FoundTask[]}
 */
export function findHere(tasks, words, project, most) {
  const found = [...tasks].filter(({ id, title, description }) => words.every((word) => word === `#${id}` || hasAll(`${title}\n${description}`, [word])));
  const rank = (/** @type {Task} */ { title }) => Number(!hasAll(title, words));
  found.sort((a, b) => rank(a) - rank(b) || Date.parse(b.updated_at) - Date.parse(a.updated_at));
  return found.slice(0, most).map(({ id, title, status }) => ({ id, project, title: plain(title), status, isArchived: false, excerpt: [], commentId: null }));
}

/** @param {SearchHit} hit @returns {FoundTask} */
export function fromServer({ project, task, matches }) {
  const title = matches.find(({ where }) => where === 'title');
  const beyond = matches.find(({ where }) => where !== 'title');
  return {
    id: task.id,
    project,
    title: title ? piecesOf(title) : plain(task.title),
    status: task.status,
    isArchived: task.archived_at !== undefined,
    excerpt: beyond ? piecesOf(beyond) : [],
    commentId: matches.length === 1 ? (beyond?.comment_id ?? null) : null,
  };
}

/** @param {FoundTask} task @param {readonly string[]} words @returns {boolean} whether what it shows has the words, too, after one typed on */
export function stillFits({ id, title, excerpt }, words) {
  const shown = [...title, { text: '\n' }, ...excerpt].map(({ text }) => text).join('');
  return words.every((word) => word === `#${id}` || hasAll(shown, [word]));
}

/** The server's tasks, then those of this board that it does not know by now. @param {FoundTask[]} answered @param {FoundTask[]} here @returns {FoundTask[]} */
export function together(answered, here) {
  const known = new Set(answered.map(({ id }) => id));
  return [...answered, ...here.filter(({ id }) => !known.has(id))];
}

/** The server counts characters, where JavaScript counts halves of some. @param {Match} match @returns {Piece[]} */
export function piecesOf({ excerpt, spans }) {
  const characters = [...excerpt];
  const cut = (/** @type {number} */ start, /** @type {number} */ end) => characters.slice(start, end).join('');
  /** @type {Piece[]} */
  const pieces = [];
  let at = 0;
  for (const { start, end } of spans) {
    pieces.push({ text: cut(at, start), isMatch: false }, { text: cut(start, end), isMatch: true });
    at = end;
  }
  pieces.push({ text: cut(at, characters.length), isMatch: false });
  return pieces.filter(({ text }) => text);
}

/** @param {string} text @returns {Piece[]} */
function plain(text) {
  return [{ text, isMatch: false }];
}
