// @ts-check
/** The panel's fields: show the task as it becomes, keep what the user is just writing, and save it. */

import { find, part, setText } from '../ui/dom.js';
import { paintConflict } from './conflict.js';
import { DueField } from './due_field.js';
import { labelsOf, paintChips } from '../ui/labels.js';
import { t } from '../language/language.js';
import { displayName } from '../people/people.js';
import { exactDue, fromLocalInput, toLocalInput } from '../language/time.js';
import { onKey } from '../ui/keys.js';
import { fits } from '../ui/lengths.js';
import { isSameValue } from '../state/values.js';
import { FIELD_NAMES, PRIORITY_NAMES, STATUS_NAMES } from '../language/words.js';
import { userKey } from '../page/site.js';

/**
 * @typedef {import("../reducer.js").Task} Task
 * @typedef {import("../state/store.js").BoardStore} BoardStore
 * @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement | HTMLButtonElement} Control
 * @typedef {{name: string, control: Control, holder: HTMLElement, draftSince: number | null, seen: string | null, isMerging: boolean}} Field
 *   `draftSince`: the task's version when the user began to write here; null: what it shows is the task's; `seen`: the task's value then, where
 *   that is known; `isMerging`: a text is made of two that are in conflict
 */

const NAMES = ['title', 'status', 'assignee_id', 'priority', 'due_at', 'description'];
/** Fields in which one writes at length: Escape takes back what was written, and a reload keeps it. */
const TEXTS = ['title', 'description'];

