// @ts-check
/** The list of what could not be done: it stays until somebody has read it. */

import { find } from './dom.js';

export class Problems {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    this.list = find(region, '[data-problem-list]');
    find(region, '[data-clear-problems]').addEventListener('click', () => this.clear());
  }

  /**
   * @param {string} text
   * @param {{label: string, act: () => void}} [action]
   */
  report(text, action) {
    const item = document.createElement('li');
    item.className = 'problem';
    const words = document.createElement('span');
    words.className = 'problem__text';
    words.textContent = text;
    item.append(words);
    if (action) item.append(this.#button(action.label, item, action.act));
    this.region.hidden = false;
    this.list.append(item);
  }

  clear() {
    this.list.replaceChildren();
    this.region.hidden = true;
  }

  /** @param {string} label @param {HTMLElement} item @param {() => void} act @returns {HTMLButtonElement} */
  #button(label, item, act) {
    const element = document.createElement('button');
    element.type = 'button';
    element.className = 'button button--outline';
    element.textContent = label;
    element.addEventListener('click', () => {
      item.remove();
      this.region.hidden = !this.list.childElementCount;
      act();
    });
    return element;
  }
}
