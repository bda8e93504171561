// @ts-check
/** The board's page: makes the parts and ties them together. Events → store → painting is the only way. */

import { Shelf, TaskManagerWebSocket } from '../client/index.js';
import { Absence } from './activity/absence.js';
import { openActivity } from './dialogs/activity_dialog.js';
import { openWaiting } from './dialogs/waiting_dialog.js';
import { openArchive } from './dialogs/archive_dialog.js';
import { Announcer } from './activity/announcer.js';
import { fetchBoard, fetchTask, fetchToken } from './page/api.js';
import { CardMenu } from './columns/card_menu.js';
import { Columns } from './columns/columns.js';
import { Commands } from './commands/commands.js';
import { Company } from './people/company.js';
import { Composers } from './columns/composer.js';
import { followConcerns } from './notifications/concerns.js';
import { askedFor } from './commands/waiting.js';
import { leadToWaiting, showConnection } from './page/connection_badge.js';
import { copyText } from './ui/clipboard.js';
import { find, isMac, part, setAttribute, setText } from './ui/dom.js';
import { CardDrag } from './columns/drag.js';
import { Drafts } from './state/drafts.js';
import { matches } from './state/filter.js';
import { FilterBar } from './columns/filter_bar.js';
import { keptHere } from './page/forgetting.js';
import { openKeyHelp } from './dialogs/key_help.js';
import { openLabels } from './dialogs/labels_dialog.js';
import { ProjectSettings } from './dialogs/project_settings.js';
import { hiddenBy } from './state/hiding.js';
import { listenToKeys } from './page/keyboard.js';
import { forgetBoard, keepCopyOf, keptBoard, workOffline } from './page/offline.js';
import { t } from './language/language.js';
import { followElsewhere, noteOf } from './commands/leftovers.js';
import { commonActions } from './palette/common_actions.js';
import { offerPalette } from './palette/palette.js';
import { choices, openMoveMenu } from './columns/move_menu.js';
import { openLabelsMenu } from './panel/labels_menu.js';
import { TaskPanel } from './panel/panel.js';
import { guardPresses } from './ui/presses.js';
import { copying, Problems } from './ui/problems.js';
import { Returning } from './activity/returning.js';
import { Route } from './page/route.js';
import { describeEvent } from './activity/sentences.js';
import { leaveMessage, watchSession } from './page/session.js';
import { base, own, server, signInUrl, userKey } from './page/site.js';
import { taskIdOf } from './state/frames.js';
import { BoardStore } from './state/store.js';
import { Toasts } from './ui/toasts.js';
import { Undo } from './commands/undo.js';
import { displayName } from './people/people.js';
import { explain, quote } from './language/words.js';

const FIRST_POLL = 500; // ms in which the first poll after an outage returns what was missed
const CLOCK = 30_000; // ms between paintings for the sake of "in 5 minutes"

guardPresses();
const { body } = document;
const projectId = Number(body.dataset.projectId);
const firstTitle = document.title;
const board = find(document, '[data-board]');

