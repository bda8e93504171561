// @ts-check
/** Signing out: of this tab, and at once of all the others of the same session. */

import { send } from '../../client/http.js';
import { own, signInUrl } from './site.js';

const CHANNEL = `${own}.session`;
const FLASH = `${own}.flash`;

/**
 * @param {{close: () => void}} client
 * @param {() => Promise<unknown>} forget takes away what this browser keeps for the user
 */
export function watchSession(client, forget) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener('message', async ({ data }) => {
    if (data === 'still here') return location.reload();
    client.close(); // before the session ends: no tab asks for a token that it will not get
    if (data !== 'signed out') return;
    await forget();
    location.assign(signInUrl());
  });
  for (const button of document.querySelectorAll('[data-sign-out]')) {
    const form = /** @type {HTMLFormElement} */ (button.closest('form'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      signOut(form, { client, channel, forget });
    });
  }
}

/**
 * The others leave once the session has ended: one that came to the login page sooner would be signed in again.
 *
 * @param {HTMLFormElement} form
 * @param {{client: {close: () => void}, channel: BroadcastChannel, forget: () => Promise<unknown>}} parts
 */
async function signOut(form, { client, channel, forget }) {
  client.close();
  channel.postMessage('signing out');
  const answer = await send(form.action, { method: 'POST', body: new FormData(form), credentials: 'same-origin' }).catch(() => null);
  if (!answer?.ok) {
    channel.postMessage('still here');
    return form.submit(); // the server's own answer tells what is wrong
  }
  channel.postMessage('signed out');
  await forget();
  location.assign(answer.url);
}

/** @typedef {{message: string, deleted: number | null}} Flash `deleted`: the project that was deleted just now */

/** @param {string} message shown by the next page of this tab @param {number | null} [deleted] */
export function leaveMessage(message, deleted = null) {
  sessionStorage.setItem(FLASH, JSON.stringify({ message, deleted }));
}

/** @returns {Flash | null} what the page before left */
export function takeMessage() {
  const flash = sessionStorage.getItem(FLASH);
  sessionStorage.removeItem(FLASH);
  try {
    return JSON.parse(flash ?? 'null');
  } catch {
    return { message: flash ?? '', deleted: null }; // a page of the release before wrote it
  }
}
