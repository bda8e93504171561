// @ts-check
/** One field for all: finds tasks over all projects, leads to projects, and does what the page offers. Ctrl K opens it, on every page. */

import { fetchProjects, searchTasks } from '../page/api.js';
import { openDialog } from '../dialogs/dialog.js';
import { t, tn } from '../language/language.js';
import { explain, shown, STATUS_NAMES } from '../language/words.js';
import { write } from '../page/route.js';
import { base } from '../page/site.js';
import { clone, isMac, part, setAttribute, setText } from '../ui/dom.js';
import { onKey, shortcutOf } from '../ui/keys.js';
import { findHere, fromServer, hasAll, stillFits, together, wordsOf } from './entries.js';

const SETTLE = 200; // ms after the last letter
const FEW = 5; // projects, and actions, once one looks for something
const MANY = 8; // projects before that

/**
 * @typedef {import("./entries.js").FoundTask} FoundTask
 * @typedef {import("./entries.js").Piece} Piece
 * @typedef {{label: string, act: () => void, isRare?: boolean}} Action `isRare`: listed only where it is searched for
 * @typedef {{project: () => {id: number, name: string}, tasks: () => Iterable<import("../reducer.js").Task>, open: (taskId: number, commentId: number | null) => void}} Here the page's board
 * @typedef {{actions: () => Action[], here?: Here}} Offer what the page can do by now
 * @typedef {{id: string, act: () => void, content: Node[]}} Entry
 */

/** Opens the palette by its key and by the page's button. @param {Offer} offer */
export function offerPalette(offer) {
  /** @type {Palette | null} */
  let palette = null;
  const open = () => (palette = new Palette(offer, () => (palette = null)));
  for (const button of document.querySelectorAll('[data-open-search]')) {
    button.setAttribute('title', `${t('Search')} (${isMac ? '⌘K' : t('Ctrl+K')})`);
    button.addEventListener('click', open);
  }
  onKey(window, (event) => {
    if (!isOpening(event) || (!palette && document.querySelector('dialog[open]'))) return;
    event.preventDefault();
    if (palette) palette.close();
    else open();
  });
}

/** @param {KeyboardEvent} event @returns {boolean} Ctrl K deletes to the end of a line on a Mac, where ⌘ is the key of commands */
function isOpening(event) {
  const { ctrlKey, metaKey, shiftKey, altKey } = event;
  return shortcutOf(event).toLowerCase() === 'k' && (isMac ? metaKey && !ctrlKey : ctrlKey && !metaKey) && !shiftKey && !altKey;
}

class Palette {
  /** @param {Offer} offer @param {() => void} closed */
  constructor({ actions, here }, closed) {
    this.here = here;
    this.actions = actions();
    /** @type {import("../../client/wire.d.ts").ProjectDetail[]} */
    this.projects = [];
    /** @type {FoundTask[]} what the server found last */
    this.answered = [];
    /** @type {Entry[]} in their order */
    this.entries = [];
    /** @type {string | null} the entry that Enter takes */
    this.active = null;
    /** @type {AbortController | null} */
    this.asking = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {(() => void) | null} */
    this.taken = null;

    this.dialog = clone('palette');
    this.field = /** @type {HTMLInputElement} */ (part(this.dialog, 'field'));
    this.list = part(this.dialog, 'list');
    this.status = part(this.dialog, 'status');
    this.field.addEventListener('input', () => this.#typed());
    this.list.addEventListener('mousedown', (event) => event.preventDefault()); // the field keeps the focus
    this.list.addEventListener('click', ({ target }) => this.#take(target instanceof Element ? (target.closest('[role=option]')?.id ?? null) : null));
    onKey(this.dialog, (event) => this.#pressed(event));
    this.close = openDialog(this.dialog, () => {
      clearTimeout(this.timer);
      this.asking?.abort();
      closed();
      // Once the focus is back where it was: what follows may put it elsewhere.
      queueMicrotask(() => this.taken?.());
    });
    this.#paint();
    void this.#loadProjects();
  }

  /** Without a network there are none: the page's own board and actions remain. */
  async #loadProjects() {
    this.projects = await fetchProjects().catch(() => []);
    this.#paint();
  }

  get #words() {
    return wordsOf(this.field.value);
  }

  #typed() {
    this.active = null;
    clearTimeout(this.timer);
    this.asking?.abort();
    this.asking = null;
    const words = this.#words;
    this.answered = words.length ? this.answered.filter((task) => stillFits(task, words)) : [];
    this.#paint();
    this.#say(words.length ? t('Searching…') : '');
    if (words.length) this.timer = setTimeout(() => this.#ask(), SETTLE);
  }

  async #ask() {
    const asking = (this.asking = new AbortController());
    try {
      const { count, results } = await searchTasks(this.field.value.trim(), asking.signal);
      if (asking.signal.aborted) return;
      this.answered = results.map(fromServer);
      this.#paint();
      const more = t('Showing the first {shown} of {count} tasks.', { shown: results.length, count });
      this.#say(count > results.length ? more : count ? tn(count, '{count} task found', '{count} tasks found') : t('No tasks found'));
    } catch (error) {
      if (!asking.signal.aborted) this.#complain(error);
    }
  }

