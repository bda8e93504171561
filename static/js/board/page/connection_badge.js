// @ts-check
/** Says how the page is linked to the server, in one calm word. */

import { t } from '../language/language.js';

/** @type {Record<string, {label: string, title: string}>} */
const STATES = {
  connecting: { label: t('Connecting'), title: t('The connection is being made.') },
  live: { label: t('Live'), title: t('You see every change as it happens.') },
  'catching-up': { label: t('Catching up'), title: t('Changes that you missed are coming in.') },
  polling: {
    label: t('Live by polling'),
    title: t('Something blocks WebSockets here, so changes are fetched over HTTP instead.'),
  },
  offline: {
    label: t('Reconnecting'),
    title: t('The server cannot be reached just now. What you do is kept and sent when it can.'),
  },
  closed: { label: t('Disconnected'), title: t('This page no longer follows the board. Reload it to go on.') },
};

const NO_NETWORK = {
  label: t('Offline'),
  title: t('This device has no network just now. What you do is kept and sent when it has.'),
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
