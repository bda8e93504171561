// @ts-check
/** The dialog of what was archived: found by words, brought back, and filled with all that is completed. */

import { archiveCompleted, fetchArchive } from '../page/api.js';
import { openDialog } from './dialog.js';
import { clone, find, part, setAttribute, setText } from '../ui/dom.js';
import { write } from '../page/route.js';
import { t } from '../language/language.js';
import { confirmTwice } from '../ui/confirm.js';
import { ago } from '../language/time.js';
import { explain, shown } from '../language/words.js';

const SETTLE = 250; // ms after the last letter, or the last of many events

/** @typedef {{client: import("../../client/client.js").TaskManagerWebSocket, store: import("../state/store.js").BoardStore, projectId: number}} Parts */

/** @param {Parts} parts */
export function openArchive(parts) {
  new Archive(parts).load();
}

class Archive {
  /** @param {Parts} parts */
  constructor({ client, store, projectId }) {
    this.client = client;
    this.store = store;
    this.projectId = projectId;
    this.asked = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.dialog = clone('archive-dialog');
    this.text = /** @type {HTMLInputElement} */ (find(this.dialog, '[name=archive_text]'));
    const all = part(this.dialog, 'archive-all');
    all.addEventListener('click', () => confirmTwice(all, t('Archive all completed tasks?'), () => this.#archiveAll(all)));
    this.text.addEventListener('input', () => this.#loadSoon());
    const stop = client.on('event', (_data, { event, data }) => {
      if ((event === 'task_deleted' && data.archived) || event === 'task_restored') this.#loadSoon();
    });
    const stopReloading = store.whenReplaced(() => this.load());
    const unsubscribe = store.subscribe(() => this.#paintTools());
    this.#paintTools();
    openDialog(this.dialog, () => {
      stop();
      unsubscribe();
      stopReloading();
      clearTimeout(this.timer);
    });
  }

  async load() {
    const number = ++this.asked;
    try {
      const found = await fetchArchive(this.projectId, this.text.value.trim());
      if (number === this.asked) this.#paint(found);
    } catch (error) {
      this.#complain(`${t('Couldn’t load the archive.')} ${explain(error)}`);
    }
  }

  #loadSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), SETTLE);
  }

  /** @param {import("../../client/wire.d.ts").TaskPage} found */
  #paint({ count, results }) {
    const nothing = this.text.value.trim() ? t('No archived tasks match your search') : t('No archived tasks yet');
    const more = t('Showing the latest {shown} of {count}. Search to find older ones.', { shown: results.length, count });
    setText(part(this.dialog, 'status'), count ? (count > results.length ? more : '') : nothing);
    part(this.dialog, 'list').replaceChildren(...results.map((task) => this.#row(task)));
    this.#paintTools();
  }

  /** Viewers see no button that changes anything. */
  #paintTools() {
    for (const button of this.dialog.querySelectorAll('[data-part="archive-all"], [data-part="bring-back"]')) {
      /** @type {HTMLElement} */ (button).hidden = !this.store.mayEdit;
    }
  }

  /** @param {import("../reducer.js").Task} task @returns {HTMLElement} */
  #row({ id, title, updated_at: at }) {
    const row = clone('archived');
    row.dataset.archivedId = String(id);
    setText(part(row, 'title'), shown(title));
    setAttribute(part(row, 'title'), 'href', write({ taskId: id, commentId: null }));
    setText(part(row, 'when'), t('Archived {ago}', { ago: ago(at, new Date()) }));
    const back = part(row, 'bring-back');
    back.setAttribute('aria-label', t('Restore {title}', { title: shown(title) }));
    back.addEventListener('click', () => this.#try(() => this.client.restoreTask(id), back));
    return row;
  }

  /** @param {HTMLElement} button */
  async #archiveAll(button) {
    let count = 0;
    await this.#try(async () => (count = await archiveCompleted(this.projectId)), button);
    if (!count && part(this.dialog, 'error').hidden) setText(part(this.dialog, 'status'), t('There are no completed tasks on the board.'));
  }

  /** @param {() => Promise<any>} act @param {HTMLElement} button */
  async #try(act, button) {
    this.#complain('');
    button.setAttribute('aria-busy', 'true');
    try {
      await act();
      await this.load();
    } catch (error) {
      this.#complain(explain(error));
    } finally {
      button.removeAttribute('aria-busy');
    }
  }

  /** @param {string} text */
  #complain(text) {
    part(this.dialog, 'error').hidden = !text;
    setText(part(this.dialog, 'error'), text);
  }
}
