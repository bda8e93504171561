// @ts-check
/** The operations page: asks for the figures with each connection, and paints what comes. */

import { fetchToken } from '../board/page/api.js';
import { showConnection } from '../board/page/connection_badge.js';
import { find } from '../board/ui/dom.js';
import { keptHere } from '../board/page/forgetting.js';
import { locale, t } from '../board/language/language.js';
import { server } from '../board/page/site.js';
import { watchSession } from '../board/page/session.js';
import { explain } from '../board/language/words.js';
import { TaskManagerWebSocket } from '../client/index.js';
import { History } from './history.js';
import { paintProcesses, paintProjects } from './tables.js';
import { Tiles } from './tiles.js';

/** Milliseconds without figures after which what stands there is old. */
const STALE = 7_000;

const body = find(document, '[data-ops-body]');
const stateLine = find(document, '[data-ops-state]');
const warning = find(document, '[data-ops-warning]');
const tiles = new Tiles(find(document, '[data-tiles]'));
let history = new History();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let staleness;

const client = new TaskManagerWebSocket({ ...server(), token: fetchToken });
Object.assign(window, { taskManager: client });
watchSession(client, keptHere());

client.on('state', (/** @type {string} */ state) => {
  showConnection(document.body, state);
  if (state === 'live') watch();
  else if (state === 'polling') say(t('WebSockets are blocked here, and these figures can’t be loaded any other way.'));
  else if (state === 'closed') end(t('You’ve been signed out.'));
  else say(t('No connection. These figures are out of date.'));
});
client.on('ops_ended', () => end(t('You no longer have access to this page.')));
client.on('ops_figures', (/** @type {any} */ figures) => paint(figures));
if (client.state === 'live') watch();

function watch() {
  client.watchOps().then(
    () => say(null),
    (error) => {
      if (error.code === 'not_found') end(t('You no longer have access to this page.'));
      else if (error.code !== 'connection_lost') say(`${t('Couldn’t load the figures.')} ${explain(error)}`);
    },
  );
}

/** @param {any} figures */
function paint(figures) {
  const point = history.add(figures);
  body.hidden = false;
  tiles.paint(history, point);
  paintProcesses(figures, history);
  paintProjects(figures.projects);
  stateLine.textContent = t('As of {time}', { time: new Date(point.at).toLocaleTimeString(locale) });
  say(trouble(figures.processes));
  clearTimeout(staleness);
  staleness = setTimeout(() => say(t('No new figures for a while. These are out of date.')), STALE);
}

/** @param {import('./history.js').Process[]} processes @returns {string | null} */
function trouble(processes) {
  if (processes.some((process) => !process.sees_database)) return t('A process can’t reach the database: changes fail, and events are delayed.');
  if (processes.some((process) => process.sees_redis === false)) {
    return t('Redis is unreachable: the sweep delivers events, up to a second later, and other processes don’t appear here.');
  }
  return null;
}

/** @param {string | null} text null: all is well */
function say(text) {
  warning.hidden = text === null;
  if (text !== null && warning.textContent !== text) warning.textContent = text;
}

/** @param {string} why nothing of what was seen stays on the page */
function end(why) {
  if (!body.isConnected) return; // the end of the connection follows, and is no news
  clearTimeout(staleness);
  history = new History();
  body.remove();
  stateLine.textContent = '';
  say(why);
  client.close();
}