export class TaskFields {
  /**
   * @param {HTMLElement} panel
   * @param {{
   *   taskId: number, store: BoardStore, drafts: import("../state/drafts.js").Drafts,
   *   save: (field: string, value: any, version: number, title: string) => void, say: (text: string, ...actions: import("../ui/toasts.js").Action[]) => void,
   *   label: (label: number, isOn: boolean, title: string) => void,
   *   chooseLabels: (button: Control, choose: (label: number, isOn: boolean) => void) => void,
   *   sendTyping: (field: import("../people/company.js").Field, isTyping: boolean) => void,
   * }} parts `save` and `label` get the task's version and title as the person saw them; `chooseLabels` opens the menu of labels
   */
  constructor(panel, { taskId, store, drafts, save, say, label, chooseLabels, sendTyping }) {
    this.taskId = taskId;
    this.store = store;
    this.drafts = drafts;
    this.save = save;
    this.say = say;
    this.sendTyping = sendTyping;
    /** @type {Task | null} as it was last painted: what the person is looking at */
    this.task = null;
    /** @type {Field[]} */
    this.fields = NAMES.map((name) => {
      const holder = find(panel, `[data-field="${name}"]`);
      return { name, control: find(holder, `[name="${name}"]`), holder, draftSince: null, seen: null, isMerging: false };
    });
    for (const field of this.fields) this.#listen(field);
    const due = this.#field('due_at');
    this.due = new DueField(due.holder, /** @type {HTMLInputElement} */ (due.control), { say, cancelled: () => this.#restore(due) });
    this.labels = find(panel, '[data-field="labels"]');
    this.labelsButton = /** @type {HTMLButtonElement} */ (find(this.labels, '[name="labels"]'));
    this.labelsButton.addEventListener('click', () =>
      chooseLabels(this.labelsButton, (id, isOn) => label(id, isOn, this.task?.title ?? '')),
    );
    for (const name of TEXTS) this.#takeUpDraft(this.#field(name));
  }

  /** @param {Task} task @param {import("../state/store.js").View} view */
  paint(task, { members, project }) {
    this.task = task;
    this.#paintAssignees(members, task.assignee_id);
    const labels = labelsOf(task, project);
    paintChips(part(this.labels, 'labels'), labels);
    part(this.labels, 'no-labels').hidden = labels.length > 0;
    write(this.labelsButton, String(labels.map(({ id }) => id)));
    setEditable(this.labelsButton, this.store.mayChange(this.taskId));
    const conflicts = this.store.conflicts.get(this.taskId);
    for (const field of this.fields) {
      setEditable(field.control, this.store.mayChange(this.taskId));
      if (field.draftSince === null) write(field.control, toControl(field.name, task));
      const conflict = conflicts?.get(field.name) ?? null;
      if (!conflict) field.isMerging = false;
      if (field.draftSince === task.version) field.seen ??= toControl(field.name, task);
      this.#paintWarning(field, task);
      paintConflict(field.holder, field.name, conflict && this.#both(field, conflict.mine, task), (choice) => this.#choose(field, choice));
    }
    this.due.paint(this.store.mayChange(this.taskId));
  }

  /** Saves whatever is still being written; called before the panel goes. */
  flush() {
    if (!this.due.leave()) this.say(t('The due date was not complete, and stays as it was.'));
    for (const field of this.fields) if (field.name !== 'due_at') this.#save(field);
  }

  /** @param {string} name @returns {Field} */
  #field(name) {
    return /** @type {Field} */ (this.fields.find((field) => field.name === name));
  }

  /** A text that was being written when the page ended: it is saved like one that was written just now. @param {Field} field */
  #takeUpDraft(field) {
    const draft = this.drafts.get(this.taskId, field.name);
    if (!draft || !this.store.mayChange(this.taskId)) return;
    field.control.value = draft.text;
    this.#write(field, draft.version ?? 0);
  }

  /** @param {Field} field */
  #listen(field) {
    const { control, name } = field;
    if (name === 'title' || name === 'description') {
      control.addEventListener('input', () => this.sendTyping(name, true));
      control.addEventListener('blur', () => this.sendTyping(name, false));
    }
    control.addEventListener('input', () => {
      if (field.isMerging) return this.#merge(field);
      this.#write(field, field.draftSince ?? this.task?.version ?? 0);
      if (TEXTS.includes(name)) this.drafts.set(this.taskId, name, { text: control.value, version: field.draftSince ?? 0 });
    });
    for (const left of ['change', 'blur']) {
      // A window that is left for another one leaves no field.
      control.addEventListener(left, () => (TEXTS.includes(name) && document.activeElement === control) || this.#save(field));
    }
    // Over the field: the list of mentions takes its keys before.
    if (TEXTS.includes(name)) onKey(field.holder, (event) => this.#pressed(field, event));
  }

  /** @param {Field} field @param {KeyboardEvent} event */
  #pressed(field, event) {
    if (event.target !== field.control) return; // a button of a conflict
    if (event.key === 'Escape' && field.isMerging) this.#stopMerging(field);
    else if (event.key === 'Escape' && this.#isChanged(field)) this.#takeBack(field);
    else if (event.key === 'Enter' && field.name === 'title' && field.isMerging) this.#choose(field, 'mine');
    else if (event.key !== 'Enter' || field.name !== 'title') return; // a title is one line
    event.preventDefault();
    event.stopPropagation();
    /** @type {HTMLElement | null} */ (field.control.closest('[data-task-panel]'))?.focus(); // leaving the field saves it
  }

  /** @param {Field} field @returns {boolean} whether it says something else than the task */
  #isChanged({ name, control, draftSince }) {
    return draftSince !== null && this.task !== null && control.value !== toControl(name, this.task);
  }

  /** Escape in a text: it is as it was, and what was written can be had again. @param {Field} field */
  #takeBack(field) {
    const { control, draftSince, name } = field;
    const text = control.value;
    this.#restore(field);
    this.say(t('Your change to the {field} was discarded.', { field: FIELD_NAMES[name] }), {
      label: t('Keep editing'),
      act: () => {
        if (!control.isConnected) return this.drafts.set(this.taskId, name, { text, version: draftSince ?? 0 });
        control.value = text;
        control.focus();
        this.#write(field, draftSince);
        this.drafts.set(this.taskId, name, { text, version: draftSince ?? 0 });
      },
    });
  }

