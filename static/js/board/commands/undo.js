// @ts-check
/** What one did last on this page, and how to take it back. */

/**
 * @typedef {{undo: string, undone: string}} Words what the button offers, and what the toast says afterwards
 * @typedef {{words: Words, takeBack: () => Promise<boolean>}} Step `takeBack` returns whether it worked
 */

const MOST = 50; // steps that are kept

export class Undo {
  /** @param {{changed?: (last: Step | null) => void, undone?: (step: Step) => void}} [parts] */
  constructor({ changed = () => {}, undone = () => {} } = {}) {
    this.changed = changed;
    this.undone = undone;
    /** @type {Step[]} the latest at the end */
    this.steps = [];
  }

  /** @returns {Step | null} */
  get last() {
    return this.steps[this.steps.length - 1] ?? null;
  }

  /** @param {Words} words @param {() => Promise<boolean>} takeBack @returns {Step} */
  remember(words, takeBack) {
    const step = { words, takeBack };
    this.steps = [...this.steps, step].slice(-MOST);
    this.changed(this.last);
    return step;
  }

  /** It did not come to pass. @param {Step} step */
  forget(step) {
    this.steps = this.steps.filter((other) => other !== step);
    this.changed(this.last);
  }

  /** Takes a step back, once. What is refused has reported why, and is not tried again. @param {Step | null} [step] */
  async run(step = this.last) {
    if (!step || !this.steps.includes(step)) return;
    this.forget(step);
    if (await step.takeBack()) this.undone(step);
  }
}
