// @ts-check
/** What a person can ask for: each goes to the server, shows at once as waiting, and tells if it was refused. */

import { archiveTask } from './api.js';
import { t } from './language.js';
import { makePlaceholder } from './newcomers.js';
import { copying } from './problems.js';
import { labelling } from './relabelling.js';
import { isSameValue } from './values.js';
import { explain, FIELD_NAMES, quote } from './words.js';

/**
 * @typedef {import("./store.js").BoardStore} BoardStore
 * @typedef {import("./reducer.js").Task} Task
 * @typedef {import("./toasts.js").Action} Action
 * @typedef {{report: (text: string, ...actions: Action[]) => void}} Problems
 * @typedef {{say: (text: string, ...actions: Action[]) => void}} Toasts
 * @typedef {import("./leftovers.js").Leftover} Leftover
 * @typedef {import("./relabelling.js").Relabelling} Relabelling
 * @typedef {{version: number, status: string, position: string}} Moved what a move made
 */

export class Commands {
  /**
   * @param {{
   *   client: any, store: BoardStore, problems: Problems, toasts: Toasts, undo: import("./undo.js").Undo, projectId: number,
   *   openTask: (taskId: number) => void, keepDraft?: (taskId: number, field: string, text: string, version: number) => void,
   * }} parts `client` is the page's TaskManagerWebSocket; `keepDraft` keeps over reloads what stands against somebody else's
   */
  constructor({ client, store, problems, toasts, undo, projectId, openTask, keepDraft = () => {} }) {
    this.client = client;
    this.store = store;
    this.problems = problems;
    this.toasts = toasts;
    this.undo = undo;
    this.projectId = projectId;
    this.openTask = openTask;
    this.keepDraft = keepDraft;
    /** @type {Map<string, number>} the latest version that an edit of ours made, by task and field */
    this.versions = new Map();
    /** @type {number | null} the task whose panel is open: it shows its conflicts itself */
    this.shownTask = null;
  }

  /**
   * @param {string} status
   * @param {string} title
   * @returns {Promise<Task | null>} null: it was not created
   */
  create(status, title) {
    return this.#reversibly(t('adding {title}', { title: quote(title) }), this.#create(status, title), (task) => this.#delete(task));
  }

