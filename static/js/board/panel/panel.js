// @ts-check
/** The sheet of one task: opening and closing it, and keeping it the same as the task. */

import { Activity } from '../activity/activity.js';
import { Comments, draftOf } from './comments.js';
import { Description } from './description.js';
import { clone, find, part, setAttribute, setText } from '../ui/dom.js';
import { CONNECTED } from '../page/unsent.js';
import { MentionList } from './mentions.js';
import { TaskFields } from './fields.js';
import { t } from '../language/language.js';
import { exactDue, foreignZone, urgency } from '../language/time.js';

/**
 * @typedef {import("../state/store.js").View} View
 * @typedef {{taskId: number, element: HTMLElement, fields: TaskFields, comments: Comments, description: Description, activity: Activity}} Sheet
 */


export class TaskPanel {
  /**
   * @param {{
   *   projectId: number, store: import("../state/store.js").BoardStore, commands: import("../commands/commands.js").Commands, client: import("../../client/client.js").TaskManagerWebSocket,
   *   drafts: import("../state/drafts.js").Drafts,
   *   toasts: import("../commands/asking.js").Toasts,
   *   chooseLabels: (button: any, choose: (label: number, isOn: boolean) => void) => void, leave: () => void, returnFocus: (taskId: number) => boolean,
   * }} parts `chooseLabels` opens the menu of labels; `leave` is called when the person closes the panel
   */
  constructor({ projectId, store, commands, client, drafts, toasts, chooseLabels, leave, returnFocus }) {
    this.projectId = projectId;
    this.store = store;
    this.commands = commands;
    this.client = client;
    this.toasts = toasts;
    this.chooseLabels = chooseLabels;
    this.leave = leave;
    this.returnFocus = returnFocus;
    this.drafts = drafts;
    /** @type {MentionList | null} null: nothing was written here so far */
    this.mentions = null;
    client.on('presence', () => this.mentions?.refresh());
    client.on('state', () => this.#paintSaving());
    store.whenReplaced(() => this.#reload());
    commands.commenting.takeBack = (taskId, commentId, mine) => {
      drafts.set(taskId, draftOf(commentId), mine);
      return this.sheet?.taskId === taskId && this.sheet.comments.takeUpDraft(commentId);
    };
    /** @type {Sheet | null} */
    this.sheet = null;
  }

  /** @returns {number | null} */
  get taskId() {
    return this.sheet?.taskId ?? null;
  }

  /** @param {number} taskId of a task that is on the board */
  open(taskId) {
    if (this.sheet?.taskId === taskId) return;
    this.#takeDown();
    const element = clone('panel');
    /** @type {Sheet} */
    const sheet = (this.sheet = {
      taskId,
      element,
      fields: new TaskFields(element, {
        taskId,
        store: this.store,
        drafts: this.drafts,
        save: (field, value, version, title) => this.commands.editing.update(sheet.taskId, field, value, version, title),
        say: (text, ...actions) => void this.toasts.say(text, ...actions),
        label: (label, isOn, title) => this.commands.labelling.label(sheet.taskId, label, isOn, title),
        chooseLabels: this.chooseLabels,
        sendTyping: (field, isTyping) => this.#sendTyping(sheet.taskId, isTyping, field),
      }),
      comments: new Comments(element, {
        taskId,
        store: this.store,
        add: (content) => this.commands.commenting.add(sheet.taskId, content),
        drafts: this.drafts,
        edit: (commentId, content, previous) => this.commands.commenting.edit(sheet.taskId, commentId, content, previous),
        remove: (commentId) => this.commands.commenting.remove(sheet.taskId, commentId),
        say: (text) => void this.toasts.say(text),
        sendTyping: (isTyping) => this.#sendTyping(sheet.taskId, isTyping),
      }),
      description: new Description(taskId, {
        store: this.store,
        stack: part(element, 'description-stack'),
        source: find(element, '[name=description]'),
        formatted: part(element, 'description-formatted'),
      }),
      activity: new Activity(part(element, 'activity-body'), { store: this.store, projectId: this.projectId, taskId }),
    });
    part(element, 'activity').addEventListener('toggle', () => sheet.activity.from ?? sheet.activity.load());
    find(element, '[data-close-panel]').addEventListener('click', () => this.leave());
    find(element, '[data-restore-task]').addEventListener('click', () => {
      const task = this.store.archived.get(sheet.taskId);
      if (task) void this.commands.coming.restore(task);
    });
    find(element, '[data-delete-task]').addEventListener('click', () => {
      this.leave();
      this.commands.coming.remove(sheet.taskId);
    });
    find(element, '[data-archive-task]').addEventListener('click', () => {
      this.leave();
      this.commands.coming.archive(sheet.taskId);
    });
    element.addEventListener('focusin', ({ target }) => {
      if (target instanceof HTMLTextAreaElement && target.matches('[data-mentions]')) this.#offerNames(target);
    });
    document.body.append(element);
    element.focus({ preventScroll: true });
    sheet.comments.load();
    this.#name(sheet);
  }

  /** The task has an id by now: the sheet stays as it is, with what is being written on it. @param {Sheet} sheet @param {number} id */
  #rename(sheet, id) {
    this.drafts.rename(sheet.taskId, id);
    sheet.taskId = sheet.fields.taskId = sheet.activity.taskId = id;
    sheet.comments.rename(id);
    sheet.description.rename(id);
    this.#name(sheet);
  }

  /** @param {Sheet} sheet */
  #name({ taskId, element }) {
    const hasId = taskId > 0;
    element.dataset.taskPanel = String(taskId);
    setText(part(element, 'reference'), hasId ? t('Task {number}', { number: taskId }) : t('New task'));
    part(element, 'activity').hidden = !hasId;
    this.commands.editing.shownTask = taskId;
    if (hasId) this.client.viewing(taskId).catch(() => {}); // a hint, no more
  }

