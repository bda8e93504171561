// @ts-check
/** Announces the changes of others to screen readers, gathered so that a busy minute does not become a lecture. */

import { tn } from '../language/language.js';

const PAUSE = 900; // ms over which changes are gathered
const MOST = 3; // sentences in one go; more become a number

export class Announcer {
  /** @param {HTMLElement} region `aria-live`, not seen */
  constructor(region) {
    this.region = region;
    /** @type {string[]} */
    this.waiting = [];
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {string} sentence */
  announce(sentence) {
    this.waiting.push(sentence);
    this.timer ??= setTimeout(() => this.#speak(), PAUSE);
  }

  /** Something that was announced was deleted. */
  forget() {
    this.waiting = [];
    this.region.replaceChildren();
  }

  #speak() {
    const { waiting } = this;
    this.timer = undefined;
    this.waiting = [];
    const told = waiting.length > MOST ? [tn(waiting.length, '{count} change by others', '{count} changes by others'), waiting[waiting.length - 1]] : waiting;
    this.region.replaceChildren(
      ...told.map((sentence) => {
        const line = document.createElement('p');
        line.textContent = `${sentence}.`;
        return line;
      }),
    );
  }
}