  /** @param {Field} field @param {number | null} since the version that is being changed here; null: what the field shows is the task's */
  #write(field, since) {
    if (since === null) field.seen = null;
    else if (field.draftSince === null) field.seen = this.task && toControl(field.name, this.task);
    field.draftSince = since;
    this.#paintWarning(field, this.task);
    field.holder.toggleAttribute('data-draft', since !== null);
  }

  /** Shows the task's value again. @param {Field} field */
  #restore(field) {
    this.#write(field, null);
    this.drafts.delete(this.taskId, field.name);
    if (this.task) write(field.control, toControl(field.name, this.task));
  }

  /** @param {Field} field */
  #save(field) {
    if (field.draftSince === null || field.isMerging || !this.task) return;
    const version = field.draftSince;
    const value = fromControl(field.name, field.control.value);
    const shown = this.task[/** @type {keyof Task} */ (field.name)];
    if (field.name === 'title' && !value) this.#restore(field);
    if (TEXTS.includes(field.name) && !this.#maySave(field, value)) return;
    this.#write(field, null);
    this.drafts.delete(this.taskId, field.name);
    if (isSameValue(field.name, value, shown)) return write(field.control, toControl(field.name, this.task));
    this.store.setConflict(this.taskId, field.name, null);
    this.save(field.name, value, version, this.task.title);
  }

  /** Another user's change is shown before ours is saved: then the user has to choose. @param {Field} field @param {Task | null} task */
  #paintWarning(field, task) {
    if (!TEXTS.includes(field.name)) return;
    const warning = part(field.holder, 'warning');
    const theirs = task ? toControl(field.name, task) : '';
    const isChanged = task !== null && field.draftSince !== null && !field.isMerging && field.seen !== null && ![field.seen, field.control.value].includes(theirs);
    warning.hidden = !isChanged;
    if (!isChanged) return setText(warning, '');
    const by = this.store.authorOf(this.taskId, field.name);
    setText(
      warning,
      by && by.id !== this.store.userId
        ? t('{name} has changed this while you write. You will see both versions before yours is saved.', { name: displayName(by) })
        : t('This has been changed while you write. You will see both versions before yours is saved.'),
    );
  }

  /** Both versions stay in sight while one writes; leaving the field saves nothing. @param {Field} field @param {any} mine */
  #beginMerging(field, mine) {
    field.isMerging = true;
    this.drafts.delete(this.taskId, field.name);
    this.#write(field, this.task?.version ?? 0);
    field.control.value = mine;
    this.store.paint();
    field.control.focus();
  }

  /** What has been written is our version now. @param {Field} field */
  #merge(field) {
    const conflict = this.store.conflicts.get(this.taskId)?.get(field.name);
    if (conflict) this.store.setConflict(this.taskId, field.name, { ...conflict, mine: field.control.value });
  }

  /** The choice is still to be made. @param {Field} field */
  #stopMerging(field) {
    field.isMerging = false;
    this.#restore(field);
    this.store.paint();
  }

  /** @param {Field} field @param {import("./conflict.js").Choice} choice */
  #choose(field, choice) {
    const conflict = this.store.conflicts.get(this.taskId)?.get(field.name);
    if (!conflict) return;
    if (choice === 'merge') return this.#beginMerging(field, conflict.mine);
    const mine = field.isMerging ? fromControl(field.name, field.control.value) : conflict.mine;
    if (choice === 'mine' && field.isMerging && !this.#maySave(field, mine)) return;
    field.isMerging = false;
    this.store.setConflict(this.taskId, field.name, null);
    this.#restore(field);
    // What stands there now has been seen beside ours: the newest version is the one that was looked at.
    const { version = 0, title = '' } = this.task ?? {};
    if (choice === 'mine') this.save(field.name, mine, Math.max(conflict.version, version), title);
    field.control.focus();
  }

  /** @param {Field} field in which one writes @param {string} value @returns {boolean} else it says why not */
  #maySave(field, value) {
    if (field.name === 'title' && !value.trim()) this.say(t('Enter a title.'));
    else if (!fits(/** @type {import("../ui/lengths.js").TextField} */ (field.control)))
      this.say(t('The {field} is too long and was not saved. Your text is kept here.', { field: FIELD_NAMES[field.name] }));
    else return true;
    return false;
  }

  /** @param {Field} field @param {any} mine @param {Task} task @returns {import("./conflict.js").Values} */
  #both({ name, isMerging }, mine, task) {
    const by = this.store.authorOf(this.taskId, name);
    const other = by && by.id !== this.store.userId ? displayName(by) : null;
    const values = { field: FIELD_NAMES[name], name: other ?? '' };
    const isText = TEXTS.includes(name);
    return {
      mine: this.#inWords(name, mine),
      theirs: this.#inWords(name, task[/** @type {keyof Task} */ (name)]),
      mayKeep: this.store.mayChange(this.taskId),
      title: other ? t('You and {name} changed the {field} at the same time.', values) : t('You and someone else changed the {field} at the same time.', values),
      owner: other ? t('Version of {name}', values) : undefined,
      isText,
      mayMerge: isText,
      isMerging,
    };
  }

  /** @param {string} name @param {any} value @returns {string} */
  #inWords(name, value) {
    if (name === 'status') return STATUS_NAMES[/** @type {import("../language/words.js").Status} */ (value)];
    if (name === 'priority') return PRIORITY_NAMES[value];
    if (name === 'due_at') return value ? exactDue(value) : t('No due date');
    if (name !== 'assignee_id') return value;
    const user = this.store.member(value);
    return user ? displayName(user) : value === null ? t('Unassigned') : t('Former member');
  }

  /** @param {import("../state/store.js").View["members"]} members @param {number | null} assigneeId */
  #paintAssignees(members, assigneeId) {
    const select = /** @type {HTMLSelectElement} */ (this.#field('assignee_id').control);
    const people = [...members].map(({ user }) => user).sort((a, b) => displayName(a).localeCompare(displayName(b)));
    const choices = [
      { value: '', text: t('Unassigned') },
      ...people.map((user) => ({ value: String(user.id), text: displayName(user) })),
    ];
    if (assigneeId !== null && !people.some(({ id }) => id === assigneeId))
      choices.push({ value: String(assigneeId), text: t('Former member') });
    const { value } = select;
    choices.forEach(({ value, text }, index) => {
      const option = select.options[index] ?? select.appendChild(document.createElement('option'));
      if (option.value !== value || !option.hasAttribute('value')) option.value = value;
      setText(option, text);
    });
    select.length = choices.length;
    if (select.value !== value) select.value = value;
  }
}

/** @param {Control} control @param {boolean} editable */
function setEditable(control, editable) {
  if (control instanceof HTMLSelectElement || control instanceof HTMLButtonElement) control.disabled = !editable;
  else control.readOnly = !editable;
}

/**
 * Writes only what differs, and keeps the caret where it stood.
 *
 * @param {Control} control
 * @param {string} value
 */
function write(control, value) {
  if (control.value === value) return;
  const isText = control instanceof HTMLTextAreaElement && control === document.activeElement;
  const caret = isText ? /** @type {[number, number]} */ ([control.selectionStart, control.selectionEnd]) : null;
  control.value = value;
  if (caret) /** @type {HTMLTextAreaElement} */ (control).setSelectionRange(...caret);
}

/** @param {string} name @param {Task} task @returns {string} */
function toControl(name, task) {
  if (name === 'due_at') return toLocalInput(task.due_at);
  return String(task[/** @type {keyof Task} */ (name)] ?? '');
}

/** @param {string} name @param {string} value @returns {any} */
function fromControl(name, value) {
  if (name === 'assignee_id') return value ? userKey(value) : null;
  if (name === 'due_at') return fromLocalInput(value);
  return name === 'title' ? value.replace(/\s+/g, ' ').trim() : value;
}