const store = new BoardStore({ userId: userKey(body.dataset.userId) });
const shelf = new Shelf({ userId: store.userId, name: own });
const client = new TaskManagerWebSocket({ ...server(), token: fetchToken, snapshot: takeSnapshot, shelf, note });
/** @type {import("./commands/leftovers.js").Leftover[]} */
const leftovers = [];
const toasts = new Toasts(find(document, '[data-toasts]'));
const problems = new Problems(find(document, '[data-problems]'), { userId: store.userId, projectId });
const announcer = new Announcer(find(document, '[data-announcer]'));
const columns = new Columns(board);
const filterBar = new FilterBar(find(document, '[data-filters]'), { userId: store.userId, changed: () => store.paint() });
const route = new Route(showTask);
const absence = new Absence({ key: `${own}.seen.${store.userId}.${projectId}`, userId: store.userId });
const returning = new Returning({ projectId, store, absence, toasts, button: find(document, '[data-see-all]') });
const drafts = new Drafts(store.userId);
const keepCopy = keepCopyOf(store, () => client.state === 'closed');
const undoButton = find(document, '[data-undo]');
const undo = new Undo({
  changed: (last) => {
    paintUndo();
    setAttribute(undoButton, 'title', last && `${last.words.undo} (${isMac ? '⌘Z' : t('Ctrl+Z')})`);
  },
  undone: ({ words }) => toasts.say(words.undone),
});
const commands = new Commands({ client, store, problems, toasts, undo, projectId, openTask: (id) => route.open(id) });
const composers = new Composers(board, { drafts, projectId, create: createTask });
const membersButton = find(document, '[data-open-members]');
const projectSettings = new ProjectSettings({
  buttons: { members: membersButton, project: find(document, '[data-open-project]') },
  store,
  projectId,
  presenceOf: (userId) => company.inWords(userId, new Date()),
  gone: goToList,
  restoreTask: (taskId) => client.restoreTask(taskId),
  openArchive: showArchive,
});
const panel = new TaskPanel({
  projectId,
  store,
  commands,
  client,
  drafts,
  toasts,
  chooseLabels: (button, choose) =>
    openLabelsMenu(button, { store, carried: () => button.value.split(',').filter(Boolean).map(Number), choose, edit: editLabels, say: (text) => toasts.say(text) }),
  leave: () => route.close(),
  returnFocus: (taskId) => columns.focus(taskId),
});
const company = new Company({
  client,
  projectId,
  userId: store.userId,
  list: find(document, '[data-others]'),
  changed: (others) => {
    setAttribute(membersButton, 'data-here', others ? String(others) : null);
    projectSettings.paintPresence();
  },
  holdersOf: viewerHolders,
  typingIn: () => panel.typing,
});
const concerns = followConcerns({
  client,
  toasts,
  title: () => (store.state ? `${store.state.project.name} · taskrealtime` : firstTitle),
  taskTitle: (taskId) => store.state?.tasks.get(taskId)?.title ?? null,
  person: (id) => store.member(id),
  follow: showConcern,
  isInView: ({ event, data }) =>
    event === 'comment_added' && data.reason !== 'mention' && data.task_id === panel.taskId,
  repaint: paintMoments,
  menu: [{ label: t('Activity'), act: showActivity }],
});
const drag = new CardDrag({
  board,
  columns,
  mayDrag: () => store.mayEdit,
  drop: (taskId, place) => void commands.moving.move(taskId, place),
  held: (taskId, at) => cardMenu.open(taskId, null, at),
});
const cardMenu = new CardMenu({ board, columns, isDragging: () => drag.taskId !== null, itemsFor: cardItems });
/** @type {import("./ui/menu.js").Menu | null} */
let moveMenu = null;
let now = new Date();
/** What was painted last, and under which filter. @type {{view: import("./state/store.js").View | null, filter: object | null}} */
let last = { view: null, filter: null };

// --- Painting -----------------------------------------------------------------------------------

store.keepConflict = (taskId, field, conflict) => drafts.keepConflict(taskId, field, conflict);
store.fits = (task) => matches(task, filterBar.filter, { userId: store.userId, now });

store.subscribe((view) => {
  for (const [placeholder, id] of view.ids) route.rename(placeholder, id);
  if (drag.taskId !== null && !(store.mayEdit && view.tasks.has(store.idOf(drag.taskId)))) drag.cancel();
  if (!store.mayEdit && moveMenu?.isOpen()) moveMenu.close();
  paintUndo();
  columns.paint(view, { now, openTask: panel.taskId, marks: absence.marks });
  returning.paint(view);
  composers.paint(store.mayEdit);
  filterBar.paint(view);
  projectSettings.paint(view);
  panel.paint(view, now);
  if (last.filter === filterBar.filter) for (const id of hiddenBy(last.view, view)) sayHidden(id, view.tasks.get(id)?.title ?? '');
  last = { view, filter: filterBar.filter };
  if (isNew(panel.taskId)) queueMicrotask(closeLostTask); // perhaps it was not created
  company.paint(view.members);
  paintName(view.project.name);
  concerns.paintTitle();
  body.dataset.role = store.role;
});
setInterval(paintMoments, CLOCK);

/** @param {string} name where it is cut off it can still be read */
function paintName(name) {
  const heading = find(document, '[data-project-name]');
  setText(heading, name);
  setAttribute(heading, 'title', name);
}

function paintUndo() {
  undoButton.hidden = !undo.last || !store.mayEdit;
}

function paintMoments() {
  now = new Date();
  store.paint();
}

find(document, '[data-open-activity]').addEventListener('click', showActivity);
find(document, '[data-open-archive]').addEventListener('click', showArchive);

find(document, '[data-open-labels]').addEventListener('click', editLabels);

function editLabels() {
  openLabels({ store, projectId });
}

function showArchive() {
  openArchive({ client, store, projectId });
}

function showActivity() {
  openActivity({ client, store, projectId });
}

