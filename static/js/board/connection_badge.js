// @ts-check
/** Says how the page is linked to the server, in one calm word. */

/** @type {Record<string, {label: string, title: string}>} */
const STATES = {
  connecting: { label: 'Connecting', title: 'The connection is being made.' },
  live: { label: 'Live', title: 'You see every change as it happens.' },
  'catching-up': { label: 'Catching up', title: 'Changes that you missed are coming in.' },
  polling: {
    label: 'Live by polling',
    title: 'Something blocks WebSockets here, so changes are fetched over HTTP instead.',
  },
  offline: {
    label: 'Reconnecting',
    title: 'The server cannot be reached just now. What you do is kept and sent when it can.',
  },
  closed: { label: 'Disconnected', title: 'This page no longer follows the board. Reload it to go on.' },
};

const NO_NETWORK = {
  label: 'Offline',
  title: 'This device has no network just now. What you do is kept and sent when it has.',
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
