// @ts-check
/** Nothing of the user's stays in this browser after signing out: no draft, no change without an answer, no problem. */

import { Shelf } from '../../client/index.js';
import { own, userKey } from './site.js';
import { Drafts } from '../state/drafts.js';
import { forgetProblems } from '../ui/problems.js';

/** @param {Shelf} [shelf] the page's own, where it has one @returns {Promise<void>} */
export function forgetUser(shelf) {
  const userId = userKey(document.body.dataset.userId);
  new Drafts(userId).clear();
  forgetProblems(userId);
  return (shelf ?? new Shelf({ userId, name: own })).clear();
}
