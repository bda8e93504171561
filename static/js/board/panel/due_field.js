// @ts-check
/** The due date as one writes it: a date, a time if there is one, and a button that takes both away. */

import { t } from '../language/language.js';
import { exact, fromLocalInput, joinDateAndTime, toDateAndTime, toLocalInput } from '../language/time.js';
import { find, part, setAttribute, setText } from '../ui/dom.js';
import { onKey } from '../ui/keys.js';

/** Keys that change nothing. */
const PASSING = new Set(['Tab', 'Shift', 'Control', 'Alt', 'Meta', 'ArrowLeft', 'ArrowRight', 'Enter', 'Escape']);

/** What is written here becomes the value of `control` when it is complete and the user leaves it or presses Enter. */
export class DueField {
  /**
   * @param {HTMLElement} holder
   * @param {HTMLInputElement} control holds the value: an `input[type=datetime-local]`
   * @param {{say: (text: string) => void, cancelled: () => void}} parts `cancelled`: the user took back what was written
   */
  constructor(holder, control, { say, cancelled }) {
    this.holder = holder;
    this.control = control;
    this.say = say;
    this.cancelled = cancelled;
    this.date = /** @type {HTMLInputElement} */ (find(holder, '[name=due_date]'));
    this.time = /** @type {HTMLInputElement} */ (find(holder, '[name=due_time]'));
    this.clearing = /** @type {HTMLButtonElement} */ (find(holder, '[data-clear-due]'));
    this.error = part(holder, 'due-error');
    /** Whether the fields may say something else than `control`. */
    this.isEdited = false;
    for (const field of [this.date, this.time]) {
      onKey(field, (event) => this.#pressed(event));
      // The browser's picker: what is chosen there is complete.
      field.addEventListener('change', () => this.isEdited || this.#commit());
    }
    holder.addEventListener('focusout', ({ target, relatedTarget }) => {
      const isElsewhere = document.activeElement !== target; // not just the window
      if (isElsewhere && !(relatedTarget instanceof Node && holder.contains(relatedTarget))) this.leave();
    });
    this.clearing.addEventListener('click', () => {
      this.date.value = this.time.value = '';
      this.#commit();
      this.date.focus();
    });
  }

  /** @param {boolean} mayEdit */
  paint(mayEdit) {
    this.date.readOnly = this.time.readOnly = !mayEdit;
    if (!this.isEdited) this.#show();
    this.clearing.hidden = !mayEdit || !this.control.value;
  }

  /** Takes what was written, if it is complete. @returns {boolean} false: it is not */
  leave() {
    return !this.isEdited || this.#commit();
  }

  #show() {
    const { date, time } = toDateAndTime(fromLocalInput(this.control.value));
    if (this.date.value !== date || this.date.validity.badInput) this.date.value = date;
    if (this.time.value !== time || this.time.validity.badInput) this.time.value = time;
    this.#complain('');
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { key, ctrlKey, metaKey, altKey } = event;
    if (key === 'Enter') {
      event.preventDefault(); // the picker has its own keys
      this.leave();
    } else if (key === 'Escape' && this.isEdited) {
      event.preventDefault();
      event.stopPropagation();
      this.isEdited = false;
      this.cancelled();
      this.#show();
    } else if (!PASSING.has(key) && !ctrlKey && !metaKey && !altKey && !this.date.readOnly) {
      this.isEdited = true;
      this.control.dispatchEvent(new Event('input'));
    }
  }

  /** @returns {boolean} */
  #commit() {
    const wrong = this.#wrong();
    this.#complain(wrong);
    this.isEdited ||= wrong !== '';
    if (wrong) return false;
    const value = joinDateAndTime(this.date.value, this.date.value && this.time.value);
    const saved = toLocalInput(fromLocalInput(value));
    if (saved !== value) this.say(t('The clocks skip that time on that day. The due date is {moment}.', { moment: exact(fromLocalInput(value) ?? '') }));
    this.isEdited = false;
    this.control.value = saved;
    for (const name of ['input', 'change']) this.control.dispatchEvent(new Event(name));
    return true;
  }

  /** @returns {string} what keeps this from being a due date; "" for nothing */
  #wrong() {
    const [date, time] = [this.date.validity, this.time.validity];
    if (date.rangeUnderflow || date.rangeOverflow) return t('Enter the year with four digits.');
    if (date.badInput || time.badInput) return t('Complete the date and time, or clear them.');
    if (!this.date.value && this.time.value && !this.control.value) return t('Enter a date as well.');
    return '';
  }

  /** @param {string} text */
  #complain(text) {
    this.error.hidden = !text;
    setText(this.error, text);
    for (const field of [this.date, this.time]) setAttribute(field, 'aria-invalid', text ? 'true' : null);
  }
}
