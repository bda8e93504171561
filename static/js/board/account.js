// @ts-check
/** The page of one's own account: keeps the list of sign-ins up to date. Everything else on it are forms. */

import { fetchSessions } from './page/api.js';
import { find } from './ui/dom.js';
import { keptHere } from './page/forgetting.js';
import { t } from './language/language.js';
import { commonActions } from './palette/common_actions.js';
import { offerPalette } from './palette/palette.js';
import { leaveKeysToInputMethods } from './ui/keys.js';
import { base, signInUrl } from './page/site.js';
import { watchSession } from './page/session.js';
import { ago, exact, useZone } from './language/time.js';

const POLL_INTERVAL_MS = 5_000;

const list = find(document, '[data-sessions]');
watchSession({ close: () => {} }, keptHere());
leaveKeysToInputMethods();
offerPalette({ actions: () => [{ label: t('All projects'), act: () => location.assign(`${base}/`) }, ...commonActions()] });
useZone(document.body.dataset.timeZone ?? '');
for (const time of list.querySelectorAll('time')) showUse(time, time.dateTime);
setInterval(refresh, POLL_INTERVAL_MS);
document.addEventListener('visibilitychange', refresh);

async function refresh() {
  if (document.hidden) return;
  try {
    const { sessions } = await fetchSessions();
    show(sessions);
  } catch (error) {
    // This one has ended, perhaps by another browser.
    if ([401, 403].includes(/** @type {any} */ (error).status)) location.assign(signInUrl());
  }
}

/** @param {readonly import("../client/wire.d.ts").SignInObject[]} sessions where one is signed in now */
function show(sessions) {
  const rows = new Map([...list.children].map((row) => [/** @type {HTMLElement} */ (row).dataset.sessionId, row]));
  if (sessions.some(({ id }) => !rows.has(id))) return location.reload();
  for (const { id, used_at: usedAt } of sessions) {
    showUse(/** @type {HTMLTimeElement} */ (rows.get(id)?.querySelector('time')), usedAt);
    rows.delete(id);
  }
  for (const row of rows.values()) row.remove();
  if (rows.size) find(document, '[data-account-status]').textContent = t('A session has ended.');
  if (sessions.length < 2) document.querySelector('[data-end-others]')?.remove();
}

/** @param {HTMLTimeElement} time @param {string} usedAt */
function showUse(time, usedAt) {
  time.textContent = t('Last used: {when}', { when: ago(usedAt, new Date()) });
  time.title = exact(usedAt);
}
