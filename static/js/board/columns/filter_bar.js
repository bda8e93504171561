// @ts-check
/** The bar in which one chooses which tasks to see; the address keeps the choice, so that it can be sent to others. */

import { find, setAttribute, setText } from '../ui/dom.js';
import { ALL, isActive, parse, write } from '../state/filter.js';
import { t, tn } from '../language/language.js';
import { onKey } from '../ui/keys.js';
import { displayName } from '../people/people.js';

/**
 * @typedef {import("../state/filter.js").Filter} Filter
 * @typedef {import("../reducer.js").Member} Member
 */

export class FilterBar {
  /**
   * @param {HTMLFormElement} form
   * @param {{userId: number, changed: () => void}} parts `changed` is called with every other choice
   */
  constructor(form, { userId, changed }) {
    this.form = form;
    this.userId = userId;
    this.changed = changed;
    this.text = /** @type {HTMLInputElement} */ (find(form, '[data-filter]'));
    this.clearing = find(form, '[data-clear-filter]');
    this.count = find(form, '[data-filter-count]');
    /** @type {Filter} */
    this.filter = parse(location.search);
    /** @type {readonly Member[] | null} */
    this.members = null;
    /** @type {readonly import("../reducer.js").Label[] | undefined} */
    this.labels = [];
    form.addEventListener('input', () => this.#choose(this.#written()));
    form.addEventListener('submit', (event) => event.preventDefault());
    // The row scrolls, and browsers leave what has the focus half out of it.
    form.addEventListener('focusin', ({ target }) => /** @type {Element} */ (target).scrollIntoView({ block: 'nearest', inline: 'nearest' }));
    this.clearing.addEventListener('click', () => this.clear());
    onKey(this.text, (event) => {
      if (event.key !== 'Escape') return;
      event.stopPropagation();
      if (isActive(this.filter)) this.clear();
      else this.text.blur();
    });
    addEventListener('popstate', () => {
      if (write(parse(location.search)) === write(this.filter)) return;
      this.filter = parse(location.search);
      this.#show();
      this.changed();
    });
    this.#show();
  }

  /** The keyboard's way into it. */
  focus() {
    this.text.focus();
    this.text.select();
  }

  clear() {
    this.#choose(ALL);
    this.#show();
    this.text.focus();
  }

  /** @param {import("../state/store.js").View} view */
  paint({ project, members, tasks, columns }) {
    this.#paintMembers(members);
    this.#paintLabels(project.labels);
    const active = isActive(this.filter);
    const shown = [...columns.values()].reduce((sum, ids) => sum + ids.length, 0);
    this.clearing.hidden = !active;
    setAttribute(this.form, 'data-active', active ? '' : null);
    setText(this.count, active ? tn(tasks.size, '{shown} of {count} task', '{shown} of {count} tasks', { shown }) : '');
  }

  /** @param {readonly Member[]} members */
  #paintMembers(members) {
    if (members === this.members) return;
    this.members = members;
    const select = this.#control('filter_assignee');
    for (const option of [...select.options].slice(3)) option.remove();
    const others = members.filter(({ user }) => user.id !== this.userId);
    select.append(...others.map(({ user }) => new Option(displayName(user), String(user.id))));
    const { assignee } = this.filter;
    // A user that left, and that the address still names: nothing is assigned to them any more.
    if (assignee && ![...select.options].some(({ value }) => value === assignee)) select.append(new Option(t('Former member'), assignee));
    this.#show();
  }

  /** @param {readonly import("../reducer.js").Label[]} [labels] */
  #paintLabels(labels) {
    if (labels === this.labels) return;
    this.labels = labels;
    const select = this.#control('filter_label');
    for (const option of [...select.options].slice(2)) option.remove();
    select.append(...(labels ?? []).map(({ id, name }) => new Option(name, String(id))));
    const { label } = this.filter;
    if (label && ![...select.options].some(({ value }) => value === label)) select.append(new Option(t('Deleted label'), label));
    select.hidden = select.length < 3;
    this.#show();
  }

  /** @param {Filter} filter */
  #choose(filter) {
    this.filter = filter;
    history.replaceState(history.state, '', location.pathname + write(filter) + location.hash);
    for (const select of this.form.querySelectorAll('select')) setAttribute(select, 'data-chosen', select.value ? '' : null);
    this.changed();
  }

  /** @returns {Filter} what the bar says */
  #written() {
    const value = (/** @type {string} */ name) => this.#control(name).value;
    return {
      text: this.text.value,
      assignee: value('filter_assignee'),
      priority: value('filter_priority'),
      label: value('filter_label'),
      due: value('filter_due'),
    };
  }

  #show() {
    const { text, assignee, priority, label, due } = this.filter;
    if (this.text.value !== text) this.text.value = text;
    for (const [name, value] of Object.entries({ filter_assignee: assignee, filter_priority: priority, filter_label: label, filter_due: due })) {
      const select = this.#control(name);
      select.value = value;
      setAttribute(select, 'data-chosen', value ? '' : null);
    }
  }

  /** @param {string} name @returns {HTMLSelectElement} */
  #control(name) {
    return /** @type {HTMLSelectElement} */ (find(this.form, `[name=${name}]`));
  }
}
