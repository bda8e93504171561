// @ts-check
/** A small menu beside what it belongs to: `role=menu`, walked with the arrows, closed by Escape, Tab or a press elsewhere. */

import { onKey } from './keys.js';

/**
 * @typedef {{
 *   label: string, act: (() => void) | null, isChosen?: boolean, isChecked?: () => boolean, isShown?: () => boolean, color?: string, lang?: string,
 * }} Item
 *   `act` null: not possible now; `isChosen`: one of several states, and whether it is the present one; `isChecked`: one of
 *   those of which any number may be chosen, for which the menu stays open; `isShown`: whether it is there by now; `lang`: of the label, where it is not the page's
 */

/**
 * @typedef {{element: HTMLElement, heading: HTMLElement, field: HTMLInputElement | null, isOpen: () => boolean, paint: () => void, close: () => void}} Menu
 *   `element` holds the items; `paint` shows what is there and checked by now; `close` gives the focus back
 */

/**
 * @param {HTMLElement} anchor takes the focus back
 * @param {{label: string, items: Item[], search?: string | null, inset?: number, at?: {x: number, y: number}, closed?: () => void}} menu `search`: the name of the field above the items, if there is to be one; `inset`: px from the anchor's left side; `at`: where it opens instead of below the anchor
 * @returns {Menu}
 */
export function openMenu(anchor, { label, items, search = null, inset = 0, at, closed = () => {} }) {
  const box = document.createElement('div');
  box.className = 'menu';
  const heading = document.createElement('p');
  heading.className = 'menu__title';
  heading.textContent = label;
  heading.setAttribute('aria-hidden', 'true');
  const field = search === null ? null : createField(search);
  const menu = document.createElement('div');
  menu.className = 'menu__items';
  menu.setAttribute('role', 'menu');
  menu.setAttribute('aria-label', label);
  box.append(heading, ...(field ? [field] : []), menu);

  const leave = () => {
    removeEventListener('pointerdown', closeOutside, true);
    anchor.removeAttribute('aria-expanded');
    box.remove();
    closed();
  };
  const close = () => {
    leave();
    anchor.focus();
  };
  const closeOutside = (/** @type {Event} */ event) => {
    if (!(event.target instanceof Node && box.contains(event.target))) leave();
  };
  const buttons = items.map((item) => createItem(item, close));
  menu.append(...buttons);
  const paint = () => {
    items.forEach(({ isChecked, isShown }, index) => {
      if (isChecked) buttons[index].setAttribute('aria-checked', String(isChecked()));
      if (isShown) buttons[index].hidden = !isShown();
    });
  };
  paint();
  onKey(box, (event) => {
    if (event.target === field && (event.key === 'Home' || event.key === 'End')) return;
    const possible = buttons.filter(({ disabled, hidden }) => !disabled && !hidden);
    const index = possible.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const up = index < 0 ? possible.length - 1 : index - 1 + possible.length;
    const steps = { ArrowDown: index + 1, ArrowUp: up, Home: 0, End: possible.length - 1 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step !== undefined) possible[step % possible.length]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') close();
    else if (event.key !== 'Enter' && event.key !== ' ') return;
    event.stopPropagation();
    if (event.key !== 'Enter' && event.key !== ' ') event.preventDefault();
  });
  document.body.append(box);
  if (anchor.hasAttribute('aria-haspopup')) anchor.setAttribute('aria-expanded', 'true');
  place(box, at ? new DOMRect(at.x, at.y) : anchor.getBoundingClientRect(), inset);
  addEventListener('pointerdown', closeOutside, true);
  const first = menu.querySelector('[aria-checked="true"]') ?? menu.querySelector('button:not(:disabled, [hidden])');
  /** @type {HTMLElement | null} */ (first)?.focus();
  return { element: menu, heading, field, isOpen: () => box.isConnected, paint, close };
}

/** @param {string} name @returns {HTMLInputElement} */
function createField(name) {
  const field = document.createElement('input');
  field.type = 'search';
  field.className = 'input menu__field';
  field.name = 'menu_text';
  field.placeholder = name;
  field.setAttribute('aria-label', name);
  field.dir = 'auto';
  field.autocomplete = 'off';
  field.spellcheck = false;
  return field;
}

/** @param {Item} item @param {() => void} close @returns {HTMLButtonElement} */
function createItem({ label, act, isChosen, isChecked, color, lang }, close) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button menu__item';
  button.setAttribute('role', isChecked ? 'menuitemcheckbox' : isChosen === undefined ? 'menuitem' : 'menuitemradio');
  if (isChosen !== undefined) button.setAttribute('aria-checked', String(isChosen));
  button.tabIndex = -1;
  if (lang) button.lang = lang;
  button.disabled = !act;
  button.textContent = label;
  button.dir = 'auto';
  if (color) button.dataset.color = color;
  button.addEventListener('click', () => {
    if (!isChecked) close();
    act?.();
  });
  return button;
}

/** @param {HTMLElement} menu @param {DOMRect} anchor @param {number} inset */
function place(menu, anchor, inset) {
  const left = Math.min(anchor.left + inset, innerWidth - menu.offsetWidth - 8);
  const top = Math.min(anchor.bottom + 4, innerHeight - menu.offsetHeight - 8);
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${Math.max(8, top)}px`;
}
