// @ts-check
/** One card: a link to its task, painted from the task and nothing else. */

import { clone, part, setAttribute, setText } from '../ui/dom.js';
import { labelsOf, paintChips } from '../ui/labels.js';
import { t, tn } from '../language/language.js';
import { displayName, showAvatar } from '../people/people.js';
import { dueDate, dueInWords, exactDue, urgency } from '../language/time.js';
import { PRIORITY_NAMES, shown } from '../language/words.js';

/**
 * @typedef {import("../reducer.js").Task} Task
 * @typedef {import("../reducer.js").User} User
 * @typedef {{waiting: boolean, isOpen: boolean, mark: import("../activity/absence.js").Mark | null, assignee: User | null, project: Readonly<import("../reducer.js").Project>, now: Date}} Context
 * @typedef {{slot: HTMLElement, link: HTMLAnchorElement, painted: {task: Task, context: Context} | null}} Card
 *   `slot` is the list's item, `link` the card itself
 */

/** @param {number} id @returns {Card} */
export function createCard(id) {
  const slot = clone('card');
  const link = /** @type {HTMLAnchorElement} */ (slot.firstElementChild);
  link.tabIndex = -1;
  nameCard(link, id);
  return { slot, link, painted: null };
}

/** @param {HTMLAnchorElement} link @param {number} id of the task, or a placeholder: `data-task-id` is never one */
export function nameCard(link, id) {
  setAttribute(link, 'data-task-id', id > 0 ? String(id) : null);
  setAttribute(link, 'data-new-task', id > 0 ? null : String(id));
  link.href = `#task-${id}`;
}

/** @param {EventTarget | null} target @returns {number | null} the task of the card that holds it */
export function taskAt(target) {
  const link = target instanceof Element ? target.closest('[data-task-id], [data-new-task]') : null;
  return link && Number(link.getAttribute('data-task-id') ?? link.getAttribute('data-new-task'));
}

/**
 * Paints what is new; a card for which nothing changed costs a comparison.
 *
 * @param {Card} card
 * @param {Task} task
 * @param {Context} context
 */
export function paintCard(card, task, context) {
  if (card.painted?.task === task && isSame(card.painted.context, context)) return;
  card.painted = { task, context };
  const { link } = card;
  const { waiting, isOpen, mark, assignee, project, now } = context;
  setAttribute(link, 'data-priority', task.priority);
  setAttribute(link, 'data-assignee-id', task.assignee_id === null ? '' : String(task.assignee_id));
  setAttribute(link, 'data-comment-count', String(task.comment_count));
  setAttribute(link, 'data-pending', waiting ? '' : null);
  setAttribute(link, 'data-unseen', mark);
  part(link, 'mark').hidden = mark === null;
  setText(part(link, 'mark-name'), mark === 'new' ? t('New') : t('Changed'));
  setAttribute(link, 'aria-current', isOpen ? 'true' : null);
  setText(part(link, 'title'), shown(task.title));
  paintChips(part(link, 'labels'), labelsOf(task, project));
  paintPriority(part(link, 'priority'), task.priority);
  paintDue(part(link, 'due'), task, now);
  part(link, 'comments').hidden = task.comment_count < 1;
  setText(part(link, 'comment-count'), String(task.comment_count));
  setText(part(link, 'comment-words'), tn(task.comment_count, '{count} comment', '{count} comments'));
  showAvatar(part(link, 'assignee'), assignee);
  setText(part(link, 'assignee-name'), assignee ? `, ${t('assigned to {person}', { person: displayName(assignee) })}` : '');
}

/** @param {Context} one @param {Context} other @returns {boolean} */
function isSame(one, other) {
  return (
    one.waiting === other.waiting &&
    one.isOpen === other.isOpen &&
    one.mark === other.mark &&
    one.assignee === other.assignee &&
    one.project.labels === other.project.labels &&
    one.now === other.now
  );
}

/** @param {HTMLElement} holder @param {string} priority */
function paintPriority(holder, priority) {
  const name = t('{priority} priority', { priority: PRIORITY_NAMES[priority] });
  setAttribute(holder, 'title', name);
  setText(part(holder, 'priority-name'), name);
  setAttribute(/** @type {Element} */ (holder.querySelector('use')), 'href', `#icon-priority-${priority}`);
}

/** @param {HTMLElement} holder @param {Task} task @param {Date} now */
function paintDue(holder, task, now) {
  const due = urgency(task, now);
  holder.hidden = due === 'none';
  setAttribute(holder, 'data-overdue', due === 'overdue' ? '' : null);
  setAttribute(holder, 'data-soon', due === 'soon' ? '' : null);
  if (!task.due_at) return;
  const moment = exactDue(task.due_at);
  const time = /** @type {HTMLTimeElement} */ (holder.querySelector('time'));
  setAttribute(time, 'datetime', task.due_at);
  setAttribute(holder, 'title', due === 'overdue' ? t('Overdue since {moment}', { moment }) : t('Due {moment}', { moment }));
  // What is done is due no longer: the date is all there is to say.
  setText(time, task.status === 'completed' ? dueDate(task.due_at, now) : dueInWords(task.due_at, now));
  setText(part(holder, 'due-name'), due === 'overdue' ? `${t('overdue')} ` : `${t('due')} `);
}
