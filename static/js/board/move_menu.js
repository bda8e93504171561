// @ts-check
/** The menu that moves a card without dragging it. */

import { STATUS_NAMES } from './words.js';

/**
 * @typedef {import("./pending.js").Place} Place
 * @typedef {{label: string, place: Place | null}} Choice no place: not possible from here
 */

/**
 * @param {{status: string, index: number, order: number[]}} at where the card is
 * @returns {Choice[]}
 */
export function choices({ status, index, order }) {
  const columns = Object.keys(STATUS_NAMES).map((other) => ({
    label: STATUS_NAMES[other],
    place: other === status ? null : { status: other, beforeId: null },
  }));
  return [
    ...columns,
    { label: 'Up', place: index > 0 ? { status, beforeId: order[index - 1] } : null },
    { label: 'Down', place: index < order.length - 1 ? { status, beforeId: order[index + 2] ?? null } : null },
  ];
}

/**
 * @param {HTMLElement} card
 * @param {Choice[]} items
 * @param {(place: Place) => void} choose
 */
export function openMoveMenu(card, items, choose) {
  const menu = document.createElement('div');
  menu.className = 'move-menu';
  menu.setAttribute('role', 'menu');
  menu.setAttribute('aria-label', 'Move to');
  const heading = document.createElement('p');
  heading.className = 'move-menu__title';
  heading.textContent = 'Move to';
  heading.setAttribute('aria-hidden', 'true');
  menu.append(heading);

  const close = () => {
    removeEventListener('pointerdown', closeOutside, true);
    menu.remove();
  };
  const closeOutside = (/** @type {Event} */ event) => {
    if (!(event.target instanceof Node && menu.contains(event.target))) close();
  };
  for (const { label, place } of items) {
    const item = document.createElement('button');
    item.type = 'button';
    item.className = 'button move-menu__item';
    item.setAttribute('role', 'menuitem');
    item.tabIndex = -1;
    item.disabled = !place;
    item.textContent = label;
    item.addEventListener('click', () => {
      close();
      card.focus();
      if (place) choose(place);
    });
    menu.append(item);
  }
  menu.addEventListener('keydown', (event) => {
    const buttons = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll('button:not(:disabled)')]);
    const index = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const steps = { ArrowDown: index + 1, ArrowUp: index - 1 + buttons.length, Home: 0, End: buttons.length - 1 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step !== undefined) buttons[step % buttons.length].focus();
    else if (event.key === 'Escape' || event.key === 'Tab') (close(), card.focus());
    else if (event.key !== 'Enter' && event.key !== ' ') return;
    event.stopPropagation();
    if (event.key !== 'Enter' && event.key !== ' ') event.preventDefault();
  });
  document.body.append(menu);
  const box = card.getBoundingClientRect();
  const left = Math.min(box.left + 12, innerWidth - menu.offsetWidth - 8);
  const top = Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8);
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${Math.max(8, top)}px`;
  addEventListener('pointerdown', closeOutside, true);
  /** @type {HTMLElement | null} */ (menu.querySelector('button:not(:disabled)'))?.focus();
}
