// @ts-check
/** Ties together what every page has for the signed-in user: bell, inbox, toasts, reminders, settings. */

import { fetchProjects } from '../page/api.js';
import { find, setText } from '../ui/dom.js';
import { InboxPanel } from './inbox_panel.js';
import { t, tn } from '../language/language.js';
import { languageItems } from '../language/language_choice.js';
import { followMe } from '../people/me.js';
import { leaveKeysToInputMethods } from '../ui/keys.js';
import { watchLengths } from '../ui/lengths.js';
import { openMenu } from '../ui/menu.js';
import { describe } from './notices.js';
import { refusePictures } from '../ui/pictures.js';
import { Notifications } from './notifications.js';
import { openSettings } from '../dialogs/settings.js';
import { themeItems } from '../page/theme.js';
import { tomorrowMorning, useZone } from '../language/time.js';
import { explain } from '../language/words.js';
import { userKey } from '../page/site.js';

/**
 * @typedef {import("./inbox.js").Notification} Notification
 * @typedef {import("./notices.js").Notice} Notice
 */

const GATHER = 250; // ms over which notifications become toasts together
const ONE_BY_ONE = 2; // toasts at once; more become a number
const CLOCK = 30_000; // ms between paintings for the sake of "5 minutes ago"

/**
 * @param {{
 *   client: import("../../client/client.js").TaskManagerWebSocket, toasts: import("../ui/toasts.js").Toasts, title: () => string,
 *   taskTitle?: (taskId: number) => string | null, person?: import("./notices.js").Names["person"],
 *   follow?: (notification: Notification) => boolean, isInView?: (notification: Notification) => boolean,
 *   repaint?: () => void, menu?: import("../ui/menu.js").Item[],
 * }} parts `title` the tab's, without the number of unread; `follow` shows what a notification is about on this page, and
 *   says whether it could; `isInView` whether the user is looking at that just now; `repaint` shows all moments anew, in another
 *   time zone; `menu` what the page adds to the own menu
 * @returns {{paintTitle: () => void, closeInbox: () => void, actions: () => import("../palette/palette.js").Action[]}} `actions`: what the palette offers of all this
 */
