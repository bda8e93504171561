// @ts-check
/** The words that the board uses for statuses, priorities, roles, fields and errors. */

/** @type {Record<string, string>} */
export const STATUS_NAMES = { todo: 'To do', in_progress: 'In progress', review: 'Review', completed: 'Completed' };

/** @type {Record<string, string>} */
export const PRIORITY_NAMES = { low: 'Low', medium: 'Medium', high: 'High', urgent: 'Urgent' };

/** @type {Record<string, string>} */
export const ROLE_NAMES = { owner: 'Owner', member: 'Member', viewer: 'Viewer' };

/** @type {Record<string, string>} */
export const STATE_NAMES = { online: 'Online', idle: 'Idle', busy: 'Busy', offline: 'Offline' };

/** @type {Record<string, string>} */
export const FIELD_NAMES = {
  title: 'title',
  description: 'description',
  status: 'status',
  priority: 'priority',
  assignee_id: 'assignee',
  due_at: 'due date',
  labels: 'labels',
};

/**
 * Why something was refused, for the person who asked for it.
 *
 * @param {any} error what a call of the client or of the API rejected with
 * @returns {string} one sentence
 */
export function explain(error) {
  const code = error?.code;
  if (code === 'forbidden') return sentence(error.message) || 'Your role in this project does not allow it.';
  if (code === 'not_found') return 'It is no longer there, or no longer yours to see.';
  if (code === 'invalid_data') return detailsOf(error) || sentence(error.message) || 'The server did not accept it.';
  if (code === 'uncertain')
    return 'The connection broke for too long to know whether it was saved. Please look and try again.';
  if (code === 'too_large') return 'It is too long to be sent.';
  if (code === 'closed' || code === 'cancelled') return 'The connection was closed before it could be sent.';
  if (code === 'rate_limited') return 'That was too much at once. Please wait a moment.';
  if (code === 'network' || code === 'connection_lost') return 'The server could not be reached.';
  return sentence(error?.message) || 'Something went wrong.';
}

/** @param {any} error @returns {string} */
function detailsOf(error) {
  if (!Array.isArray(error.details)) return '';
  return error.details
    .map((/** @type {any} */ detail) => sentence(detail?.message))
    .filter(Boolean)
    .join(' ');
}

/** @param {unknown} text @returns {string} */
function sentence(text) {
  const trimmed = typeof text === 'string' ? text.trim() : '';
  return trimmed && !/[.!?]$/.test(trimmed) ? `${trimmed}.` : trimmed;
}

/** @param {string} title @returns {string} the title as a card shows it: nobody could read, or click, white space alone */
export function shown(title) {
  return title.trim() ? title : 'Untitled';
}

/** @param {string} title @returns {string} the title as it is quoted in messages, where it turns the direction of no words but its own */
export function quote(title) {
  const plain = shown(title.replace(/[\u202a-\u202e\u2066-\u2069]/g, ''));
  return `“${plain.length > 60 ? `${plain.slice(0, 57)}…` : plain}”`;
}

/** @param {number} count @param {string} one @param {string} [more] @returns {string} */
export function counted(count, one, more = `${one}s`) {
  return `${count} ${count === 1 ? one : more}`;
}