  /** @param {any} error of a search */
  #complain(error) {
    if (error?.code !== 'connection_lost') return this.#say(`${t('Couldn’t search.')} ${explain(error)}`);
    this.#say(this.here ? t('No connection right now. Only tasks of this board are shown.') : t('No connection right now. Tasks can’t be searched.'));
  }

  /** @param {string} text */
  #say(text) {
    setText(this.status, text);
  }

  // --- The list ---------------------------------------------------------------------------------

  #paint() {
    const words = this.#words;
    const groups = [this.#actionEntries(words), this.#projectEntries(words), this.#taskEntries(words)];
    this.entries = groups.flat();
    const labels = [t('Actions'), t('Projects'), t('Tasks')];
    const filled = groups.map((entries, index) => createGroup(labels[index], entries)).filter((group) => group !== null);
    this.list.replaceChildren(...filled);
    this.list.hidden = !filled.length;
    setAttribute(this.field, 'aria-expanded', String(filled.length > 0));
    // What comes later takes no choice away: the user may just press Enter.
    const isThere = this.entries.some(({ id }) => id === this.active);
    this.#choose(isThere ? this.active : (this.entries[0]?.id ?? null));
  }

  /** @param {string[]} words @returns {Entry[]} */
  #projectEntries(words) {
    const own = this.here?.project().id;
    const others = this.projects.filter(({ id, name }) => id !== own && hasAll(name, words));
    return others.slice(0, words.length ? FEW : MANY).map(({ id, name }) => ({
      id: `palette-project-${id}`,
      act: () => location.assign(`${base}/projects/${id}/`),
      content: [createTitle([{ text: shown(name), isMatch: false }])],
    }));
  }

  /** @param {string[]} words @returns {Entry[]} */
  #actionEntries(words) {
    const offered = words.length ? this.actions.filter(({ label }) => hasAll(label, words)).slice(0, FEW) : this.actions.filter(({ isRare }) => !isRare);
    return offered.map((action) => ({
      id: `palette-action-${this.actions.indexOf(action)}`,
      act: action.act,
      content: [createTitle([{ text: action.label, isMatch: false }])],
    }));
  }

  /** @param {string[]} words @returns {Entry[]} */
  #taskEntries(words) {
    if (!words.length) return [];
    const here = this.here ? findHere(this.here.tasks(), words, this.here.project(), MANY) : [];
    return together(this.answered, here).map((task) => ({
      id: `palette-task-${task.id}`,
      act: () => this.#open(task),
      content: contentOf(task),
    }));
  }

  /** @param {FoundTask} task */
  #open({ id, project, commentId }) {
    if (project.id === this.here?.project().id) this.here.open(id, commentId);
    else location.assign(`${base}/projects/${project.id}/${write({ taskId: id, commentId })}`);
  }

  // --- Choosing ---------------------------------------------------------------------------------

  /** @param {string | null} id */
  #choose(id) {
    this.active = id;
    for (const option of this.list.querySelectorAll('[role=option]')) {
      const isActive = option.id === id;
      setAttribute(option, 'aria-selected', String(isActive));
      if (isActive) option.scrollIntoView({ block: 'nearest' });
    }
    setAttribute(this.field, 'aria-activedescendant', id);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    if (event.target !== this.field || ctrlKey || metaKey || altKey || shiftKey) return;
    if (key === 'ArrowDown' || key === 'ArrowUp') this.#step(key === 'ArrowDown' ? 1 : -1);
    else if (key === 'Enter') this.#take(this.active);
    else return;
    event.preventDefault();
  }

  /** @param {1 | -1} by */
  #step(by) {
    const index = this.entries.findIndex(({ id }) => id === this.active);
    const next = this.entries[(index + by + this.entries.length) % this.entries.length];
    if (next) this.#choose(next.id);
  }

  /** @param {string | null} id */
  #take(id) {
    const entry = this.entries.find((one) => one.id === id);
    if (!entry) return;
    this.taken = entry.act;
    this.close();
  }
}

/** @param {string} label @param {Entry[]} entries @returns {HTMLElement | null} null: nothing is in it */
function createGroup(label, entries) {
  if (!entries.length) return null;
  const group = document.createElement('div');
  group.setAttribute('role', 'group');
  group.setAttribute('aria-label', label);
  const heading = document.createElement('div');
  heading.className = 'palette__group';
  heading.setAttribute('aria-hidden', 'true');
  heading.textContent = label;
  group.append(heading, ...entries.map(createOption));
  return group;
}

/** @param {Entry} entry @returns {HTMLElement} */
function createOption({ id, content }) {
  const option = document.createElement('div');
  option.id = id;
  option.className = 'palette__option';
  option.setAttribute('role', 'option');
  option.append(...content);
  return option;
}

/** @param {FoundTask} task @returns {Node[]} */
function contentOf({ title, project, status, isArchived, excerpt }) {
  const row = /** @type {HTMLElement} */ (clone('palette-task'));
  part(row, 'status').dataset.state = status;
  part(row, 'icon').setAttribute('href', `#icon-status-${status}`);
  part(row, 'title').append(createTitle(title));
  setText(part(row, 'project'), shown(project.name));
  setText(part(row, 'state'), isArchived ? t('Archived') : STATUS_NAMES[status]);
  part(row, 'excerpt').append(...excerpt.map(createPiece));
  part(row, 'excerpt').hidden = !excerpt.length;
  return [...row.childNodes];
}

/** @param {Piece[]} pieces @returns {HTMLElement} */
function createTitle(pieces) {
  const title = document.createElement('span');
  title.className = 'palette__title';
  title.dir = 'auto';
  title.append(...pieces.map(createPiece));
  return title;
}

/** @param {Piece} piece @returns {Node} */
function createPiece({ text, isMatch }) {
  if (!isMatch) return document.createTextNode(text);
  const mark = document.createElement('mark');
  mark.textContent = text;
  return mark;
}
