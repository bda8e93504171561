// @ts-check
/** The dialog in which owners make, rename, recolour and delete the project's labels. */

import { addLabel, changeLabel, deleteLabel, restoreLabel } from '../page/api.js';
import { openDialog } from './dialog.js';
import { clone, find, part, setAttribute, setText } from '../ui/dom.js';
import { onKey } from '../ui/keys.js';
import { t, tn } from '../language/language.js';
import { fits } from '../ui/lengths.js';
import { confirmTwice } from '../ui/confirm.js';
import { explain, quote } from '../language/words.js';
import { offerUndo } from './undo_line.js';

/** @typedef {import("../ui/labels.js").Label} Label */

const COLORS = 8; // as in the template: a new label gets the one that was not used for the longest time

/** @param {{store: import("../state/store.js").BoardStore, projectId: number}} parts */
export function openLabels({ store, projectId }) {
  const labels = new Labels(store, projectId);
  const close = openDialog(labels.dialog, store.subscribe(() => (store.role === 'owner' ? labels.follow() : close())));
  labels.focus();
}

class Labels {
  /** @param {import("../state/store.js").BoardStore} store @param {number} projectId */
  constructor(store, projectId) {
    this.store = store;
    this.projectId = projectId;
    this.dialog = clone('labels');
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    /** Those that are shown. @type {readonly Label[] | undefined} */
    this.shown = undefined;
    this.form = /** @type {HTMLFormElement} */ (part(this.dialog, 'add'));
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#add();
    });
    this.paint();
  }

  focus() {
    this.#control(this.form, 'label_name').focus();
  }

  /** The board was painted: where its labels are others now, by an event or a snapshot, so are ours. */
  follow() {
    if (this.store.state?.project.labels !== this.shown) this.paint();
  }

  /** Shows the labels as they are now, but for what the user is just writing. */
  paint() {
    this.shown = this.store.state?.project.labels;
    const labels = this.shown ?? [];
    for (const [id, row] of this.rows) {
      if (labels.some((label) => label.id === id)) continue;
      row.remove();
      this.rows.delete(id);
    }
    for (const label of labels) this.#paintRow(this.rows.get(label.id) ?? this.#createRow(label.id), label);
    this.#suggest(labels.length);
  }

  /** @param {HTMLElement} row @param {Label} label */
  #paintRow(row, { name, color }) {
    const input = this.#control(row, 'name');
    if (input !== document.activeElement) input.value = name;
    this.#control(row, 'color').value = color;
    setAttribute(part(row, 'swatch'), 'data-color', color);
    setAttribute(part(row, 'delete'), 'title', t('Delete {name}', { name }));
  }

  /** @param {number} id @returns {HTMLElement} */
  #createRow(id) {
    const row = clone('label');
    row.dataset.editLabel = String(id);
    const [name, color] = [this.#control(row, 'name'), this.#control(row, 'color')];
    name.addEventListener('change', () => fits(name) && this.#change(id, { name: name.value.trim() }, name));
    onKey(name, (event) => this.#pressed(event, id, name));
    color.addEventListener('change', () => this.#change(id, { color: color.value }, color));
    const button = part(row, 'delete');
    const remove = () => this.#remove(id, button);
    button.addEventListener('click', () => confirmTwice(button, this.#question(id), remove));
    this.rows.set(id, row);
    part(this.dialog, 'list').append(row);
    return row;
  }

  /** Enter takes a name, and Escape takes it back; the next Escape closes the dialog. @param {KeyboardEvent} event @param {number} id @param {HTMLInputElement} name */
  #pressed(event, id, name) {
    if (event.key === 'Enter') return name.blur();
    const saved = this.shown?.find((label) => label.id === id)?.name ?? '';
    if (event.key !== 'Escape' || name.value === saved) return;
    event.preventDefault();
    name.value = saved;
  }

  /** @param {number} id @param {HTMLElement} button */
  async #remove(id, button) {
    const name = this.store.state?.project.labels?.find((label) => label.id === id)?.name ?? '';
    if (!(await this.#try(() => deleteLabel(this.projectId, id), button))) return;
    const restore = (/** @type {HTMLElement} */ control) => this.#try(() => restoreLabel(this.projectId, id), control);
    offerUndo(this.dialog, t('The label {label} was deleted.', { label: quote(name) }), restore);
  }

  /** @param {number} id @returns {string} with how many cards carry it */
  #question(id) {
    const tasks = [...(this.store.state?.tasks.values() ?? [])];
    const count = tasks.filter(({ labels }) => labels?.includes(id)).length;
    return tn(count, 'Delete from {count} task?', 'Delete from {count} tasks?');
  }

  async #add() {
    const [name, color] = [this.#control(this.form, 'label_name'), this.#control(this.form, 'label_color')];
    const act = () => addLabel(this.projectId, { name: name.value.trim(), color: color.value });
    if (await this.#try(act, find(this.form, '[type=submit]'))) name.value = '';
    name.focus();
  }

  /** @param {number} id @param {{name?: string, color?: string}} changes @param {HTMLElement} control */
  #change(id, changes, control) {
    return this.#try(() => changeLabel(this.projectId, id, changes), control);
  }

  /**
   * @param {() => Promise<any>} act
   * @param {HTMLElement} control busy meanwhile
   * @returns {Promise<boolean>} whether it worked; if not, the dialog says why and shows what there is
   */
  async #try(act, control) {
    if (control instanceof HTMLButtonElement && control.hasAttribute('aria-busy')) return false; // pressed again
    this.#complain('');
    control.setAttribute('aria-busy', 'true');
    try {
      await act();
      return true;
    } catch (error) {
      this.#complain(explain(error));
      this.paint();
      return false;
    } finally {
      control.removeAttribute('aria-busy');
    }
  }

  /** @param {number} count of the labels that there are */
  #suggest(count) {
    const select = /** @type {HTMLSelectElement} */ (/** @type {unknown} */ (this.#control(this.form, 'label_color')));
    if (document.activeElement !== select) select.selectedIndex = (count + 1) % COLORS;
  }

  /** @param {string} text */
  #complain(text) {
    part(this.dialog, 'error').hidden = !text;
    setText(part(this.dialog, 'error'), text);
  }

  /** @param {HTMLElement} root @param {string} name @returns {HTMLInputElement} */
  #control(root, name) {
    return find(root, `[name="${name}"]`);
  }
}
