// @ts-check
/** The dialog of all that happened in the project. */

import { Activity } from '../activity/activity.js';
import { openDialog } from './dialog.js';
import { clone, part } from '../ui/dom.js';

/** @param {{client: import("../../client/client.js").TaskManagerWebSocket, store: import("../state/store.js").BoardStore, projectId: number}} parts */
export function openActivity({ client, store, projectId }) {
  const dialog = clone('activity-dialog');
  const activity = new Activity(part(dialog, 'body'), { store, projectId });
  const stop = client.on('event', (_data, frame) => activity.apply(frame));
  const stopReloading = store.whenReplaced(() => activity.reload());
  openDialog(dialog, () => {
    stop();
    stopReloading();
  });
  activity.load();
}
