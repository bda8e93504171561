// @ts-check
/** Short messages that go by themselves. */

import { takesText } from './dom.js';
import { t } from '../language/language.js';

const STAY = 6000; // ms; longer while the pointer or the focus is on it
const MOST = 3;

/** @typedef {{label: string, act: () => void, stays?: boolean}} Action `stays`: the message is still there afterwards */

export class Toasts {
  /** @param {HTMLElement} region `role=status` */
  constructor(region) {
    this.region = region;
  }

  /**
   * @param {string} text
   * @param {...Action} actions
   * @returns {() => void} takes it away
   */
  say(text, ...actions) {
    const toast = this.#put(text, actions);
    this.#leaveLater(toast);
    return () => toast.remove();
  }

  /**
   * Says something that stays until the user has answered it.
   *
   * @param {string} text
   * @param {...Action} actions
   * @returns {() => void} takes it away
   */
  ask(text, ...actions) {
    const toast = this.#put(text, actions);
    return () => toast.remove();
  }

  /** @param {string} text @param {Action[]} actions @returns {HTMLElement} */
  #put(text, actions) {
    const toast = document.createElement('div');
    toast.className = 'toast';
    const words = document.createElement('span');
    words.className = 'toast__text';
    words.textContent = text;
    const tools = document.createElement('span');
    tools.className = 'toast__tools';
    for (const { label, act, stays } of actions) tools.append(button(label, () => (act(), stays || toast.remove())));
    tools.append(button(t('Dismiss'), () => toast.remove()));
    toast.append(words, tools);
    while (this.region.children.length >= MOST) this.region.firstElementChild?.remove();
    this.region.append(toast);
    const { activeElement } = document;
    if (takesText(activeElement)) activeElement?.scrollIntoView({ block: 'nearest' }); // the message took room from what is around it
    return toast;
  }

  /** In a tab that is not visible it waits. @param {HTMLElement} toast */
  #leaveLater(toast) {
    setTimeout(
      () => (document.hidden || toast.matches(':hover, :focus-within') ? this.#leaveLater(toast) : toast.remove()),
      STAY,
    );
  }
}

/** @param {string} label @param {() => void} act @returns {HTMLButtonElement} */
function button(label, act) {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = 'button';
  element.textContent = label;
  element.addEventListener('click', act);
  return element;
}
