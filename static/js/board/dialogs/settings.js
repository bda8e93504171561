// @ts-check
/** The dialog of one's own settings: name, address, time zone, notifications and reminders. */

import { changeMe, fetchMe, fetchProjects } from '../page/api.js';
import { openDialog } from './dialog.js';
import { clone, find, part, setText } from '../ui/dom.js';
import { t } from '../language/language.js';
import { KIND_NAMES } from '../notifications/notices.js';
import { explain } from '../language/words.js';

/** @typedef {import("../../client/wire.d.ts").Me} Me */

/** @param {(me: Me) => void} saved called with the settings as they are then */
export function openSettings(saved) {
  void new Settings(saved).load();
}

class Settings {
  /** @param {(me: Me) => void} saved */
  constructor(saved) {
    this.saved = saved;
    this.dialog = clone('settings');
    this.form = /** @type {HTMLFormElement} */ (part(this.dialog, 'form'));
    this.close = openDialog(this.dialog);
    this.email = '';
    this.#control('email').addEventListener('input', () => this.#askForPassword());
    part(this.dialog, 'cancel').addEventListener('click', this.close);
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  async load() {
    this.#say(t('Loading…'));
    this.form.inert = true;
    try {
      const [me, projects] = await Promise.all([fetchMe(), fetchProjects()]);
      this.#show(me, projects);
      this.form.inert = false;
      this.#control('display_name').focus();
    } catch (error) {
      this.#complain(`${t('Couldn’t load your settings.')} ${explain(error)}`);
    }
    this.#say('');
  }

  /** @param {Me} me @param {import("../../client/wire.d.ts").ProjectDetail[]} projects */
  #show(me, projects) {
    this.#control('display_name').value = me.name;
    this.email = this.#control('email').value = me.email;
    this.#control('ask_first').checked = me.ask_first;
    this.#control('remind_before_hours').value = String(me.remind_before_hours);
    // Without a choice the device's applies, on the page and here.
    this.#showZones(document.body.dataset.timeZone ? me.timezone : Intl.DateTimeFormat().resolvedOptions().timeZone);
    part(this.dialog, 'kinds').replaceChildren(
      ...Object.entries(me.notify).map(([kind, isOn]) => check('notify', kind, KIND_NAMES[kind] ?? kind, isOn)),
    );
    part(this.dialog, 'projects-group').hidden = !projects.length;
    part(this.dialog, 'projects').replaceChildren(
      ...projects.map(({ id, name }) => check('muted_projects', String(id), name, me.muted_projects.includes(id))),
    );
  }

  /** @param {string} chosen may be one that this browser does not list */
  #showZones(chosen) {
    const zones = new Set(['UTC', ...Intl.supportedValuesOf('timeZone'), chosen]);
    const select = this.#control('timezone');
    select.replaceChildren(...[...zones].filter(Boolean).map((zone) => new Option(zone.replaceAll('_', ' '), zone)));
    select.value = chosen;
  }

  /** Only for another address: its mailbox gives access to the account. */
  #askForPassword() {
    part(this.dialog, 'password-field').hidden = !this.#hasOtherEmail;
    this.#control('password').required = this.#hasOtherEmail;
  }

  /** @returns {boolean} */
  get #hasOtherEmail() {
    return this.#control('email').value.trim() !== this.email;
  }

  async #save() {
    this.#complain('');
    const button = find(this.form, '[type=submit]');
    button.setAttribute('aria-busy', 'true');
    try {
      this.saved(await changeMe(this.#written()));
      this.close();
    } catch (error) {
      this.#complain(explain(error));
    } finally {
      button.removeAttribute('aria-busy');
    }
  }

  /** @returns {object} what the form says now */
  #written() {
    const kinds = this.#checks('notify').map(({ value, checked }) => [value, checked]);
    const muted = this.#checks('muted_projects').filter(({ checked }) => checked);
    const email = { email: this.#control('email').value.trim(), password: this.#control('password').value };
    return {
      ...(this.#hasOtherEmail ? email : null),
      name: this.#control('display_name').value.trim(),
      timezone: this.#control('timezone').value,
      ask_first: this.#control('ask_first').checked,
      remind_before_hours: Number(this.#control('remind_before_hours').value),
      notify: Object.fromEntries(kinds),
      muted_projects: muted.map(({ value }) => Number(value)),
    };
  }

  /** @param {string} name @returns {any} */
  #control(name) {
    return find(this.form, `[name="${name}"]`);
  }

  /** @param {string} name @returns {HTMLInputElement[]} */
  #checks(name) {
    return [.../** @type {NodeListOf<HTMLInputElement>} */ (this.form.querySelectorAll(`[name="${name}"]`))];
  }

  /** @param {string} text */
  #say(text) {
    part(this.dialog, 'status').hidden = !text;
    setText(part(this.dialog, 'status'), text);
  }

  /** @param {string} text */
  #complain(text) {
    part(this.dialog, 'error').hidden = !text;
    setText(part(this.dialog, 'error'), text);
  }
}

/** @param {string} name @param {string} value @param {string} label @param {boolean} isChecked @returns {HTMLElement} */
function check(name, value, label, isChecked) {
  const element = clone('check');
  const input = /** @type {HTMLInputElement} */ (find(element, 'input'));
  Object.assign(input, { name, value, checked: isChecked });
  setText(part(element, 'label'), label);
  return element;
}