// --- What the server says -----------------------------------------------------------------------

client.on('state', (state) => {
  paintConnection();
  keepCopy();
  if (state === 'live') returning.back();
  else if (state === 'polling') setTimeout(() => client.state === 'polling' && returning.back(), FIRST_POLL);
  else returning.left();
});
client.on('waiting', paintConnection);
for (const change of ['online', 'offline']) addEventListener(change, paintConnection);
leadToWaiting(find(document, '[data-connection]'), () =>
  openWaiting({ client, nameOf: (id) => displayName(store.member(id) ?? { id, username: t('Former member') }) }),
);
client.on('event', (data, frame) => {
  const before = store.state;
  store.apply(frame);
  if (!before || before === store.state) return;
  panel.apply(frame);
  if (frame.event === 'comment_deleted') announcer.forget();
  const openTask = panel.taskId;
  closeLostTask();
  if (data.by?.id === store.userId) return;
  if (returning.isAway) absence.missed(frame, before);
  const sentence = describeEvent(frame, before);
  if (sentence) announcer.announce(sentence);
  const taskId = taskIdOf(frame);
  if (taskId) requestAnimationFrame(() => columns.glow(taskId));
  if (frame.event === 'task_deleted' && frame.data.task_id === openTask) reportDeleted(before.tasks.get(openTask), sentence);
});
client.on('removed_from_project', (data) => {
  if (data.project_id !== projectId) return;
  goToList(projectSettings.farewell ?? notAMember(), projectSettings.farewell !== null && projectSettings.deleted);
});
client.on('error', (error) => {
  // Errors of calls go to their callers; what arrives here has ended the connection, or means nothing to people.
  queueMicrotask(() => client.state === 'closed' && reportClosed(error));
});
client.on('recovered', (found) => {
  leftovers.push(...found);
  resumeLeftovers();
});
watchSession(client, keptHere(shelf));

// --- What people do -----------------------------------------------------------------------------

