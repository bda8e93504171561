// @ts-check
/** What the page reports of its user in passing: presence, typing, the open task. Nothing of it is kept for later. */

/** While the user types this is sent again, milliseconds. The server forgets after 6 s. */
export const TYPING_RENEWAL = 2_500;

/**
 * @typedef {import('./subscriptions.js').Link} Link
 * @typedef {import('./presence.js').Status} Status
 */

export class Hints {
  /** @type {number | null} the task whose panel is open */
  #viewing = null;
  /** @type {Map<string, number>} task and field → when it was last sent that the user types there */
  #typing = new Map();
  /** @type {Status | null} as the present link has it; null: uncertain */
  #sent = 'online';
  #link;
  #clock;
  #status;

  /**
   * @param {object} options
   * @param {Link} options.link
   * @param {import('./clock.js').Clock} options.clock
   * @param {() => Status} options.status
   */
  constructor({ link, clock, status }) {
    this.#link = link;
    this.#clock = clock;
    this.#status = status;
  }

  /** There is a new link, which knows nothing: before the joins, so that no client sees the user come as another. */
  opened() {
    this.#sent = 'online';
    this.#typing.clear();
    this.presence().catch(() => {});
    if (this.#viewing !== null) this.#send('task_viewing', { task_id: this.#viewing }).catch(() => {});
  }

  /** @returns {Promise<{status: Status}>} at once where there is no link: it is sent with the next one */
  async presence() {
    const status = this.#status();
    if (!this.#link.ready || status === this.#sent) return { status };
    this.#sent = status;
    await this.#send('presence_update', { status }).catch((error) => {
      this.#sent = null;
      throw error;
    });
    return { status };
  }

  /**
   * May be called with every key: it is sent once in a while.
   *
   * @param {number} taskId
   * @param {boolean} isTyping
   * @param {string} [field] none: a comment
   */
  async typing(taskId, isTyping, field) {
    const key = `${taskId} ${field ?? ''}`;
    const sentAt = this.#typing.get(key);
    if (!this.#link.ready) return {};
    if (isTyping ? this.#clock.now() - (sentAt ?? -Infinity) < TYPING_RENEWAL : sentAt === undefined) return {};
    if (isTyping) this.#typing.set(key, this.#clock.now());
    else this.#typing.delete(key);
    return this.#send('user_typing', { task_id: taskId, is_typing: isTyping, field });
  }

  /** @param {number} taskId a comment is sent there, with which the server ends the typing */
  commented(taskId) {
    this.#typing.delete(`${taskId} `);
  }

  /** @param {number | null} taskId */
  async viewing(taskId) {
    if (taskId === this.#viewing) return {};
    this.#viewing = taskId;
    return this.#link.ready ? this.#send('task_viewing', { task_id: taskId }) : {};
  }

  /**
   * @param {string} event
   * @param {any} data
   * @returns {Promise<any>}
   */
  #send(event, data) {
    return new Promise((resolve, reject) => {
      this.#link.request(event, data, (error, answer) => {
        // A connection that broke: the next one gets what still holds.
        if (error && error.code !== 'connection_lost') reject(error);
        else resolve(answer ?? {});
      });
    });
  }
}