export function followConcerns({ client, toasts, title, taskTitle = () => null, person = () => null, follow = () => false, isInView = () => false, repaint = () => {}, menu = [] }) {
  /** @type {Map<number, string>} projects, as far as sentences needed them */
  const projects = new Map();
  const names = { project: (/** @type {number} */ id) => projects.get(id) ?? null, task: taskTitle, person };
  /** @type {Map<number, () => void>} what takes a toast away, by number */
  const said = new Map();
  /** @type {Notification[]} */
  let waiting = [];

  const notifications = new Notifications({ client, arrived });
  const button = find(document, '[data-me]');
  const changeSettings = () =>
    openSettings(({ name, username, timezone }) => {
      setText(find(button, '[data-me-name]'), name || username);
      setZone(timezone);
      toasts.say(t('Settings saved'));
    });
  const inbox = new InboxPanel({ notifications, names, follow, snoozes, openSettings: changeSettings, prepare });

  const { operations } = button.dataset; // where staff look at the servers
  const items = [
    ...menu,
    { label: t('Appearance'), act: () => openMenu(button, { label: t('Appearance'), items: themeItems() }) },
    { label: t('Language'), act: () => openMenu(button, { label: t('Language'), items: languageItems() }) },
    { label: t('Settings'), act: changeSettings },
    ...(operations ? [{ label: t('Operations'), act: () => location.assign(operations) }] : []),
  ];
  followMe({ client, button, userId: userKey(document.body.dataset.userId), items });
  notifications.subscribe(() => {
    inbox.paint();
    paintTitle();
    dismissOld();
  });
  client.on('state', (state) => {
    find(document, '[data-inbox-offline]').hidden = state !== 'offline';
  });
  setInterval(() => inbox.paint(), CLOCK);
  useZone(document.body.dataset.timeZone ?? '');
  leaveKeysToInputMethods();
  watchLengths();
  refusePictures((text) => void toasts.say(text));
  return { paintTitle, closeInbox: () => inbox.close(), actions };

  function actions() {
    return [
      { label: t('Notifications'), act: () => inbox.open() },
      { label: t('Settings'), act: changeSettings },
      ...(operations ? [{ label: t('Operations'), act: () => location.assign(operations) }] : []),
    ];
  }

  /** @param {Notification} notification */
  function arrived(notification) {
    if (inbox.isLookedAt || (isInView(notification) && !document.hidden)) return;
    if (!waiting.length) setTimeout(showWaiting, GATHER);
    waiting.push(notification);
  }

  async function showWaiting() {
    const fresh = waiting.filter(({ seq }) => seq > notifications.inbox.readUpTo);
    waiting = [];
    if (fresh.length > ONE_BY_ONE) return toasts.say(tn(fresh.length, '{count} new notification', '{count} new notifications'), { label: t('Show'), act: () => inbox.open() });
    if (fresh.some(({ event }) => event === 'project_member_added')) await prepare();
    for (const notification of fresh) sayOne(notification);
  }

  /** @param {Notification} notification */
  function sayOne(notification) {
    const notice = describe(notification, names);
    const text = notice.excerpt ? `${notice.text}: ${t('“{text}”', { text: notice.excerpt })}` : `${notice.text}.`;
    const open = notice.href ? [{ label: t('Open'), act: () => show(notification, notice) }] : [];
    const dismiss = notice.isReminder
      ? toasts.ask(text, ...open, ...snoozes(notification))
      : toasts.say(text, ...open);
    said.set(notification.seq, dismiss);
  }

  /** @param {Notification} notification @param {Notice} notice */
  function show(notification, notice) {
    notifications.look(notification.seq);
    if (!follow(notification) && notice.href) location.assign(notice.href);
  }

  /** What was read, here or in another tab, needs no toast any more; what was deleted must not be in one. */
  function dismissOld() {
    const { items, readUpTo } = notifications.inbox;
    const gone = new Set(items.filter(({ data }) => data.redacted).map(({ seq }) => seq));
    for (const [seq, dismiss] of said) {
      if (seq > readUpTo && !gone.has(seq)) continue;
      dismiss();
      said.delete(seq);
    }
  }

  /** @param {Notification} notification a reminder */
  function snoozes({ seq }) {
    const later = (/** @type {() => number} */ minutes, /** @type {string} */ done) => async () => {
      try {
        await client.snoozeReminder(seq, minutes());
        toasts.say(done);
      } catch (error) {
        toasts.say(`${t('Couldn’t snooze the reminder.')} ${explain(error)}`);
      }
    };
    return [
      { label: t('Snooze 1 hour'), act: later(() => 60, t('You’ll be reminded again in an hour.')) },
      { label: t('Remind me tomorrow'), act: later(minutesUntilTomorrow, t('You’ll be reminded again tomorrow at 9:00.')) },
    ];
  }

  /** @param {string} zone */
  function setZone(zone) {
    document.body.dataset.timeZone = zone;
    useZone(zone);
    inbox.paint();
    repaint();
  }

  /** Names of projects that are known for now; without them the sentences say "a project". */
  async function prepare() {
    const found = await fetchProjects().catch(() => []);
    for (const { id, name } of found) projects.set(id, name);
  }

  function paintTitle() {
    const { unread } = notifications;
    const text = unread ? `(${unread}) ${title()}` : title();
    if (document.title !== text) document.title = text;
  }
}

/** @returns {number} whole minutes until tomorrow morning */
function minutesUntilTomorrow() {
  const now = new Date();
  return Math.max(1, Math.round((tomorrowMorning(now).getTime() - now.getTime()) / 60_000));
}
