// @ts-check
/** The operations page: asks for the figures with each connection, and paints what comes. */

import { fetchToken } from '../board/page/api.js';
import { showConnection } from '../board/page/connection_badge.js';
import { find } from '../board/ui/dom.js';
import { forgetUser } from '../board/page/forgetting.js';
import { locale, t } from '../board/language/language.js';
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

const client = new TaskManagerWebSocket({ token: fetchToken });
Object.assign(window, { taskManager: client });
watchSession(client, forgetUser);

client.on('state', (/** @type {string} */ state) => {
  showConnection(document.body, state);
  if (state === 'live') watch();
  else if (state === 'polling') say(t('Sockets do not come through here, and these figures come by no other way.'));
  else if (state === 'closed') end(t('You are signed out.'));
  else say(t('No connection just now: these figures are old.'));
});
client.on('ops_ended', () => end(t('You may no longer see this.')));
client.on('ops_figures', (/** @type {any} */ figures) => paint(figures));
if (client.state === 'live') watch();

function watch() {
  client.watchOps().then(
    () => say(null),
    (error) => {
      if (error.code === 'not_found') end(t('You may no longer see this.'));
      else if (error.code !== 'connection_lost') say(`${t('The server does not tell its figures just now.')} ${explain(error)}`);
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
  staleness = setTimeout(() => say(t('No figures came for a while: what you see is old.')), STALE);
}

/** @param {import('./history.js').Process[]} processes @returns {string | null} */
function trouble(processes) {
  if (processes.some((process) => !process.sees_database)) return t('The database is away from some process: changes fail, and events wait.');
  if (processes.some((process) => process.sees_redis === false)) {
    return t('Redis is away: events come with the sweep, up to a second later, and other processes are not heard here.');
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
