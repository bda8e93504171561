// @ts-check
/** The list of what waits to be sent: it becomes shorter as changes are sent, and each can be discarded before. */

import { askedFor, inWords } from '../commands/waiting.js';
import { t } from '../language/language.js';
import { ago, exact } from '../language/time.js';
import { confirmTwice } from '../ui/confirm.js';
import { clone, find, part, setAttribute, setText } from '../ui/dom.js';
import { openDialog } from './dialog.js';

/** @typedef {import("../commands/waiting.js").Waiting} Waiting */

/** @param {{client: import("../../client/client.js").TaskManagerWebSocket, nameOf: (userId: number) => string}} parts `nameOf` a member */
export function openWaiting({ client, nameOf }) {
  const dialog = clone('waiting');
  const list = part(dialog, 'list');
  /** @type {Map<number, HTMLElement>} by change */
  const rows = new Map();

  const paint = () => {
    const waiting = askedFor(client.waiting);
    for (const [id, row] of rows) if (!waiting.some((change) => change.id === id)) remove(id, row);
    waiting.forEach((change, index) => {
      const row = rows.get(change.id) ?? createRow(change, nameOf, () => client.discard(change.id));
      rows.set(change.id, row);
      part(row, 'sent').hidden = change.firstSentAt === null;
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    });
    setText(part(dialog, 'status'), waiting.length ? t('These changes are kept in this browser and sent once there is a connection.') : t('Nothing is waiting.'));
  };
  const remove = (/** @type {number} */ id, /** @type {HTMLElement} */ row) => {
    const hadFocus = row.contains(document.activeElement);
    const next = (row.nextElementSibling ?? row.previousElementSibling)?.querySelector('button');
    row.remove();
    rows.delete(id);
    if (hadFocus) (next ?? part(dialog, 'close')).focus();
  };

  paint();
  openDialog(dialog, client.on('waiting', paint));
}

/** @param {Waiting} change @param {(userId: number) => string} nameOf @param {() => void} discard @returns {HTMLElement} */
function createRow(change, nameOf, discard) {
  const row = clone('waiting-change');
  const { words, text } = inWords(change, nameOf);
  row.dataset.waitingChange = change.event;
  setText(part(row, 'words'), words);
  setText(part(row, 'text'), text ?? '');
  part(row, 'text').hidden = text === null;
  const at = new Date(change.at);
  const when = part(row, 'when');
  setText(when, ago(at.toISOString(), new Date()));
  setAttribute(when, 'title', exact(at.toISOString()));
  const button = find(row, '[data-discard]');
  button.setAttribute('aria-label', t('Discard: {change}', { change: words }));
  button.addEventListener('click', () => confirmTwice(button, t('Discard?'), discard));
  return row;
}