  /** @param {number} taskId @param {boolean} isTyping @param {import("../people/company.js").Field} [field] none: a comment */
  #sendTyping(taskId, isTyping, field) {
    if (taskId > 0) this.client.typing(taskId, isTyping, field).catch(() => {});
  }

  /** @param {HTMLElement} element @returns {boolean} whether the panel lies over it, rather than beside it */
  covers(element) {
    return !!this.sheet && this.sheet.element.getBoundingClientRect().left + 1 < element.getBoundingClientRect().right;
  }

  /** Brings a comment of the open task into view. @param {number} commentId */
  reveal(commentId) {
    this.sheet?.comments.reveal(commentId);
  }

  /** @param {number} taskId @returns {HTMLElement | null} where the panel shows the other viewers of the task */
  viewersOf(taskId) {
    return this.sheet?.taskId === taskId ? part(this.sheet.element, 'viewers') : null;
  }

  /** @returns {import("../people/company.js").TypingPlaces | null} where the panel shows the users that are typing; there are none in a task without an id */
  get typing() {
    if (!this.sheet || this.sheet.taskId < 0) return null;
    const { taskId, element } = this.sheet;
    const fields = /** @type {const} */ (['title', 'description']).map((name) => ({ name, line: part(find(element, `[data-field=${name}]`), 'editing') }));
    return { taskId, line: part(element, 'typing'), fields };
  }

  /** Closes and leaves the address as it is: `leave` changed it, or the browser's own Back. */
  close() {
    const taskId = this.taskId;
    const hadFocus = this.sheet?.element.contains(document.activeElement) || document.activeElement === document.body;
    this.#takeDown();
    if (taskId !== null && taskId > 0) this.client.viewing(null).catch(() => {});
    if (taskId !== null && hadFocus) this.returnFocus(taskId);
  }

  /** @param {View} view @param {Date} now */
  paint(view, now) {
    if (!this.sheet) return;
    const id = view.ids.get(this.sheet.taskId);
    if (id !== undefined) this.#rename(this.sheet, id);
    const task = view.tasks.get(this.sheet.taskId) ?? view.archived.get(this.sheet.taskId);
    if (!task) return;
    const isArchived = view.archived.has(task.id);
    const mayChange = this.store.mayChange(task.id);
    const { element, fields, comments, description } = this.sheet;
    element.setAttribute('aria-label', task.title);
    this.#paintSaving();
    part(element, 'archived').hidden = !isArchived;
    find(element, '[data-restore-task]').hidden = !this.store.mayEdit;
    find(element, '[data-delete-task]').hidden = !mayChange;
    find(element, '[data-archive-task]').hidden = !mayChange || task.status !== 'completed' || task.id < 0;
    setText(part(element, 'comment-count'), task.comment_count ? String(task.comment_count) : '');
    fields.paint(task, view);
    comments.paint(now, view);
    this.mentions?.refresh();
    description.paint(task.description, isArchived || task.description === this.store.state?.tasks.get(task.id)?.description);
    const zone = part(element, 'zone');
    zone.hidden = !foreignZone;
    setText(zone, t('Times are in your time zone, {zone}; this device uses another one.', { zone: foreignZone }));
    const note = part(element, 'due-note');
    note.hidden = !task.due_at;
    note.toggleAttribute('data-overdue', urgency(task, now) === 'overdue');
    if (!task.due_at) return;
    const moment = exactDue(task.due_at);
    setText(note, urgency(task, now) === 'overdue' ? t('Overdue since {moment}', { moment }) : moment);
  }

  /** @param {import("../reducer.js").LoggedFrame} frame */
  apply(frame) {
    if (!this.sheet) return;
    if ('task_id' in frame.data && frame.data.task_id === this.sheet.taskId) this.sheet.comments.apply(frame);
    this.sheet.activity.apply(frame);
  }

  /** There is another board: the task was painted with it, the rest has to be fetched. */
  #reload() {
    this.sheet?.comments.reload();
    this.sheet?.activity.reload();
  }

  /** What was done here and is not saved is on its way, or waits until there is one. */
  #paintSaving() {
    if (!this.sheet) return;
    const saving = part(this.sheet.element, 'saving');
    const isConnected = CONNECTED.includes(this.client.state);
    saving.hidden = !this.store.painted?.waiting.has(this.sheet.taskId);
    setText(saving, isConnected ? t('Saving…') : t('Waiting for connection'));
    setAttribute(saving, 'title', isConnected ? null : t('Your changes are kept and sent once you’re reconnected.'));
  }

  /** @param {HTMLTextAreaElement} field */
  #offerNames(field) {
    this.mentions ??= new MentionList(() => ({
      // No user is notified of a mention of their own.
      users: (this.store.state?.members ?? []).map(({ user }) => user).filter(({ id }) => id !== this.store.userId),
      present: this.client.presenceOf(this.projectId),
    }));
    this.mentions.attach(field);
  }

  #takeDown() {
    if (!this.sheet) return;
    this.mentions?.close();
    const { element, fields, comments } = this.sheet;
    fields.flush();
    comments.leave();
    this.sheet = null;
    this.commands.editing.shownTask = null;
    element.remove();
  }
}
