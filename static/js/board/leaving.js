// @ts-check
/** Signing out of a page that has no more of ours than that: the same end as everywhere else. */

import { forgetUser } from './forgetting.js';
import { watchSession } from './session.js';

watchSession({ close: () => {} }, forgetUser);
