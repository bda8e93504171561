// @ts-check
/** Gives an open connection a fresh token before the present one ends. */

import { Alarm } from './clock.js';

/** How long before the end, milliseconds; a quarter of the token's time where that is less. */
const AHEAD = 60_000;
const SOONEST = 1_000;
const RETRY = 5_000;

export class Renewal {
  #alarm;
  #clock;
  #tokens;
  #request;
  #log;
  /** What has to be added to this machine's clock to get the server's, milliseconds. */
  #offset = 0;
  #connection = 0;

  /**
   * @param {object} options
   * @param {import('./clock.js').Clock} options.clock
   * @param {import('./tokens.js').Tokens} options.tokens
   * @param {(event: string, data: any, done: import('./requests.js').Done) => void} options.request
   * @param {import('./log.js').Log} options.log
   */
  constructor({ clock, tokens, request, log }) {
    this.#alarm = new Alarm(clock);
    this.#clock = clock;
    this.#tokens = tokens;
    this.#request = request;
    this.#log = log;
  }

  /** @param {{token_expires_at: string, server_time: string}} connected */
  start({ token_expires_at, server_time }) {
    this.#connection += 1;
    this.#offset = Date.parse(server_time) - this.#clock.now();
    this.#plan(token_expires_at);
  }

  stop() {
    this.#connection += 1;
    this.#alarm.clear();
  }

  /** @param {string} expiresAt */
  #plan(expiresAt) {
    const left = Date.parse(expiresAt) - this.#offset - this.#clock.now();
    if (Number.isNaN(left)) return;
    this.#tokens.lasts(left);
    if (!this.#tokens.renewable) return;
    this.#alarm.set(Math.max(SOONEST, left - Math.min(AHEAD, left / 4)), () => this.#renew());
  }

  async #renew() {
    const connection = this.#connection;
    try {
      this.#tokens.forget();
      const token = await this.#tokens.get();
      if (connection !== this.#connection) return;
      this.#request('token_refresh', { token }, (error, data) => {
        if (error) this.#log(`the token was not renewed: ${error.code}`);
        else this.#plan(data.token_expires_at);
      });
    } catch (error) {
      this.#log(`no fresh token: ${error}`);
      // The server ends the connection when the old one is up; until then this may still succeed.
      if (connection === this.#connection) this.#alarm.set(RETRY, () => this.#renew());
    }
  }
}
