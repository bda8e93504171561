// @ts-check
/** Tells the others that a comment is being written, seldom enough to cost nothing, and that it is not any more. */

const AGAIN = 3000; // ms between two signs of the same writing
const PAUSE = 5000; // ms without a key after which nobody is writing

export class TypingSignal {
  /** @param {(isTyping: boolean) => void} tell */
  constructor(tell) {
    this.tell = tell;
    /** ms; 0: not typing */
    this.toldAt = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.pause = undefined;
  }

  /** A key was pressed. @param {boolean} hasText whether there is anything written */
  typed(hasText) {
    if (!hasText) return this.stopped();
    const now = Date.now();
    if (now - this.toldAt >= AGAIN) {
      this.toldAt = now;
      this.tell(true);
    }
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.stopped(), PAUSE);
  }

  /** It was sent, given up or left. */
  stopped() {
    clearTimeout(this.pause);
    if (!this.toldAt) return;
    this.toldAt = 0;
    this.tell(false);
  }
}
