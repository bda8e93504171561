// @ts-check
/** Nothing of the user's stays in this browser after signing out: no draft, no change without an answer, no problem, no copy of a page. */

import { Shelf } from '../../client/index.js';
import { forgetCopies } from './offline.js';
import { own, userKey } from './site.js';
import { Drafts } from '../state/drafts.js';
import { forgetProblems } from '../ui/problems.js';

/** @param {Shelf} [shelf] the page's own, where it has one @returns {import("./unsent.js").Kept} */
export function keptHere(shelf = new Shelf({ userId: userKey(document.body.dataset.userId), name: own })) {
  return { unsent: () => shelf.count(), forget: () => forgetUser(shelf) };
}

/** @param {Shelf} shelf @returns {Promise<void>} */
async function forgetUser(shelf) {
  const userId = userKey(document.body.dataset.userId);
  new Drafts(userId).clear();
  forgetProblems(userId);
  await forgetCopies();
  await shelf.clear();
}