  /** @param {string} status @param {string} title @returns {Promise<Task | null>} */
  #create(status, title) {
    const placeholder = makePlaceholder();
    return this.#created(placeholder, { status, title }, this.client.createTask(this.projectId, { title, status }, { placeholder }));
  }

  /**
   * @param {number} placeholder
   * @param {{status: string, title: string}} fields
   * @param {Promise<any>} answer
   * @returns {Promise<Task | null>}
   */
  async #created(placeholder, { status, title }, answer) {
    const newcomer = this.store.addNewcomer(placeholder, { status, title });
    try {
      const { task } = await answer;
      this.store.nameNewcomer(newcomer, task.id);
      return task;
    } catch (error) {
      if (isKept(error)) return null;
      this.store.dropNewcomer(newcomer);
      this.problems.report(`${t('{title} was not created.', { title: quote(title) })} ${explain(error)}`, copying(title));
      return null;
    }
  }

  /**
   * @param {number} taskId
   * @param {import("./pending.js").Place} place
   * @returns {Promise<boolean>} whether it was moved
   */
  async move(taskId, place) {
    const task = this.#taskOf(taskId);
    const from = this.#placeOf(taskId);
    if (!task || !from) return false;
    const moved = await this.#reversibly(t('moving {title}', { title: quote(task.title) }), this.#move(task, this.#findable(place, task.id)), (answer) =>
      this.#moveBack(task, from, answer),
    );
    return moved !== null;
  }

  /**
   * Changes one field of a task.
   *
   * Of two edits of one field in a row the second is made on what the first wrote, which only the first one's answer can
   * name: the client sees to that. Edits of different fields do not meet.
   *
   * @param {number} taskId
   * @param {string} field
   * @param {any} value
   * @param {number} version the task's version that the person was looking at
   * @param {string} [seen] the task's title as the person saw it: by now it may be gone from the board
   * @returns {Promise<boolean>} whether it was changed
   */
  async update(taskId, field, value, version, seen = '') {
    const task = this.#taskOf(taskId);
    const title = this.#titleOf(taskId) || seen;
    const changing = this.#change(taskId, title, field, value, version);
    if (!task) return (await changing) !== null; // deleted meanwhile: the server says so, and what was written is kept
    const made = await this.#reversibly(
      t('changing the {field} of {title}', { field: FIELD_NAMES[field], title: quote(title) }),
      changing,
      async (ours) => (await this.#change(taskId, title, field, /** @type {any} */ (task)[field], ours)) !== null,
    );
    return made !== null;
  }

  /**
   * Puts a label on a task or takes it off, and leaves alone what others do to the other labels.
   *
   * @param {number} taskId
   * @param {number} label its id
   * @param {boolean} isOn whether the task is to carry it
   * @param {string} [seen] the task's title as the person saw it
   * @returns {Promise<boolean>} whether it was done
   */
  async label(taskId, label, isOn, seen = '') {
    const title = this.#titleOf(taskId) || seen;
    const done = await this.#reversibly(
      t('changing the {field} of {title}', { field: FIELD_NAMES.labels, title: quote(title) }),
      this.#relabel(taskId, title, labelling(label, isOn)),
      async () => (await this.#relabel(taskId, title, labelling(label, !isOn))) !== null,
    );
    return done !== null;
  }

  /** @param {number} taskId @param {string} title @param {Relabelling} changes @returns {Promise<number | null>} as `#change` */
  #relabel(taskId, title, changes) {
    taskId = this.store.idOf(taskId);
    return this.#relabelled({ taskId, title, changes, answer: this.client.updateTask(taskId, changes) });
  }

  /** @param {{taskId: number, title: string, changes: Relabelling, answer: Promise<{version: number}>}} edit @returns {Promise<number | null>} */
  async #relabelled({ taskId, title, changes, answer }) {
    const expectation = this.store.expect(taskId, { relabelling: changes });
    try {
      const { version } = await answer;
      this.store.fulfil(expectation, version);
      return version;
    } catch (error) {
      if (isKept(error)) return null;
      this.store.forget(expectation);
      const again = { label: t('Try again'), act: () => void this.#relabel(taskId, title, changes) };
      this.problems.report(
        `${t('The labels of {title} were not changed.', { title: quote(this.#titleOf(taskId) || title) })} ${explain(error)}`,
        ...(isFinal(error) ? [] : [again]),
      );
      return null;
    }
  }

  /**
   * It can be taken back from the moment on in which somebody asked for it: who is quick must not take back what was before.
   *
   * @template T
   * @param {string} words
   * @param {Promise<T | null>} doing null: it was refused
   * @param {(done: T) => Promise<boolean>} takeBack
   * @returns {Promise<T | null>}
   */
  async #reversibly(words, doing, takeBack) {
    const step = this.undo.remember(words, async () => {
      const done = await doing;
      return done !== null && takeBack(done);
    });
    const done = await doing;
    if (done === null) this.undo.forget(step);
    return done;
  }

  /**
   * @param {number} taskId
   * @param {string} title
   * @param {string} field
   * @param {any} value
   * @param {number} version
   * @returns {Promise<number | null>} the version that it made; null: it was refused
   */
  #change(taskId, title, field, value, version) {
    taskId = this.store.idOf(taskId);
    const base = Math.max(version, this.versions.get(`${taskId} ${field}`) ?? 0);
    const answer = this.client.updateTask(taskId, { [field]: value }, base, { follows: true });
    return this.#changed({ taskId, title, field, value, version: base, answer });
  }

  /** @param {number} taskId deleted at once, and offered back for a while */
  async remove(taskId) {
    const task = this.#taskOf(taskId);
    if (!task) return;
    const deleting = this.#delete(task);
    const title = quote(task.title);
    const step = this.undo.remember(t('deleting {title}', { title }), async () => (await deleting) && this.restore(task));
    if (!(await deleting)) return this.undo.forget(step);
    this.toasts.say(t('Deleted {title}', { title }), { label: t('Undo'), act: () => void this.undo.run(step) });
  }

  /** @param {number} taskId of a completed task: off the board, and offered back for a while */
  async archive(taskId) {
    const task = this.#taskOf(taskId);
    if (!task) return;
    const archiving = this.#archive(task);
    const title = quote(task.title);
    const step = this.undo.remember(t('archiving {title}', { title }), async () => (await archiving) && this.restore(task));
    if (!(await archiving)) return this.undo.forget(step);
    this.toasts.say(t('{title} is in the archive', { title }), { label: t('Undo'), act: () => void this.undo.run(step) });
  }

  /** @param {Task} task @returns {Promise<boolean>} whether it is back */
  restore(task) {
    return this.#restored(task, this.client.restoreTask(task.id));
  }

  /** @param {Partial<Task> & {id: number, title: string, status: string}} task @param {Promise<any>} answer @returns {Promise<boolean>} */
  async #restored(task, answer) {
    const { id, title } = task;
    const newcomer = this.store.addNewcomer(id, task);
    try {
      await answer;
      this.store.dropNewcomer(newcomer);
      return true;
    } catch (error) {
      if (isKept(error)) return false;
      this.store.dropNewcomer(newcomer);
      this.problems.report(`${t('{title} was not restored.', { title: quote(title) })} ${explain(error)}`);
      return false;
    }
  }

  /** @param {Task} task @returns {Promise<boolean>} */
  async #archive(task) {
    try {
      await archiveTask(task.id);
      return true;
    } catch (error) {
      this.problems.report(`${t('{title} was not archived.', { title: quote(task.title) })} ${explain(error)}`);
      return false;
    }
  }

  /** @param {Task} task @returns {Promise<boolean>} */
  #delete(task) {
    return this.#deleted(task.id, task.title, this.client.deleteTask(task.id));
  }

  /** @param {number} taskId @param {string} title @param {Promise<any>} answer @returns {Promise<boolean>} */
  async #deleted(taskId, title, answer) {
    const expectation = this.store.expect(taskId);
    try {
      await answer;
      this.store.fulfil(expectation, 0); // its event takes the card away
      return true;
    } catch (/** @type {any} */ error) {
      if (isKept(error)) return false;
      this.store.forget(expectation);
      if (error.code === 'not_found') return false; // somebody else was faster
      this.problems.report(`${t('{title} was not deleted.', { title: quote(title) })} ${explain(error)}`);
      return false;
    }
  }

  /** @param {number} taskId perhaps a placeholder @returns {Task | undefined} as one sees it */
  #taskOf(taskId) {
    return this.store.painted?.tasks.get(this.store.idOf(taskId));
  }

  /** @param {number} taskId @returns {string} "" where it is not on the board */
  #titleOf(taskId) {
    return (this.store.state?.tasks.get(this.store.idOf(taskId)) ?? this.#taskOf(taskId))?.title ?? '';
  }

  /**
   * @param {number} taskId
   * @param {string} text
   * @param {string} [title] the task's
   */
  comment(taskId, text, title = this.#titleOf(taskId)) {
    taskId = this.store.idOf(taskId);
    void this.#commented({ taskId, text, title, at: Date.now(), answer: this.client.addComment(taskId, text) });
  }

  /** @param {{taskId: number, text: string, title: string, at: number, answer: Promise<any>}} comment */
  async #commented({ taskId, text, title, at, answer }) {
    const outgoing = this.store.addOutgoing(taskId, text, new Date(at).toISOString());
    try {
      const { comment_id: id, duplicate } = await answer;
      // Done over a connection whose answer was lost: its event may have come long ago.
      if (duplicate) this.store.dropOutgoing(outgoing);
      else this.store.nameOutgoing(outgoing, id);
    } catch (error) {
      if (isKept(error)) return;
      this.store.dropOutgoing(outgoing);
      const again = { label: t('Try again'), act: () => this.comment(taskId, text, title) };
      this.problems.report(
        `${t('Your comment on {title} was not sent: {text}.', { title: quote(title), text: quote(text) })} ${explain(error)}`,
        ...(isFinal(error) ? [] : [again]),
        copying(text),
      );
    }
  }

  /**
   * @param {number} taskId
   * @param {number} commentId an own one
   * @param {string} text
   * @param {string} [title]
   */
  editComment(taskId, commentId, text, title = this.#titleOf(taskId)) {
    void this.#commentChanged({ taskId, commentId, text, title, answer: this.client.updateComment(taskId, commentId, text) });
  }

  /** @param {number} taskId @param {number} commentId @param {string} [title] */
  deleteComment(taskId, commentId, title = this.#titleOf(taskId)) {
    void this.#commentChanged({ taskId, commentId, text: null, title, answer: this.client.deleteComment(taskId, commentId) });
  }

  /** @param {{taskId: number, commentId: number, text: string | null, title: string, answer: Promise<any>}} change `text` null: deleted */
  async #commentChanged({ taskId, commentId, text, title, answer }) {
    const change = this.store.addCommentChange(taskId, commentId, text);
    try {
      this.store.nameCommentChange(change, (await answer).comment ?? null);
    } catch (/** @type {any} */ error) {
      if (isKept(error)) return;
      this.store.dropCommentChange(change);
      const isGone = error.code === 'not_found';
      if (text === null && isGone) return; // somebody else was faster
      const again = {
        label: t('Try again'),
        act: () => (text === null ? this.deleteComment(taskId, commentId, title) : this.editComment(taskId, commentId, text, title)),
      };
      const values = { title: quote(title), text: quote(text ?? '') };
      const refused =
        text === null
          ? t('A comment on {title} was not deleted.', values)
          : t('A comment on {title} was not changed: {text}.', values);
      this.problems.report(
        `${refused} ${explain(error)}`,
        ...(isFinal(error) ? [] : [again]),
        ...(text === null ? [] : [copying(text)]),
      );
    }
  }

  /**
   * Shows what an earlier page asked for and has no answer so far, as if it had been asked for here.
   *
   * @param {Leftover} leftover
   */
  resume({ event, data, placeholder, note, at, firstSentAt, answer }) {
    const { task_id: taskId } = data;
    const title = note?.title ?? t('the task');
    if (event === 'task_create') {
      if (firstSentAt !== null && this.#exists(data, at)) return;
      void this.#created(placeholder ?? makePlaceholder(), data, answer);
    } else if (event === 'task_move') {
      void this.#moved(taskId, title, { status: data.status ?? note?.status, beforeId: data.before_id ?? null, orAfterId: data.or_after_id }, answer);
    } else if (event === 'task_update') {
      const [[field, value]] = Object.entries(data.changes);
      if (field.endsWith('labels')) void this.#relabelled({ taskId, title, changes: data.changes, answer });
      else void this.#changed({ taskId, title, field, value, version: data.version, answer });
    } else if (event === 'task_delete') void this.#deleted(taskId, title, answer);
    else if (event === 'task_restore') void this.#restored({ id: taskId, title, status: note?.status ?? 'todo' }, answer);
    else if (event === 'new_comment') void this.#commented({ taskId, text: data.content, title, at, answer });
    else if (event === 'comment_update' || event === 'comment_delete')
      void this.#commentChanged({ taskId, commentId: data.comment_id, text: data.content ?? null, title, answer });
  }

  /** @param {{title: string, status: string}} wanted @param {number} at @returns {boolean} whether such a task was made since */
  #exists({ title, status }, at) {
    const since = at - 60_000; // the server's clock may be behind
    return [...(this.store.state?.tasks.values() ?? [])].some(
      (task) =>
        task.title === title &&
        task.status === status &&
        task.created_by_id === this.store.userId &&
        Date.parse(task.created_at) > since,
    );
  }

  /** @param {number} taskId @returns {import("./pending.js").Place | null} where a task stands, as one sees it */
  #placeOf(taskId) {
    for (const [status, order] of this.store.painted?.columns ?? []) {
      const index = order.indexOf(taskId);
      if (index >= 0) return this.#findable({ status, beforeId: order[index + 1] ?? null }, taskId);
    }
    return null;
  }

  /**
   * Whoever drops a card means a place between two others. The one below may be gone from there when the server hears of it: so
   * the one above is named, too; a card that has no id yet can be none.
   *
   * @param {import("./pending.js").Place} place
   * @param {number} taskId of the card that goes there
   * @returns {import("./pending.js").Place}
   */
  #findable({ status, beforeId }, taskId) {
    if (beforeId === null) return { status, beforeId };
    const order = this.store.painted?.columns.get(status) ?? [];
    const above = order.slice(0, order.indexOf(beforeId)).filter((id) => id > 0 && id !== taskId);
    return { status, beforeId, orAfterId: above[above.length - 1] ?? null };
  }

  /**
   * @param {Task} task
   * @param {import("./pending.js").Place} place
   * @returns {Promise<Moved | null>} null: it was refused
   */
  #move({ id, title }, place) {
    const { status, beforeId, orAfterId } = place;
    const answer = this.client.moveTask(id, beforeId === null ? { status } : { status, beforeId, orAfterId });
    return this.#moved(id, title, place, answer);
  }

  /**
   * @param {number} taskId
   * @param {string} title
   * @param {import("./pending.js").Place} place
   * @param {Promise<any>} answering
   * @returns {Promise<Moved | null>}
   */
  async #moved(taskId, title, place, answering) {
    const expectation = this.store.expect(taskId, { patch: { status: place.status }, place });
    try {
      const answer = await answering;
      this.store.fulfil(expectation, answer.version);
      return answer;
    } catch (error) {
      if (isKept(error)) return null;
      this.store.forget(expectation);
      this.problems.report(`${t('{title} was not moved.', { title: quote(title) })} ${explain(error)}`);
      return null;
    }
  }

  /**
   * Not where somebody else has moved it since.
   *
   * @param {Task} before as it was when it was moved
   * @param {import("./pending.js").Place} place where it was
   * @param {Moved} moved what our own move made
   * @returns {Promise<boolean>}
   */
  async #moveBack({ id, title }, place, moved) {
    const task = this.store.state?.tasks.get(this.store.idOf(id));
    const stays = task?.position === moved.position && task.status === moved.status;
    if (!task || (task.version > moved.version && !stays)) {
      this.toasts.say(
        task
          ? t('{title} was moved by somebody else since.', { title: quote(task.title) })
          : t('{title} was deleted by somebody else since.', { title: quote(title) }),
      );
      return false;
    }
    const below = place.beforeId === null ? null : this.store.idOf(place.beforeId);
    const wasNever = below !== null && below < 0 && !this.store.has(below);
    return (await this.#move(task, { ...place, beforeId: wasNever ? null : below })) !== null;
  }

  /**
   * @param {{taskId: number, title: string, field: string, value: any, version: number, answer: Promise<{version: number}>}} edit
   *   `title`: as it was; where it has another one by now, that is told
   * @returns {Promise<number | null>} the version that it made, null where it was refused
   */
  async #changed({ taskId, title, field, value, version, answer }) {
    const expectation = this.store.expect(taskId, { patch: { [field]: value } });
    try {
      const made = (await answer).version;
      const key = `${this.store.idOf(taskId)} ${field}`;
      this.versions.set(key, Math.max(made, this.versions.get(key) ?? 0));
      this.store.fulfil(expectation, made);
      return made;
    } catch (error) {
      if (isKept(error)) return null;
      this.store.forget(expectation);
      this.#refused({ taskId: this.store.idOf(taskId), title: this.#titleOf(taskId) || title, field, value, version, error });
      return null;
    }
  }

  /** @param {{taskId: number, title: string, field: string, value: any, version: number, error: any}} edit */
  #refused({ taskId, title, field, value, version, error }) {
    const current = error.code === 'conflict' ? error.details?.task : null;
    const values = { field: FIELD_NAMES[field], title: quote(title) };
    // Both meant the same: there is nothing to choose.
    if (current && isSameValue(field, value, current[field])) return this.store.setConflict(taskId, field, null);
    if (!current || !this.store.state?.tasks.has(taskId)) {
      const again = { label: t('Try again'), act: () => void this.update(taskId, field, value, version, title) };
      return this.problems.report(
        `${t('The {field} of {title} was not changed.', values)} ${explain(error)}`,
        ...(isFinal(error) ? [] : [again]),
        ...(TEXTS.includes(field) ? [copying(value)] : []),
      );
    }
    const isTold = this.store.conflicts.get(taskId)?.has(field); // of two edits in a row both were refused: the last one is mine
    this.store.setConflict(taskId, field, { mine: value, version: current.version });
    if (field === 'description') this.keepDraft(taskId, field, value, version);
    if (isTold || this.shownTask === taskId) return;
    this.problems.report(
      t('Somebody else changed the {field} of {title} while you did.', values),
      { label: t('Compare'), act: () => this.openTask(taskId) },
      ...(TEXTS.includes(field) ? [copying(value)] : []),
    );
  }
}

/** Fields in which one writes: what was not taken can be copied. */
const TEXTS = ['title', 'description'];

/** @param {any} error @returns {boolean} whether the change lies on the shelf still, and goes with the next page */
function isKept(error) {
  return error.code === 'closed';
}

/** @param {any} error @returns {boolean} whether asking again would be refused again */
function isFinal(error) {
  return ['forbidden', 'not_found', 'invalid_data', 'conflict'].includes(error.code);
}
