// @ts-check
/** Moments in words, in the zone and habits of the one who reads them. `now` is always an argument. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const exactly = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });
const dayMonth = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const dayMonthYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

/** @param {string} iso @returns {string} the full date and time */
export function exact(iso) {
  return exactly.format(new Date(iso));
}

/**
 * A due date as a card shows it: minutes within the hour, hours within the day, then days, then the date.
 *
 * @param {string} iso
 * @param {Date} now
 * @returns {string}
 */
export function dueInWords(iso, now) {
  const due = new Date(iso);
  const distance = due.getTime() - now.getTime();
  if (Math.abs(distance) < HOUR) return capital(relative.format(Math.round(distance / MINUTE), 'minute'));
  const days = calendarDays(now, due);
  if (days === 0) return capital(relative.format(Math.round(distance / HOUR), 'hour'));
  if (Math.abs(days) < 7) return capital(relative.format(days, 'day'));
  return (due.getFullYear() === now.getFullYear() ? dayMonth : dayMonthYear).format(due);
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
  if (distance < MINUTE) return 'just now'; // a server's clock a little ahead of ours counts as now
  if (distance < HOUR) return relative.format(-Math.floor(distance / MINUTE), 'minute');
  if (distance < DAY) return relative.format(-Math.floor(distance / HOUR), 'hour');
  const days = calendarDays(then, now);
  if (days < 7) return relative.format(-days, 'day');
  return (then.getFullYear() === now.getFullYear() ? dayMonth : dayMonthYear).format(then);
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

/** @param {string | null} iso @returns {string} the value of an `input[type=datetime-local]`, in the local zone */
export function toLocalInput(iso) {
  if (!iso) return '';
  const date = new Date(iso);
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** @param {string} value of an `input[type=datetime-local]` @returns {string | null} the moment in ISO 8601, UTC */
export function fromLocalInput(value) {
  if (!value) return null;
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** @param {Date} from @param {Date} to @returns {number} midnights between them, here */
function calendarDays(from, to) {
  const midnight = (/** @type {Date} */ date) =>
    new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(to) - midnight(from)) / DAY); // rounded: a day may have 23 or 25 hours
}

/** @param {string} text @returns {string} */
function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
