// @ts-check
/** The list of projects: follows what concerns its reader, and comes up to date with that and whenever it is looked at. */

import { send } from '../client/http.js';
import { Shelf, TaskManagerWebSocket } from '../client/index.js';
import { fetchToken, restoreProject } from './page/api.js';
import { copyText } from './ui/clipboard.js';
import { confirmTwice } from './ui/confirm.js';
import { followConcerns } from './notifications/concerns.js';
import { showConnection } from './page/connection_badge.js';
import { find } from './ui/dom.js';
import { keptHere } from './page/forgetting.js';
import { forgetBoard, workOffline } from './page/offline.js';
import { offerPalette } from './palette/palette.js';
import { commonActions } from './palette/common_actions.js';
import { t } from './language/language.js';
import { guardPresses } from './ui/presses.js';
import { followElsewhere } from './commands/leftovers.js';
import { explain } from './language/words.js';
import { base, own, server, signInUrl, userKey } from './page/site.js';
import { takeMessage, watchSession } from './page/session.js';
import { Toasts } from './ui/toasts.js';

/** What changes the list, or what waits above it. */
const ABOUT_PROJECTS = new Set(['project_member_added', 'project_member_requested']);

addEventListener('submit', askFirst);
guardPresses();
const shelf = new Shelf({ userId: userKey(document.body.dataset.userId), name: own });
const client = new TaskManagerWebSocket({ ...server(), token: fetchToken, shelf });
Object.assign(window, { taskManager: client });
watchSession(client, keptHere(shelf));
client.on('state', (state) => showConnection(document.body, state));

const toasts = new Toasts(find(document, '[data-toasts]'));
const concerns = followConcerns({ client, toasts, title: () => `${t('Projects')} · taskrealtime` });
concerns.paintTitle();
offerPalette({
  actions: () => [{ label: t('Create project'), act: () => find(document, '.new-project [name=name]').focus() }, ...concerns.actions(), ...commonActions()],
});
client.on('recovered', (found) => {
  for (const leftover of found) void followElsewhere(leftover, report);
});
client.on('notification', ({ kind }) => ABOUT_PROJECTS.has(kind) && refresh());
client.on('removed_from_project', ({ project_id: projectId }) => {
  void forgetBoard(projectId);
  void refresh();
});
client.on('reset', () => refresh());
// Once: this page is older than its connection, which announces nothing of what happened in between.
client.once('connected', () => void refresh());
client.on('error', () => queueMicrotask(() => client.state === 'closed' && comeBack()));

const flash = takeMessage();
if (flash) toasts.say(flash.message, ...(flash.deleted === null ? [] : [{ label: t('Undo'), act: () => void restore(Number(flash.deleted)) }]));

document.addEventListener('visibilitychange', () => void (document.hidden || refresh()));
void workOffline(document.body.dataset.userId ?? '');

/** The connection was ended for good: by another tab that changed the password, or because one is signed out. */
async function comeBack() {
  if (await fetchToken().catch(() => null)) location.reload();
  else toasts.ask(t('You’ve been signed out.'), { label: t('Sign in'), act: () => location.assign(signInUrl()) });
}

/** @param {number} projectId deleted a moment ago */
async function restore(projectId) {
  try {
    await restoreProject(projectId);
    location.assign(`${base}/projects/${projectId}/`);
  } catch (error) {
    toasts.say(`${t('Couldn’t restore the project.')} ${explain(error)}`);
  }
}

/** What a button does that has a question, it does once that is answered. @param {SubmitEvent} event */
function askFirst(event) {
  const button = event.submitter;
  if (!button?.dataset.question) return;
  let isAnswered = false;
  confirmTwice(button, button.dataset.question, () => (isAnswered = true));
  if (!isAnswered) event.preventDefault();
}

/** Stays until the user has read it. @param {string} text @param {string | null} lost what the user wrote */
function report(text, lost) {
  toasts.ask(text, ...(lost ? [{ label: t('Copy text'), act: () => void copyText(lost), stays: true }] : []));
}

/** Takes the list from a fresh copy of this page, and leaves what the user is typing alone. */
async function refresh() {
  const answer = await send(location.pathname, { credentials: 'same-origin' }).catch(() => null);
  if (!answer?.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  // Another user has signed in, in another tab: their list belongs on a page of theirs.
  if (fresh.body.dataset.userId !== document.body.dataset.userId) return location.reload();
  const [before, after] = [document, fresh].map((page) => page.querySelector('[data-list]'));
  if (before && after) before.replaceWith(after);
}
