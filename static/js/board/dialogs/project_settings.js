// @ts-check
/** The settings of the project: its members, links, name, what was deleted in it, and its end. They have an address. */

import * as api from '../page/api.js';
import { closeOnBackdrop } from './dialog.js';
import { clone, find, part, setAttribute, setText } from '../ui/dom.js';
import { Deletions } from './deletions.js';
import { hideUndo, offerUndo } from './undo_line.js';
import { Invitations } from '../people/invitations.js';
import { t } from '../language/language.js';
import { createAvatar, displayName } from '../people/people.js';
import { confirmTwice } from '../ui/confirm.js';
import { explain, ROLE_NAMES } from '../language/words.js';
import { userKey } from '../page/site.js';

/** @typedef {import("../reducer.js").Member} Member */

/** @type {Record<string, string>} */
const EXPLANATIONS = {
  owner: t('Owners manage the project and its members. Members can edit everything on the board. Viewers can only view it.'),
  member: t('You can edit everything on this board. Owners manage its members.'),
  viewer: t('You can view this board but not change it. Owners manage its members.'),
};

const LEFT = t('You left the project.');
const LEAVING = t('If you leave, your tasks stay on the board and become unassigned.');
const LAST_OWNER = t('You’re the only owner. To leave, transfer ownership first, or delete the project for everyone.');
const ALONE = t('You’re the only member. To leave, add someone and transfer ownership, or delete the project.');

export class ProjectSettings {
  /**
   * @param {{
   *   buttons: Record<string, HTMLElement>, store: import("../state/store.js").BoardStore, projectId: number,
   *   presenceOf: (userId: number) => string, gone: (message: string, deleted?: boolean) => void,
   *   restoreTask: (taskId: number) => Promise<any>, openArchive: () => void,
   * }} parts `buttons` open the sections; `presenceOf` says in words how present a user is; `gone` is called when we left the project, or deleted it
   */
  constructor({ buttons, store, projectId, presenceOf, gone, restoreTask, openArchive }) {
    this.store = store;
    this.presenceOf = presenceOf;
    this.projectId = projectId;
    this.gone = gone;
    this.dialog = /** @type {HTMLDialogElement} */ (clone('members'));
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    /** @type {Pick<import('../state/store.js').View, 'project' | 'members'> | null} */
    this.painted = null;
    /** @type {string | null} what to say when the end comes that we asked for, by whichever way it arrives first */
    this.farewell = null;
    /** Whether the end that we asked for was the project's. */
    this.deleted = false;
    this.isActing = false;
    this.invitations = new Invitations(part(this.dialog, 'invitations'), {
      projectId,
      attempt: (act, control) => this.#try(act, control, { reload: false }),
    });
    this.deletions = new Deletions(this.dialog, {
      projectId,
      restoreTask,
      attempt: (act, control) => this.#try(act, control, { reload: false }),
    });
    part(this.dialog, 'archive').addEventListener('click', openArchive);
    document.body.append(this.dialog);
    for (const [section, button] of Object.entries(buttons)) button.addEventListener('click', () => this.open(section));
    this.#listen();
  }

  /** One step of the history, as for a task. @param {string} section */
  open(section) {
    history.pushState({ settings: true }, '', `#settings/${section}`);
    this.#show(section);
  }

  /** Opens where the address says so, and closes where it says so no more. */
  followAddress() {
    const section = /^#settings(?:\/(\w+))?$/.exec(location.hash);
    if (section) this.#show(section[1] ?? 'members');
    else if (this.dialog.open) this.dialog.close();
  }

