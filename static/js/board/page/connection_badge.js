// @ts-check
/** Says how the page is linked to the server, in one calm word. */

import { t } from '../language/language.js';

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
 */
export function showConnection(body, state) {
  // A closed connection is none: the page's own states know no word for an end that is wanted.
  body.dataset.connectionState = state === 'closed' ? 'offline' : state;
  const { label, title } = state === 'offline' && !navigator.onLine ? NO_NETWORK : STATES[state];
  const badge = body.querySelector('[data-connection]');
  if (!badge) return; // a page that follows no board
  badge.setAttribute('title', title);
  badge.querySelector('[data-connection-label]')?.replaceChildren(label);
}
