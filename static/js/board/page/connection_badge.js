// @ts-check
/** Says how the page is linked to the server, in one calm word, and how many changes wait for that. */

import { t, tn } from '../language/language.js';
import { onKey } from '../ui/keys.js';
import { setAttribute, setText } from '../ui/dom.js';
import { CONNECTED } from './unsent.js';

/** @type {Record<string, {label: string, title: string}>} */
const STATES = {
  connecting: { label: t('Connecting'), title: t('Connecting to the server.') },
  live: { label: t('Live'), title: t('You see every change as it happens.') },
  'catching-up': { label: t('Catching up'), title: t('Loading the changes you missed.') },
  polling: {
    label: t('Live (polling)'),
    title: t('WebSockets are blocked here, so changes are fetched over HTTP instead.'),
  },
  offline: {
    label: t('Reconnecting'),
    title: t('Can’t reach the server right now. Your changes are kept and sent once you’re reconnected.'),
  },
  closed: { label: t('Disconnected'), title: t('This page no longer updates. Reload it to continue.') },
};

const NO_NETWORK = {
  label: t('Offline'),
  title: t('You’re offline. Your changes are kept and sent once you’re back online.'),
};

/**
 * @param {HTMLElement} body carries the state for scripts and styles
 * @param {string} state of the client
 * @param {number} [waiting] how many changes have no answer so far
 */
export function showConnection(body, state, waiting = 0) {
  // A closed connection is none: the page's own states know no word for an end that is wanted.
  body.dataset.connectionState = state === 'closed' ? 'offline' : state;
  const { label, title } = state === 'offline' && !navigator.onLine ? NO_NETWORK : STATES[state];
  const badge = body.querySelector('[data-connection]');
  if (!badge) return; // a page that follows no board
  badge.setAttribute('title', title);
  badge.querySelector('[data-connection-label]')?.replaceChildren(label);
  showWaiting(badge, CONNECTED.includes(state) ? 0 : waiting);
}

/** @param {Element} badge @param {number} waiting for a connection */
function showWaiting(badge, waiting) {
  const count = badge.querySelector('[data-connection-waiting]');
  if (!count) return; // a page that sends no changes
  setText(count, waiting ? tn(waiting, '{count} change waits', '{count} changes wait') : '');
  setAttribute(badge, 'role', waiting ? 'button' : null);
  setAttribute(badge, 'aria-haspopup', waiting ? 'dialog' : null);
  setText(/** @type {Element} */ (badge.lastElementChild), `: ${waiting ? t('show them') : t('test the connection')}`);
}

/**
 * The badge leads to the test of the connection, and while changes wait to their list.
 *
 * @param {HTMLElement} badge
 * @param {() => void} open the list
 */
export function leadToWaiting(badge, open) {
  badge.addEventListener('click', (event) => {
    if (badge.getAttribute('role') !== 'button') return;
    event.preventDefault();
    open();
  });
  onKey(badge, (event) => {
    if (event.key !== ' ' || badge.getAttribute('role') !== 'button') return;
    event.preventDefault();
    badge.click();
  });
}
