// @ts-check
/** The list of what could not be done: it stays until somebody has read it. */

import { find } from './dom.js';
import { t } from './language.js';

export class Problems {
  /** @param {HTMLElement} region */
  constructor(region) {
    this.region = region;
    this.list = find(region, '[data-problem-list]');
    find(region, '[data-clear-problems]').addEventListener('click', () => this.clear());
  }

  /**
   * @param {string} text
   * @param {...import("./toasts.js").Action} actions what can be done about it, beside reading it
   */
  report(text, ...actions) {
    const item = document.createElement('li');
    item.className = 'problem';
    const words = document.createElement('span');
    words.className = 'problem__text';
    words.textContent = text;
    const tools = document.createElement('span');
    tools.className = 'problem__tools';
    for (const action of actions) tools.append(this.#button(action, item));
    tools.append(this.#button({ label: t('Dismiss'), act: () => {} }, item));
    item.append(words, tools);
    this.region.hidden = false;
    this.list.append(item);
  }

  clear() {
    this.list.replaceChildren();
    this.region.hidden = true;
  }

  /** @param {import("./toasts.js").Action} action @param {HTMLElement} item @returns {HTMLButtonElement} */
  #button({ label, act, stays }, item) {
    const element = document.createElement('button');
    element.type = 'button';
    element.className = 'button button--outline';
    element.textContent = label;
    element.addEventListener('click', () => {
      if (!stays) item.remove();
      this.region.hidden = !this.list.childElementCount;
      act();
    });
    return element;
  }
}
