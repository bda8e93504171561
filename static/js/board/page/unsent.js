// @ts-check
/** Signing out while changes wait to be sent: one sends them first, or discards them. */

import { openDialog } from '../dialogs/dialog.js';
import { t, tn } from '../language/language.js';

/**
 * @typedef {{close: () => void, state?: string}} Client without a state: this page sends no changes
 * @typedef {{unsent: () => Promise<number>, forget: () => Promise<unknown>}} Kept what this browser keeps for the user: changes without
 *   an answer, and all of it
 */

/** States of the client in which what is asked for is sent at once. */
export const CONNECTED = ['live', 'catching-up', 'polling'];
const LOOK_MS = 250; // between looks at what is left

/**
 * @param {number} count of the changes
 * @param {{client: Client, kept: Kept, leave: () => void}} parts `leave` signs out, which discards what is left
 */
export function askAboutUnsent(count, { client, kept, leave }) {
  const dialog = document.createElement('dialog');
  dialog.className = 'question';
  dialog.dataset.unsentDialog = '';
  const title = document.createElement('h2');
  title.id = 'unsent-title';
  dialog.setAttribute('aria-labelledby', title.id);
  const status = document.createElement('p');
  status.setAttribute('aria-live', 'polite');
  const tools = document.createElement('div');
  tools.className = 'question__answers';
  dialog.append(title, status, tools);

  const cancelling = button(t('Cancel'), '', () => {});
  cancelling.dataset.part = 'close';
  tools.append(cancelling);
  openDialog(dialog, () => clearInterval(timer));
  const paint = () => {
    title.textContent = tn(count, '{count} change is not sent yet', '{count} changes are not sent yet');
    status.textContent = words(client, isSending);
  };
  let isSending = false;
  const look = async () => {
    count = await kept.unsent();
    paint();
    if (isSending && !count) leave();
  };
  const timer = setInterval(look, LOOK_MS);
  const sending = button(t('Send, then sign out'), 'button--solid', () => {
    isSending = sending.disabled = true;
    void look();
  });
  sending.hidden = client.state === undefined;
  tools.prepend(sending, button(t('Discard and sign out'), 'button--danger', leave));
  (sending.hidden ? cancelling : sending).focus();
  paint();
}

/** @param {Client} client @param {boolean} isSending @returns {string} */
function words({ state }, isSending) {
  if (state === undefined) return t('Open your projects to send what waits. Signing out discards it.');
  if (!CONNECTED.includes(state)) return t('There is no connection right now. Signing out discards what is not sent.');
  return isSending ? t('Sending…') : t('Signing out discards what is not sent.');
}

/** @param {string} label @param {string} kind @param {() => void} act @returns {HTMLButtonElement} */
function button(label, kind, act) {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = `button ${kind}`;
  element.textContent = label;
  element.addEventListener('click', act);
  return element;
}
