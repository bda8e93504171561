// @ts-check
/** What was deleted in the project a while ago: restored, or deleted for good. */

import { fetchDeleted, purgeComment, purgeLabel, restoreComment, restoreLabel, restoreMember } from '../page/api.js';
import { confirmTwice } from '../ui/confirm.js';
import { clone, part, setText } from '../ui/dom.js';
import { t } from '../language/language.js';
import { ago, exact } from '../language/time.js';
import { displayName } from '../people/people.js';
import { explain, quote } from '../language/words.js';

/** @typedef {import("../../client/wire.d.ts").Deleted} Deleted */

export class Deletions {
  /**
   * @param {HTMLElement} dialog
   * @param {{
   *   projectId: number, restoreTask: (taskId: number) => Promise<any>,
   *   attempt: (act: () => Promise<any>, control: Element | null) => Promise<boolean>,
   * }} parts `attempt` does something and says why where it failed
   */
  constructor(dialog, { projectId, restoreTask, attempt }) {
    this.list = part(dialog, 'deleted');
    this.status = part(dialog, 'deleted-status');
    this.projectId = projectId;
    this.restoreTask = restoreTask;
    this.attempt = attempt;
    this.asked = 0;
  }

  async load() {
    const number = ++this.asked;
    try {
      const found = await fetchDeleted(this.projectId);
      if (number !== this.asked) return;
      setText(this.status, found.length ? '' : t('Nothing was deleted recently.'));
      this.list.replaceChildren(...found.map((one) => this.#row(one)));
    } catch (error) {
      setText(this.status, `${t('Couldn’t load what was deleted.')} ${explain(error)}`);
    }
  }

  /** @param {Deleted} deleted @returns {HTMLElement} */
  #row(deleted) {
    const row = clone('deleted');
    row.dataset.deleted = `${deleted.kind}-${deleted.id}`;
    const what = describe(deleted);
    setText(part(row, 'what'), what);
    const state = part(row, 'state');
    const when = { ago: ago(deleted.deleted_at, new Date()), person: deleted.by ? displayName(deleted.by) : '' };
    setText(state, deleted.by ? t('Deleted {ago} by {person}', when) : t('Deleted {ago}', when));
    state.title = exact(deleted.deleted_at);
    const [restore, purge] = [part(row, 'restore'), part(row, 'purge')];
    restore.setAttribute('aria-label', t('Restore {title}', { title: what }));
    restore.addEventListener('click', () => this.#try(() => this.#restore(deleted), restore));
    const forGood = this.#purge(deleted);
    purge.hidden = !forGood;
    purge.addEventListener('click', () => confirmTwice(purge, t('Delete for good?'), () => forGood && this.#try(forGood, purge)));
    return row;
  }

  /** @param {Deleted} deleted @returns {Promise<any>} */
  #restore({ kind, id }) {
    if (kind === 'comment') return restoreComment(id);
    if (kind === 'label') return restoreLabel(this.projectId, id);
    return kind === 'member' ? restoreMember(this.projectId, id) : this.restoreTask(id);
  }

  /** @param {Deleted} deleted @returns {(() => Promise<any>) | null} */
  #purge({ kind, id }) {
    if (kind === 'comment') return () => purgeComment(id);
    return kind === 'label' ? () => purgeLabel(this.projectId, id) : null;
  }

  /** @param {() => Promise<any>} act @param {HTMLElement} control */
  async #try(act, control) {
    if (await this.attempt(act, control)) await this.load();
  }
}

/** @param {Deleted} deleted @returns {string} */
function describe({ kind, title = '', content = '', name = '', user }) {
  if (kind === 'comment') return t('Comment on {title}: {text}', { title: quote(title), text: quote(content) });
  if (kind === 'label') return t('Label {label}', { label: quote(name) });
  return user ? t('Member {person}', { person: displayName(user) }) : t('Task {title}', { title: quote(title) });
}