  /** @param {string} section */
  #show(section) {
    this.#say(null);
    hideUndo(this.dialog);
    this.paintPresence();
    if (!this.dialog.open) this.dialog.showModal();
    this.#loadLinks();
    this.#loadDeleted();
    this.#reveal(section);
  }

  /** @param {string} section */
  #reveal(section) {
    for (const link of part(this.dialog, 'nav').querySelectorAll('a')) {
      const isCurrent = link.hash === `#settings/${section}`;
      setAttribute(link, 'aria-current', isCurrent ? 'true' : null);
      if (isCurrent) link.scrollIntoView({ block: 'nearest', inline: 'nearest' }); // on phones the row of links scrolls
    }
    const shown = this.dialog.querySelector(`[data-section="${CSS.escape(section)}"]`);
    shown?.scrollIntoView({ block: 'start' });
  }

  #closed() {
    this.invitations.forget();
    if (!location.hash.startsWith('#settings')) return;
    if (history.state?.settings) history.back();
    else history.replaceState(null, '', location.pathname + location.search);
  }

  /** @param {import("../state/store.js").View} view */
  paint({ project, members }) {
    if (this.painted?.project === project && this.painted.members === members) return;
    this.painted = { project, members };
    const isOwner = this.store.role === 'owner';
    part(this.dialog, 'add').hidden = !isOwner;
    part(this.dialog, 'owner-section').hidden = !isOwner;
    part(this.dialog, 'delete-project').hidden = !isOwner;
    part(this.dialog, 'invitations').hidden = !isOwner;
    part(this.dialog, 'deleted-section').hidden = !this.store.mayEdit;
    for (const link of this.dialog.querySelectorAll('[data-owners]')) /** @type {HTMLElement} */ (link).hidden = !isOwner;
    for (const link of this.dialog.querySelectorAll('[data-editors]')) /** @type {HTMLElement} */ (link).hidden = !this.store.mayEdit;
    if (!isOwner) part(this.dialog, 'delete-form').hidden = true;
    if (!this.isActing) this.#loadLinks(); // a new member may have come by a link, a member that left ended them
    this.#paintLeaving(members, isOwner);
    setText(part(this.dialog, 'explain'), EXPLANATIONS[this.store.role]);
    const rename = /** @type {HTMLInputElement} */ (find(this.dialog, '[name=project_name]'));
    if (document.activeElement !== rename) rename.value = project.name;
    this.#paintList(members, isOwner);
    this.paintPresence();
  }

  /**
   * The last owner cannot just leave: what they can do instead is said, and offered.
   *
   * @param {readonly Member[]} members @param {boolean} isOwner
   */
  #paintLeaving(members, isOwner) {
    const others = members.filter(({ user }) => user.id !== this.store.userId);
    const heirs = others.filter(({ role }) => role !== 'owner');
    const isLast = isOwner && others.length === heirs.length;
    part(this.dialog, 'hand-over-section').hidden = !isOwner || !heirs.length;
    part(this.dialog, 'leave-project').hidden = isLast;
    setText(part(this.dialog, 'leave-explain'), isLast ? (heirs.length ? LAST_OWNER : ALONE) : LEAVING);
    const select = /** @type {HTMLSelectElement} */ (find(this.dialog, '[name=heir]'));
    const chosen = select.value;
    select.replaceChildren(...heirs.map(({ user }) => new Option(displayName(user), String(user.id))));
    if (heirs.some(({ user }) => String(user.id) === chosen)) select.value = chosen;
  }

  /** Says in each row how present its person is. */
  paintPresence() {
    for (const [id, row] of this.rows) {
      const words = this.presenceOf(id);
      setText(part(row, 'presence'), words && ` · ${words}`);
    }
  }

  /** @param {readonly Member[]} members @param {boolean} isOwner */
  #paintList(members, isOwner) {
    const list = part(this.dialog, 'list');
    for (const [id, row] of this.rows) {
      if (members.some(({ user }) => user.id === id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    for (const { user, role } of members) {
      const row = this.rows.get(user.id) ?? this.#createRow(user, list);
      setText(part(row, 'name'), user.id === this.store.userId ? t('{name} (you)', { name: displayName(user) }) : displayName(user));
      setText(part(row, 'username'), user.username);
      setText(part(row, 'role-name'), ROLE_NAMES[role]);
      part(row, 'role-name').hidden = isOwner;
      const select = /** @type {HTMLSelectElement} */ (part(row, 'role'));
      select.hidden = !isOwner;
      select.value = role;
      const remove = /** @type {HTMLButtonElement} */ (part(row, 'remove'));
      remove.hidden = !isOwner;
      remove.disabled = user.id === this.store.userId; // one leaves by another button
      remove.classList.toggle('member__remove--none', remove.disabled);
    }
  }

  /** @param {import("../reducer.js").User} user @param {HTMLElement} list @returns {HTMLElement} */
  #createRow(user, list) {
    const row = clone('member');
    row.dataset.memberId = String(user.id);
    part(row, 'avatar').replaceWith(createAvatar(user, { large: true }));
    const select = /** @type {HTMLSelectElement} */ (part(row, 'role'));
    select.setAttribute('aria-label', t('Role of {person}', { person: displayName(user) }));
    select.addEventListener('change', () =>
      this.#try(() => api.changeMember(this.projectId, user.id, select.value), select),
    );
    const remove = part(row, 'remove');
    remove.setAttribute('aria-label', t('Remove {person}', { person: displayName(user) }));
    remove.title = t('Remove {person}', { person: displayName(user) });
    remove.addEventListener('click', () =>
      confirmTwice(remove, t('Remove {person}?', { person: displayName(user) }), () =>
        this.#remove(user, remove),
      ),
    );
    this.rows.set(user.id, row);
    list.append(row);
    return row;
  }

  /** @param {import("../reducer.js").User} user @param {HTMLElement} control */
  async #remove(user, control) {
    if (!(await this.#try(() => api.removeMember(this.projectId, user.id), control))) return;
    const restore = (/** @type {HTMLElement} */ button) => this.#try(() => api.restoreMember(this.projectId, user.id), button);
    offerUndo(this.dialog, t('{person} was removed.', { person: displayName(user) }), restore);
    this.#loadDeleted();
  }

  /** A project that has tasks is deleted only once its name was typed. @param {HTMLElement} button */
  #askToDelete(button) {
    if (!this.store.state?.tasks.size) return confirmTwice(button, t('Delete project for everyone?'), () => this.#delete(button));
    const form = part(this.dialog, 'delete-form');
    form.hidden = false;
    const words = { project: this.store.state.project.name };
    setText(part(form, 'delete-question'), t('This deletes the project for everyone. Owners can restore it for a while. To continue, type its name: {project}', words));
    form.scrollIntoView({ block: 'nearest' });
    find(form, '[name=delete_name]').focus();
  }

  /** @param {HTMLElement} control */
  #delete(control) {
    return this.#end(t('The project was deleted.'), () => api.deleteProject(this.projectId), control, true);
  }

  #listen() {
    part(this.dialog, 'close').addEventListener('click', () => this.dialog.close());
    this.dialog.addEventListener('close', () => this.#closed());
    addEventListener('popstate', () => this.followAddress());
    part(this.dialog, 'nav').addEventListener('click', (event) => {
      const link = event.target instanceof Element && event.target.closest('a');
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.replaceState(history.state, '', link.hash);
      this.#reveal(link.hash.slice('#settings/'.length));
    });
    closeOnBackdrop(this.dialog);
    const add = /** @type {HTMLFormElement} */ (part(this.dialog, 'add'));
    const username = /** @type {HTMLInputElement} */ (find(add, '[name=username]'));
    const role = /** @type {HTMLSelectElement} */ (find(add, '[name=role]'));
    add.addEventListener('submit', async (event) => {
      event.preventDefault();
      const member = { username: username.value.trim(), role: role.value };
      setText(part(this.dialog, 'asked'), '');
      const act = async () => {
        const answer = await api.addMember(this.projectId, member);
        if ('requested' in answer) setText(part(this.dialog, 'asked'), t('Request sent. {name} has to accept it first.', { name: member.username }));
      };
      if (await this.#try(act, add.querySelector('button'))) add.reset();
      username.focus();
    });
    const rename = /** @type {HTMLFormElement} */ (part(this.dialog, 'rename'));
    const name = /** @type {HTMLInputElement} */ (find(rename, '[name=project_name]'));
    rename.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#try(() => api.renameProject(this.projectId, name.value.trim()), rename.querySelector('button'));
    });
    const remove = part(this.dialog, 'delete-project');
    remove.addEventListener('click', () => this.#askToDelete(remove));
    const deleting = /** @type {HTMLFormElement} */ (part(this.dialog, 'delete-form'));
    const written = /** @type {HTMLInputElement} */ (find(deleting, '[name=delete_name]'));
    part(deleting, 'delete-cancel').addEventListener('click', () => {
      deleting.reset();
      deleting.hidden = true;
      remove.focus();
    });
    deleting.addEventListener('submit', (event) => {
      event.preventDefault();
      const project = this.store.state?.project.name ?? '';
      if (isSameName(written.value, project)) return void this.#delete(find(deleting, '[type=submit]'));
      this.#say(t('This is not the project’s name.'));
      written.focus();
    });
    const handOver = /** @type {HTMLFormElement} */ (part(this.dialog, 'hand-over'));
    const handing = find(handOver, '[type=submit]');
    handOver.addEventListener('submit', (event) => {
      event.preventDefault();
      confirmTwice(handing, t('Transfer ownership?'), () => this.#handOver(handOver, handing));
    });
    const leave = part(this.dialog, 'leave-project');
    leave.addEventListener('click', () =>
      confirmTwice(leave, t('Leave project?'), () => this.#end(LEFT, () => api.leaveProject(this.projectId), leave)),
    );
    const block = /** @type {HTMLElement | null} */ (this.dialog.querySelector('[data-part=leave-and-block]'));
    block?.addEventListener('click', () =>
      confirmTwice(block, t('Leave project and block {name}?', { name: block.dataset.adder ?? '' }), () =>
        this.#end(LEFT, () => api.leaveProject(this.projectId, { block: true }), block),
      ),
    );
  }

  /** @param {HTMLFormElement} form @param {HTMLElement} button */
  #handOver(form, button) {
    const value = (/** @type {string} */ name) => /** @type {HTMLSelectElement} */ (find(form, `[name=${name}]`)).value;
    const wish = { user_id: userKey(value('heir')), then: value('then') };
    const act = () => api.handOver(this.projectId, wish);
    if (wish.then === 'leave') return this.#end(LEFT, act, button);
    return this.#try(act, button, { reload: wish.then === 'stay' });
  }

  /** @param {string} farewell @param {() => Promise<any>} act @param {HTMLElement} control @param {boolean} [deleted] */
  async #end(farewell, act, control, deleted = false) {
    this.farewell = farewell; // the socket may report it before the answer comes
    this.deleted = deleted;
    if (await this.#try(act, control)) this.gone(farewell, deleted);
    else this.farewell = null;
  }

  /**
   * @param {() => Promise<any>} act
   * @param {Element | null} control busy meanwhile
   * @param {{reload: boolean}} [links] whether the links may be others then, and are still ours to see
   * @returns {Promise<boolean>} whether it worked; if not, the dialog says why
   */
  async #try(act, control, { reload } = { reload: true }) {
    if (control instanceof HTMLButtonElement && control.hasAttribute('aria-busy')) return false; // pressed again
    this.#say(null);
    this.isActing = true; // what happens by it is not looked up before it is done: we may be no owner any more
    control?.setAttribute('aria-busy', 'true');
    try {
      await act();
      if (reload) this.#loadLinks();
      return true;
    } catch (error) {
      this.#say(explain(error));
      this.painted = null;
      this.store.paint(); // a refused choice goes back
      return false;
    } finally {
      this.isActing = false;
      control?.removeAttribute('aria-busy');
    }
  }

  #loadLinks() {
    if (this.store.role === 'owner' && this.dialog.open && this.farewell === null) this.invitations.load();
  }

  #loadDeleted() {
    if (this.store.mayEdit && this.dialog.open && this.farewell === null) this.deletions.load();
  }

  /** @param {string | null} text */
  #say(text) {
    const place = part(this.dialog, 'error');
    place.hidden = !text;
    setText(place, text ?? '');
    if (text) place.scrollIntoView({ block: 'nearest' });
  }
}

/** @param {string} written @param {string} name @returns {boolean} */
function isSameName(written, name) {
  const form = (/** @type {string} */ text) => text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
  return form(written) === form(name);
}