board.addEventListener('click', (event) => {
  const taskId = columns.taskAt(event.target);
  if (taskId === null || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  route.open(taskId);
});
for (const look of ['pointerover', 'focusin', 'click']) {
  board.addEventListener(look, (event) => returning.seen(columns.taskAt(event.target)));
}
undoButton.addEventListener('click', () => void undo.run());
listenToKeys({
  columns,
  undo: () => void (store.mayEdit && undo.run()),
  isOpen: () => panel.taskId !== null,
  close: () => route.close(),
  add: addTask,
  filter: filterTasks,
  help: openKeyHelp,
  move: offerMove,
});

/** No user writes in what they do not see: the inbox closes, and the open panel where it lies over the board. */
function uncover() {
  concerns.closeInbox();
  if (panel.covers(board)) route.close();
}

/** @param {HTMLElement} column */
function addTask(column) {
  uncover();
  composers.open(column);
}

function filterTasks() {
  uncover();
  filterBar.focus();
}

offerPalette({
  actions: boardActions,
  here: {
    project: () => ({ id: projectId, name: store.painted?.project.name ?? '' }),
    tasks: () => store.painted?.tasks.values() ?? [],
    open: (taskId, commentId) => route.open(taskId, commentId),
  },
});

/** @returns {import("./palette/palette.js").Action[]} */
function boardActions() {
  const column = () => find(board, '[data-status=todo]');
  return [
    ...(store.mayEdit ? [{ label: t('Add task'), act: () => addTask(column()) }] : []),
    { label: t('Filter tasks'), act: filterTasks },
    { label: t('Members'), act: () => projectSettings.open('members') },
    { label: t('Project settings'), act: () => projectSettings.open('project') },
    ...(store.role === 'owner' ? [{ label: t('Labels'), act: editLabels }] : []),
    { label: t('Archive'), act: showArchive },
    { label: t('Activity'), act: showActivity },
    ...concerns.actions(),
    { label: t('Keyboard shortcuts'), act: openKeyHelp },
    { label: t('All projects'), act: () => location.assign(`${base}/`) },
    ...commonActions(),
  ];
}

/** @param {number} taskId */
function offerMove(taskId) {
  const at = columns.locate(taskId);
  const card = columns.cards.get(taskId)?.link;
  if (at && card && store.mayEdit) moveMenu = openMoveMenu(card, choices(at), (place) => void commands.moving.move(taskId, place));
}

/** @param {number} taskId @param {HTMLElement} card @returns {import("./ui/menu.js").Item[]} */
function cardItems(taskId, card) {
  const task = commands.editing.taskOf(taskId);
  const open = { label: t('Open task'), act: () => route.open(taskId) };
  if (!task) return [open];
  const address = () => copyText(new URL(`#task-${taskId}`, location.href).href).then(() => toasts.say(t('Link copied')));
  const link = { label: t('Copy link'), act: taskId > 0 ? () => void address() : null };
  if (!store.mayEdit) return [open, link];
  const isMine = task.assignee_id === store.userId;
  const assign = () => void commands.editing.update(taskId, 'assignee_id', isMine ? null : store.userId, task.version);
  return [
    open,
    { label: isMine ? t('Unassign me') : t('Assign to me'), act: assign },
    { label: t('Move to…'), act: () => offerMove(taskId) },
    { label: t('Labels…'), act: () => offerLabels(taskId, card) },
    link,
    ...(task.status === 'completed' && taskId > 0 ? [{ label: t('Archive task'), act: () => void commands.coming.archive(taskId) }] : []),
    { label: t('Delete task'), act: () => void commands.coming.remove(taskId) },
  ];
}

/** @param {number} taskId @param {HTMLElement} card */
function offerLabels(taskId, card) {
  const carried = () => store.painted?.tasks.get(store.idOf(taskId))?.labels?.filter((id) => store.state?.project.labels?.some((label) => label.id === id)) ?? [];
  const choose = (/** @type {number} */ label, /** @type {boolean} */ isOn) => void commands.labelling.label(taskId, label, isOn);
  openLabelsMenu(card, { store, carried, choose, edit: editLabels, say: (text) => toasts.say(text) });
}

// --- The page's life ----------------------------------------------------------------------------

Object.assign(window, { taskManager: client });
// A page that the browser kept and brings back shows a board of then, and perhaps to a user that may not see it any more.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
paintConnection();
start();

function paintConnection() {
  showConnection(body, client.state, askedFor(client.waiting).length);
}

/** Shows the board and goes on from exactly there. */
async function start() {
  try {
    const { seq, epoch } = await firstBoard();
    client.joinProject(projectId, { since: seq, epoch }).catch(() => {}); // its end is reported by `error` and `removed_from_project`
    showTask(route.place);
    projectSettings.followAddress();
    // Now that the board is there: what this loads competes with nothing.
    void workOffline(body.dataset.userId ?? '');
    await returning.lookBack({ seq, epoch });
  } catch (error) {
    showFailure(error);
  }
}

/** @returns {Promise<import("./reducer.js").Snapshot>} the server's, or the copy of the last time where there is no network */
async function firstBoard() {
  try {
    return await takeSnapshot(projectId);
  } catch (/** @type {any} */ error) {
    const kept = error.code === 'connection_lost' ? await keptBoard(projectId) : null;
    if (!kept) throw error;
    return show(kept);
  }
}

/** @param {number} id */
async function takeSnapshot(id) {
  return show(await fetchBoard(id));
}

/** @param {import("./reducer.js").Snapshot} snapshot */
function show(snapshot) {
  store.replace(snapshot);
  store.takeUpConflicts(drafts.conflicts());
  resumeLeftovers();
  closeLostTask();
  return snapshot;
}

/** What earlier pages left is shown as waiting once there is a board to show it on. */
function resumeLeftovers() {
  if (!store.state) return;
  for (const leftover of leftovers.splice(0)) {
    if ((leftover.note?.projectId ?? projectId) === projectId) commands.resume(leftover);
    else void followElsewhere(leftover, reportElsewhere);
  }
}

/** @param {string} text @param {string | null} lost */
function reportElsewhere(text, lost) {
  problems.report(text, ...(lost ? [copying(lost)] : []));
}

/** @param {string} _event @param {any} data @returns {import("./commands/leftovers.js").Note} */
function note(_event, data) {
  return noteOf(data, { projectId, task: store.painted?.tasks.get(store.idOf(data.task_id)) });
}

/** @param {import("./language/words.js").Status} status @param {string} title @returns {Promise<boolean>} whether it was created */
async function createTask(status, title) {
  const task = await commands.coming.create(status, title);
  if (task && !store.fits(task)) sayHidden(task.id, title);
  return task !== null;
}

/** What the user just did took the card out of sight. @param {number} taskId @param {string} title */
function sayHidden(taskId, title) {
  toasts.say(
    t('{title} is hidden by the current filters.', { title: quote(title) }),
    { label: t('Open task'), act: () => route.open(store.idOf(taskId)) },
    { label: t('Clear filters'), act: () => filterBar.clear() },
  );
}

/** @param {import("./page/route.js").Place | null} place */
function showTask(place) {
  if (!store.state) return;
  if (place === null) panel.close();
  else if (store.painted?.tasks.has(place.taskId) || store.archived.has(place.taskId)) {
    panel.open(place.taskId);
    columns.reveal(place.taskId); // the board has become narrower by the panel
  } else {
    route.close();
    if (!isNew(place.taskId)) void showArchived(place);
  }
  store.paint();
  if (place?.commentId) panel.reveal(place.commentId);
}

/** A task that is not on the board may be in the archive, where it is read. @param {import("./page/route.js").Place} place */
async function showArchived({ taskId, commentId }) {
  try {
    const task = await fetchTask(taskId);
    // On another board, or just restored: its event is about to come.
    if (task.project_id !== projectId || !task.archived_at) return void toasts.say(t('This task is not on this board.'));
    store.showArchived(task);
    route.open(taskId, commentId);
  } catch (error) {
    toasts.say(/** @type {any} */ (error)?.code === 'not_found' ? t('This task was deleted.') : explain(error));
  }
}

/**
 * @param {import("./notifications/inbox.js").Notification} notification
 * @returns {boolean} whether it was about something on this board, which is shown now
 */
function showConcern({ data: about }) {
  /** @type {import("./state/frames.js").About} */
  const data = about;
  if (data.project_id !== projectId || !data.task_id) return false;
  route.open(data.task_id, data.comment?.id ?? null);
  return true;
}

/** @param {number} taskId @returns {HTMLElement[]} where the page shows the other viewers of a task */
function viewerHolders(taskId) {
  const card = columns.cards.get(taskId);
  return [card && part(card.link, 'viewers'), panel.viewersOf(taskId)].filter((holder) => !!holder);
}

/** The open task was deleted. @param {import("./reducer.js").Task | undefined} task @param {string | null} sentence */
function reportDeleted(task, sentence) {
  if (!task) return;
  const restore = { label: t('Restore'), act: () => void commands.coming.restore(task) };
  toasts.say(`${sentence}.`, ...(store.mayEdit ? [restore] : []));
}

function closeLostTask() {
  if (panel.taskId !== null && !store.has(panel.taskId)) route.close();
}

/** @param {number | null} taskId @returns {boolean} whether it is a placeholder: the task had no id when it was asked for */
function isNew(taskId) {
  return taskId !== null && taskId < 0;
}

/**
 * The board is not the user's to see any longer.
 *
 * @param {string} message
 * @param {boolean} [deleted] the project, by us: the list offers it back
 */
async function goToList(message, deleted = false) {
  client.close();
  leaveMessage(message, deleted ? projectId : null);
  await forgetBoard(projectId);
  location.assign(`${base}/`);
}

/** @returns {string} */
function notAMember() {
  const name = store.state?.project.name;
  if (name === undefined) return t('You are no longer a member of that project.');
  return t('You are no longer a member of {project}.', { project: quote(name) });
}

const reload = { label: t('Reload'), act: () => location.reload() };

/** @param {any} error */
async function reportClosed(error) {
  // Another tab changed the password, which ends all connections: this browser is signed in as before.
  if (error?.code === 'unauthenticated' && (await fetchToken().catch(() => null))) {
    return void problems.show(t('Your password was changed, so this page no longer updates. Reload it to continue.'), reload);
  }
  const signedOut = ['unauthenticated', 'token_expired', 'token_invalid'].includes(error?.code);
  problems.show(
    signedOut
      ? t('You’ve been signed out, so this page no longer updates. Unsent changes are kept in this browser and sent when you sign in again.')
      : `${t('This page no longer updates.')} ${explain(error)}`,
    signedOut
      ? { label: t('Sign in'), act: () => location.assign(signInUrl()) }
      : reload,
  );
}

/** @param {any} error of the first board */
function showFailure(error) {
  if (error.status === 404) return goToList(t('That project no longer exists, or you no longer have access to it.'));
  const place = document.createElement('div');
  place.className = 'board-error';
  place.setAttribute('role', 'alert');
  const text = document.createElement('p');
  text.textContent = `${t('Couldn’t load the board.')} ${explain(error)}`;
  const again = document.createElement('button');
  again.type = 'button';
  again.className = 'button button--solid';
  again.textContent = t('Try again');
  again.addEventListener('click', () => (place.remove(), start()));
  place.append(text, again);
  board.prepend(place);
}
