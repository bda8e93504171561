// @ts-check
/** A small menu beside what it belongs to: `role=menu`, walked with the arrows, closed by Escape, Tab or a press elsewhere. */

/**
 * @typedef {{
 *   label: string, act: (() => void) | null, isChosen?: boolean, isChecked?: () => boolean, color?: string, lang?: string,
 * }} Item
 *   `act` null: not possible now; `isChosen`: one of several states, and whether it is the present one; `isChecked`: one of
 *   those of which any number may be chosen, for which the menu stays open; `lang`: of the label, where it is not the page's
 */

/**
 * @param {HTMLElement} anchor takes the focus back
 * @param {{label: string, items: Item[], inset?: number}} menu `inset`: px from the anchor's left side
 * @returns {{isOpen: () => boolean, paint: () => void}} `paint` shows what is checked by now
 */
export function openMenu(anchor, { label, items, inset = 0 }) {
  const menu = document.createElement('div');
  menu.className = 'menu';
  menu.setAttribute('role', 'menu');
  menu.setAttribute('aria-label', label);
  const heading = document.createElement('p');
  heading.className = 'menu__title';
  heading.textContent = label;
  heading.setAttribute('aria-hidden', 'true');
  menu.append(heading);

  const close = () => {
    removeEventListener('pointerdown', closeOutside, true);
    anchor.removeAttribute('aria-expanded');
    menu.remove();
  };
  const closeOutside = (/** @type {Event} */ event) => {
    if (!(event.target instanceof Node && menu.contains(event.target))) close();
  };
  for (const item of items) menu.append(createItem(item, () => (close(), anchor.focus())));
  const paint = () => {
    items.forEach(({ isChecked }, index) => {
      if (isChecked) menu.children[index + 1].setAttribute('aria-checked', String(isChecked())); // after the heading
    });
  };
  paint();
  menu.addEventListener('keydown', (event) => {
    const buttons = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll('button:not(:disabled)')]);
    const index = buttons.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const steps = { ArrowDown: index + 1, ArrowUp: index - 1 + buttons.length, Home: 0, End: buttons.length - 1 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step !== undefined) buttons[step % buttons.length].focus();
    else if (event.key === 'Escape' || event.key === 'Tab') (close(), anchor.focus());
    else if (event.key !== 'Enter' && event.key !== ' ') return;
    event.stopPropagation();
    if (event.key !== 'Enter' && event.key !== ' ') event.preventDefault();
  });
  document.body.append(menu);
  if (anchor.hasAttribute('aria-haspopup')) anchor.setAttribute('aria-expanded', 'true');
  place(menu, anchor.getBoundingClientRect(), inset);
  addEventListener('pointerdown', closeOutside, true);
  const first = menu.querySelector('[aria-checked="true"]') ?? menu.querySelector('button:not(:disabled)');
  /** @type {HTMLElement | null} */ (first)?.focus();
  return { isOpen: () => menu.isConnected, paint };
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
  if (color) button.dataset.color = color;
  button.addEventListener('click', () => {
    if (!isChecked) close();
    act?.();
  });
  return button;
}

/** @param {HTMLElement} menu @param {DOMRect} box of the anchor @param {number} inset */
function place(menu, box, inset) {
  const left = Math.min(box.left + inset, innerWidth - menu.offsetWidth - 8);
  const top = Math.min(box.bottom + 4, innerHeight - menu.offsetHeight - 8);
  menu.style.left = `${Math.max(8, left)}px`;
  menu.style.top = `${Math.max(8, top)}px`;
}
