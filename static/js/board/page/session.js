// @ts-check
/** Signing out: of this tab, and at once of all the others of the same session. */

import { send } from '../../client/http.js';
import { own, signInUrl } from './site.js';
import { askAboutUnsent, CONNECTED } from './unsent.js';

const CHANNEL = `${own}.session`;
const FLASH = `${own}.flash`;
const LOOKS = 20; // at what is on its way, before one is asked about it
const LOOK_MS = 50;

/**
 * @typedef {import("./unsent.js").Client} Client
 * @typedef {import("./unsent.js").Kept} Kept
 */

/**
 * @param {Client} client
 * @param {Kept} kept
 */
export function watchSession(client, kept) {
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener('message', async ({ data }) => {
    if (data === 'still here') return location.reload();
    client.close(); // before the session ends: no tab asks for a token that it will not get
    if (data !== 'signed out') return;
    await kept.forget();
    location.assign(signInUrl());
  });
  for (const button of document.querySelectorAll('[data-sign-out]')) {
    const form = /** @type {HTMLFormElement} */ (button.closest('form'));
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      if (await areSent(client, kept)) return signOut(form, { client, channel, kept });
      askAboutUnsent(await kept.unsent(), { client, kept, leave: () => void signOut(form, { client, channel, kept }) });
    });
  }
}

/** @param {Client} client @param {Kept} kept @returns {Promise<boolean>} whether nothing is left to be sent, perhaps after a moment */
async function areSent(client, kept) {
  for (let looks = CONNECTED.includes(client.state ?? '') ? LOOKS : 1; looks > 0; looks -= 1) {
    if (!(await kept.unsent())) return true;
    if (looks > 1) await new Promise((passed) => setTimeout(passed, LOOK_MS));
  }
  return false;
}

/**
 * The others leave once the session has ended: one that came to the login page sooner would be signed in again.
 *
 * @param {HTMLFormElement} form
 * @param {{client: Client, channel: BroadcastChannel, kept: Kept}} parts
 */
async function signOut(form, { client, channel, kept }) {
  client.close();
  channel.postMessage('signing out');
  const answer = await send(form.action, { method: 'POST', body: new FormData(form), credentials: 'same-origin' }).catch(() => null);
  if (!answer?.ok) {
    channel.postMessage('still here');
    return form.submit(); // the server's own answer says what is wrong
  }
  channel.postMessage('signed out');
  await kept.forget();
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
