// @ts-check
/** Moments in words, in the zone and habits of the reader. `now` is always an argument. */

import { language, locale, t } from './language.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `5 Mar`, which is short, and not taken for the month of May. */
const DAY_FIRST = language === 'en' ? 'en-GB' : locale;

const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });

/** @typedef {{year: number, month: number, day: number, hour: number, minute: number}} Wall what calendar and clock on the wall say; January is 1 */

/** @type {ReturnType<typeof makeFormats>} */
let formats = makeFormats(undefined);

/** Where the user's time zone is not the device's, its name; else "". */
export let foreignZone = '';

/** @param {string} zone an IANA name; "" for the device's own */
export function useZone(zone) {
  try {
    formats = makeFormats(zone || undefined);
  } catch {
    formats = makeFormats(undefined); // one that this browser does not know
  }
  const [used, own] = [formats.parts, makeFormats(undefined).parts].map((format) => format.resolvedOptions().timeZone);
  foreignZone = used === own ? '' : used.replaceAll('_', ' ');
}

/** @param {string | undefined} timeZone @throws {RangeError} there is none of that name */
function makeFormats(timeZone) {
  return {
    exactly: new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short', timeZone }),
    wholeDay: new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeZone }),
    dayMonth: new Intl.DateTimeFormat(DAY_FIRST, { day: 'numeric', month: 'short', timeZone }),
    dayMonthYear: new Intl.DateTimeFormat(DAY_FIRST, { day: 'numeric', month: 'short', year: 'numeric', timeZone }),
    parts: new Intl.DateTimeFormat('en-GB', {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      hourCycle: 'h23',
      timeZone,
    }),
  };
}

/** @param {string} iso @returns {string} the full date and time, with the zone where it is not the device's */
export function exact(iso) {
  return withZone(formats.exactly.format(new Date(iso)));
}

/** @param {string} iso a due date @returns {string} as `exact`; without a time where it is a whole day */
export function exactDue(iso) {
  return isWholeDay(iso) ? withZone(formats.wholeDay.format(new Date(iso))) : exact(iso);
}

/** @param {string} text @returns {string} */
function withZone(text) {
  return foreignZone ? `${text} (${foreignZone})` : text;
}

/** What the clock says at the end of a day: a task that is due then is due on that day, at no particular time. */
const END_OF_DAY = '23:59';

/** @param {string} iso @returns {boolean} whether it is the end of a day here */
function isWholeDay(iso) {
  return toLocalInput(iso).endsWith(`T${END_OF_DAY}`);
}

/** @param {string} iso @param {Date} now @returns {string} the day, without a word of how near it is */
export function dueDate(iso, now) {
  return date(new Date(iso), now);
}

/**
 * A due date as a card shows it: minutes within the hour, hours within the day, then days, then the date. A whole day is
 * due today for all of it.
 *
 * @param {string} iso
 * @param {Date} now
 * @returns {string}
 */
export function dueInWords(iso, now) {
  const due = new Date(iso);
  const distance = due.getTime() - now.getTime();
  const days = calendarDays(now, due);
  if (isWholeDay(iso) && Math.abs(days) < 7) return capital(relative.format(days, 'day'));
  if (Math.abs(distance) < HOUR) return capital(relative.format(Math.round(distance / MINUTE), 'minute'));
  if (days === 0) return capital(relative.format(Math.round(distance / HOUR), 'hour'));
  if (Math.abs(days) < 7) return capital(relative.format(days, 'day'));
  return date(due, now);
}

/**
 * How long ago something was said.
 *
 * @param {string} iso
 * @param {Date} now
 * @returns {string}
 */
export function ago(iso, now) {
  const then = new Date(iso);
  const distance = now.getTime() - then.getTime();
  if (distance < MINUTE) return t('just now'); // a server's clock a little ahead of ours counts as now
  if (distance < HOUR) return relative.format(-Math.floor(distance / MINUTE), 'minute');
  if (distance < DAY) return relative.format(-Math.floor(distance / HOUR), 'hour');
  const days = calendarDays(then, now);
  if (days < 7) return relative.format(-days, 'day');
  return date(then, now);
}

