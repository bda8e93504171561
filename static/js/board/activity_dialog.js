// @ts-check
/** The dialog of all that happened in the project. */

import { Activity } from './activity.js';
import { clone, part } from './dom.js';

/** @param {{client: any, store: import("./store.js").BoardStore, projectId: number}} parts */
export function openActivity({ client, store, projectId }) {
  const dialog = /** @type {HTMLDialogElement} */ (clone('activity-dialog'));
  const activity = new Activity(part(dialog, 'body'), { store, projectId });
  const stop = client.on('event', (/** @type {any} */ _data, /** @type {any} */ frame) => activity.apply(frame));
  const opener = document.activeElement;
  part(dialog, 'close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close()); // the backdrop
  dialog.addEventListener('close', () => {
    stop();
    dialog.remove();
    if (opener instanceof HTMLElement) opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  activity.load();
}
