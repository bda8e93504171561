// @ts-check
/** The menu in which one chooses a task's labels: several, one after the other; typing, in its field or on an item, shows those alone that have it in their names. */

import { setText } from '../ui/dom.js';
import { fold } from '../language/fold.js';
import { t, tn } from '../language/language.js';
import { onKey } from '../ui/keys.js';
import { openMenu } from '../ui/menu.js';

const MOST = 10; // labels of one task
const FITTING = '[role="menuitemcheckbox"]:not([hidden])';
const MANY = 5; // labels of a project, beyond which the menu has a field to search them

/**
 * @param {HTMLElement} anchor
 * @param {{
 *   store: import("../state/store.js").BoardStore, carried: () => number[], choose: (label: number, isOn: boolean) => void,
 *   edit: () => void, say: (text: string) => void,
 * }} parts `carried` returns the ids that the task carries by now; `choose` puts a label on the task or takes it off; `edit` opens the dialog of the project's
 */
export function openLabelsMenu(anchor, { store, carried, choose, edit, say }) {
  const toggle = (/** @type {number} */ id) => {
    const isOn = !carried().includes(id);
    if (isOn && carried().length >= MOST) say(t('A task can have up to {number} labels.', { number: MOST }));
    else choose(id, isOn);
  };
  const labels = store.state?.project.labels ?? [];
  const typing = new Typing(labels.map(({ name }) => name));
  const menu = openMenu(anchor, {
    label: labels.length > MANY ? t('Labels, type to search') : t('Labels'),
    search: labels.length > MANY ? t('Search labels') : null,
    items: [
      ...labels.map(({ id, name, color }) => ({
        label: name,
        color,
        act: () => toggle(id),
        isChecked: () => carried().includes(id),
        isShown: () => typing.fits(name),
      })),
      ...(labels.length ? [] : [{ label: t('No labels yet'), act: null }]),
      { label: t('Edit labels…'), act: edit, isShown: () => store.role === 'owner' },
    ],
    closed: () => {
      unsubscribe();
      typing.end();
    },
  });
  typing.listen(menu);
  // By each choice, where another user changes the same task, and where one's role changes.
  const unsubscribe = store.subscribe(() => (store.mayEdit ? menu.paint() : menu.close()));
}

/** What the user has typed into the menu. */
class Typing {
  text = '';
  /** Says to screen readers what the menu's heading shows; no menu may hold it. */
  status = document.createElement('p');

  /** @param {string[]} names */
  constructor(names) {
    this.names = names;
  }

  /** @param {string} name @returns {boolean} */
  fits(name) {
    return fold(name).includes(fold(this.text));
  }

  /** @param {import("../ui/menu.js").Menu} menu */
  listen(menu) {
    this.title = menu.heading.textContent ?? '';
    this.status.className = 'visually-hidden';
    this.status.setAttribute('role', 'status');
    menu.element.after(this.status);
    menu.element.tabIndex = -1; // it has the focus while no label fits
    onKey(menu.element, (event) => this.#typed(menu, event), true); // before the menu's own keys
    if (!menu.field) return;
    const { field } = menu;
    menu.heading.hidden = true; // the field says the same
    field.addEventListener('input', () => this.#become(menu, field.value));
    onKey(field, (event) => this.#typedInField(menu, event));
  }

  end() {
    this.status.remove();
  }

  /** @param {import("../ui/menu.js").Menu} menu @param {KeyboardEvent} event */
  #typed(menu, event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    const letters = [...this.text];
    if (key === 'Backspace') this.#become(menu, letters.slice(0, -1).join(''));
    else if (key === 'Escape' && letters.length) this.#become(menu, '');
    else if ([...key].length === 1 && key !== ' ') this.#become(menu, this.text + key); // a space chooses
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.#focus(menu);
  }

  /** @param {import("../ui/menu.js").Menu} menu @param {KeyboardEvent} event */
  #typedInField(menu, event) {
    if (event.key === 'Enter') /** @type {HTMLElement | null} */ (menu.element.querySelector(FITTING))?.click();
    else if (event.key === 'Escape' && this.text) this.#become(menu, '');
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {import("../ui/menu.js").Menu} menu @param {string} text */
  #become(menu, text) {
    this.text = text;
    if (menu.field && menu.field.value !== text) menu.field.value = text;
    menu.paint();
    this.#say(menu);
  }

  /** @param {import("../ui/menu.js").Menu} menu */
  #say({ heading, field }) {
    const { text } = this;
    const count = this.names.filter((name) => this.fits(name)).length;
    const found = count ? tn(count, '{count} label matches “{text}”', '{count} labels match “{text}”', { text }) : t('No labels match “{text}”', { text });
    setText(heading, text ? found : this.title ?? '');
    heading.hidden = !!field && !text;
    setText(this.status, heading.textContent ?? '');
  }

  /** On the first one that fits, where the one that had it does not. @param {import("../ui/menu.js").Menu} menu */
  #focus({ element }) {
    const focused = /** @type {HTMLElement} */ (document.activeElement);
    if (focused !== element && element.contains(focused) && !focused.hidden) return;
    /** @type {HTMLElement} */ (element.querySelector(FITTING) ?? element).focus();
  }
}