/**
 * @param {{due_at: string | null, status: string}} task
 * @param {Date} now
 * @returns {"overdue" | "soon" | "later" | "none"} a completed task is never late; soon is within a day
 */
export function urgency(task, now) {
  if (!task.due_at) return 'none';
  if (task.status === 'completed') return 'later';
  const distance = Date.parse(task.due_at) - now.getTime();
  if (distance < 0) return 'overdue';
  return distance < DAY ? 'soon' : 'later';
}

/** @param {string | null} iso @returns {string} the value of an `input[type=datetime-local]` */
export function toLocalInput(iso) {
  if (!iso) return '';
  const { year, month, day, hour, minute } = wall(new Date(iso));
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}`;
}

/** @param {string | null} iso @returns {{date: string, time: string}} the values of an `input[type=date]` and one of `time`; "" for none */
export function toDateAndTime(iso) {
  const [date, time = ''] = toLocalInput(iso).split('T');
  return { date, time: time === END_OF_DAY ? '' : time };
}

/** @param {string} date @param {string} time "" for the end of the day @returns {string} the value of an `input[type=datetime-local]` */
export function joinDateAndTime(date, time) {
  return date && `${date}T${time || END_OF_DAY}`;
}

/** @param {string} value of an `input[type=datetime-local]` @returns {string | null} the moment in ISO 8601, UTC */
export function fromLocalInput(value) {
  const match = /^(\d{4,6})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(value);
  if (!match) return null;
  const [year, month, day, hour, minute] = match.slice(1).map(Number);
  return momentOf({ year, month, day, hour, minute })?.toISOString() ?? null;
}

/** @param {Date} now @returns {Date} nine o'clock tomorrow */
export function tomorrowMorning(now) {
  const { year, month, day } = wall(now);
  return momentOf({ year, month, day: day + 1, hour: 9, minute: 0 }) ?? now;
}

/** @param {Date} date @returns {Wall} */
function wall(date) {
  const parts = new Map(formats.parts.formatToParts(date).map(({ type, value }) => [type, Number(value)]));
  const part = (/** @type {Intl.DateTimeFormatPartTypes} */ name) => parts.get(name) ?? 0;
  return { year: part('year'), month: part('month'), day: part('day'), hour: part('hour'), minute: part('minute') };
}

/**
 * The wall's time is looked up as if it were UTC's, and put right by how far the zone is off then: once more, since the
 * first look may fall beyond a change of the clocks.
 *
 * @param {Wall} time
 * @returns {Date | null} null: there is no such date
 */
function momentOf(time) {
  const wanted = asUtc(time);
  if (Number.isNaN(new Date(wanted).getTime())) return null;
  const off = (/** @type {number} */ at) => asUtc(wall(new Date(at))) - Math.floor(at / MINUTE) * MINUTE;
  const first = wanted - off(wanted);
  const second = wanted - off(first);
  // What the clocks leave out is taken as the hour after.
  return new Date(second + off(second) === wanted ? second : Math.max(first, second));
}

/** @param {Wall} time @returns {number} ms, as if the wall were in UTC */
function asUtc({ year, month, day, hour, minute }) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // `Date.UTC` takes the year 70 for 1970
  return date.setUTCHours(hour, minute);
}

/** @param {Date} from @param {Date} to @returns {number} midnights between them */
function calendarDays(from, to) {
  const midnight = (/** @type {Date} */ date) => asUtc({ ...wall(date), hour: 0, minute: 0 });
  return Math.round((midnight(to) - midnight(from)) / DAY);
}

/** @param {Date} day @param {Date} now @returns {string} with the year where it is another one */
function date(day, now) {
  return (wall(day).year === wall(now).year ? formats.dayMonth : formats.dayMonthYear).format(day);
}

/** @param {string} text @returns {string} */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
