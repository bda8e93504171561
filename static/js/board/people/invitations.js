// @ts-check
/** The links by which people join a project: made, copied once, listed and revoked by its owners. */

import { fetchInvitations, makeInvitation, revokeInvitation } from '../page/api.js';
import { confirmTwice } from '../ui/confirm.js';
import { clone, find, part, setText } from '../ui/dom.js';
import { t, tn } from '../language/language.js';
import { displayName } from './people.js';
import { exact } from '../language/time.js';
import { explain, ROLE_NAMES } from '../language/words.js';

const HOUR = 3_600_000; // ms

/** @typedef {import("../../client/wire.d.ts").InvitationObject} Invitation */

export class Invitations {
  /**
   * @param {HTMLElement} section
   * @param {{projectId: number, attempt: (act: () => Promise<any>, control: Element | null) => Promise<boolean>}} parts
   *   `attempt` does something and says why where it failed
   */
  constructor(section, { projectId, attempt }) {
    this.section = section;
    this.projectId = projectId;
    this.attempt = attempt;
    /** @type {number | null} the link whose address is shown */
    this.shown = null;
    /** How often the list was asked for. */
    this.loads = 0;
    this.url = /** @type {HTMLInputElement} */ (find(section, '[name=invitation_url]'));
    const form = /** @type {HTMLFormElement} */ (part(section, 'invite'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#make(form);
    });
    this.url.addEventListener('focus', () => this.url.select());
    part(section, 'copy').addEventListener('click', () => this.#copy());
  }

  /** Brings the list up to date: with others' links and the new members, which no event reports. */
  async load() {
    const [load, shown] = [(this.loads += 1), this.shown];
    try {
      const invitations = await fetchInvitations(this.projectId);
      if (load !== this.loads) return; // a later one is under way
      // Not a link that was made meanwhile, which this list cannot have.
      if (this.shown !== null && this.shown === shown && !invitations.some(({ id }) => id === shown)) this.forget();
      this.#paint(invitations);
    } catch (error) {
      this.#say(`${t('Couldn’t load the invite links.')} ${explain(error)}`);
    }
  }

  /** An address is shown as long as the dialog is open, and then never again. */
  forget() {
    this.shown = null;
    this.url.value = '';
    part(this.section, 'new-link').hidden = true;
    this.#say('');
  }

  /** @param {HTMLFormElement} form */
  async #make(form) {
    const value = (/** @type {string} */ name) => /** @type {HTMLSelectElement} */ (find(form, `[name=${name}]`)).value;
    const fields = {
      role: value('invited_role'),
      expires_in_hours: Number(value('expires_in_hours')),
      max_uses: Number(value('max_uses')) || null,
    };
    const act = async () => {
      const { id, url } = await makeInvitation(this.projectId, fields);
      this.shown = id;
      this.url.value = url;
      part(this.section, 'new-link').hidden = false;
    };
    if (!(await this.attempt(act, find(form, '[type=submit]')))) return;
    await this.#copy();
    await this.load();
    this.url.focus();
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.url.value);
      this.#say(t('Link copied. You won’t be able to see it again, but you can revoke it at any time.'));
    } catch {
      this.url.select(); // no permission, or plain HTTP: the keyboard copies it
      this.#say(t('Copy the link now. You won’t be able to see it again, but you can revoke it at any time.'));
    }
  }

  /** @param {Invitation[]} invitations */
  #paint(invitations) {
    part(this.section, 'links').replaceChildren(...invitations.map((one) => this.#row(one)));
  }

  /** @param {Invitation} invitation @returns {HTMLElement} */
  #row({ id, role, created_by: maker, expires_at: end, max_uses: most, uses }) {
    const row = clone('invitation');
    row.dataset.invitationId = String(id);
    setText(part(row, 'what'), t('{role} link by {person}', { role: ROLE_NAMES[role], person: displayName(maker) }));
    const joined = most === null ? tn(uses, '{count} joined', '{count} joined') : tn(most, '{uses} of {count} joined', '{uses} of {count} joined', { uses });
    const state = part(row, 'state');
    setText(state, `${joined} · ${timeLeft(end)}`);
    state.title = t('Expires {moment}', { moment: exact(end) });
    const revoke = part(row, 'revoke');
    revoke.addEventListener('click', () =>
      confirmTwice(revoke, t('Revoke link?'), async () => {
        if (await this.attempt(() => revokeInvitation(this.projectId, id), revoke)) await this.load();
      }),
    );
    return row;
  }

  /** @param {string} text */
  #say(text) {
    setText(part(this.section, 'link-status'), text);
  }
}

/** @param {string} end @returns {string} */
function timeLeft(end) {
  const hours = Math.max(1, Math.round((Date.parse(end) - Date.now()) / HOUR));
  if (hours < 48) return tn(hours, 'expires in {count} hour', 'expires in {count} hours');
  return tn(Math.round(hours / 24), 'expires in {count} day', 'expires in {count} days');
}
