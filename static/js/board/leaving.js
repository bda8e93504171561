// @ts-check
/** Signing out of a page that has no more of ours than that: the same end as everywhere else. */

import { keptHere } from './page/forgetting.js';
import { watchSession } from './page/session.js';

watchSession({ close: () => {} }, keptHere());
