// @ts-check
/**
 * Where a user's unanswered changes outlive the page: IndexedDB of this origin, each change marked with its user and its tab.
 *
 * A tab holds a Web Lock for as long as it lives. So another one, or the same after a reload, knows what was left by tabs that
 * are gone, and one of them alone takes it over.
 */

/**
 * @typedef {import('./outbox.js').Kept} Kept
 * @typedef {Kept & {user: number, tab: string, order: number}} Stored
 */

const STORE = 'changes';
const NAME = 'taskrealtime';

export class Shelf {
  #userId;
  #name;
  #tab = crypto.getRandomValues(new Uint32Array(4)).join('-');
  /** @type {Map<string, Kept | null>} what is to be written next, by key; null: to be removed */
  #writes = new Map();
  #written = 0;
  /** @type {Map<string, number>} the place of each, by key */
  #orders = new Map();
  #release = () => {};
  /** Settled when others see that this tab lives. */
  #alive;
  /** @type {Promise<IDBDatabase> | null} null: to be opened */
  #database = null;
  /** @type {Promise<void>} */
  #flushed = Promise.resolve();

  /**
   * @param {object} options
   * @param {number} options.userId whose changes: no other user's are seen or sent
   * @param {string} [options.name] of the database: each server of the same host needs its own
   */
  constructor({ userId, name = NAME }) {
    this.#userId = userId;
    this.#name = name;
    this.#alive = this.#live();
  }

  /** @param {Kept} change as it is at the end of this turn */
  put(change) {
    this.#write(change.key, change);
  }

  /** @param {string} key */
  remove(key) {
    this.#write(key, null);
  }

  /**
   * Takes over what tabs that are gone left. Where the browser has no locks (a page without TLS) every tab does: the keys
   * see to it that nothing is done twice.
   *
   * @returns {Promise<Kept[]>} the oldest first
   */
  async adopt() {
    await this.#alive;
    const take = async () => {
      const living = await livingTabs(this.#lock);
      return this.#take((tab) => tab !== this.#tab && !living.has(tab));
    };
    return locks() ? locks().request(`${this.#name}.adopt.${this.#userId}`, take) : take();
  }

  /** @returns {Promise<number>} how many changes of the user, of every tab, have no answer so far */
  async count() {
    await this.#flushed;
    let count = 0;
    await this.#change(() => (count += 1));
    return count;
  }

  /** Forgets all changes of the user, of every tab. */
  async clear() {
    this.#writes.clear();
    await this.#change((store, stored) => store.delete(stored.key));
  }

  /** This tab no longer sends what lies here: another one may. */
  async close() {
    await this.#flushed;
    this.#release();
  }

  /**
   * All that changes in one turn is written at once, so that a crash between two of them leaves neither or both.
   *
   * @param {string} key
   * @param {Kept | null} change
   */
  #write(key, change) {
    if (!this.#writes.size) this.#flushed = Promise.resolve().then(() => this.#flush());
    this.#writes.set(key, change);
  }

  async #flush() {
    await this.#alive;
    const writes = [...this.#writes];
    this.#writes.clear();
    await this.#transact((store) => {
      for (const [key, change] of writes) {
        if (change) store.put(this.#stored(change));
        else {
          store.delete(key);
          this.#orders.delete(key);
        }
      }
      store.transaction.commit?.();
    });
  }

  /** @param {Kept} change @returns {Stored} */
  #stored({ event, data, key, at, follows, placeholder, note, firstSentAt }) {
    const order = this.#orders.get(key) ?? (this.#written += 1);
    this.#orders.set(key, order);
    return { event, data: JSON.parse(JSON.stringify(data)), key, at, follows, placeholder, note, firstSentAt, user: this.#userId, tab: this.#tab, order };
  }

  /** @param {(tab: string) => boolean} isLeft @returns {Promise<Kept[]>} */
  async #take(isLeft) {
    /** @type {Stored[]} */
    const taken = [];
    await this.#change((store, stored) => {
      if (!isLeft(stored.tab)) return;
      taken.push({ ...stored });
      this.#orders.set(stored.key, stored.order);
      store.put({ ...stored, tab: this.#tab });
    });
    return taken.sort((a, b) => a.at - b.at || a.order - b.order);
  }

  /** @param {(store: IDBObjectStore, stored: Stored) => unknown} each for each change of the user */
  async #change(each) {
    await this.#transact((store) => {
      const all = store.index('user').getAll(this.#userId);
      all.onsuccess = () => all.result.forEach((/** @type {Stored} */ stored) => each(store, stored));
    });
  }

  /**
   * Where this browser keeps nothing, or its disk is full, nothing comes of it: changes are still sent from memory.
   *
   * @param {(store: IDBObjectStore) => void} work
   */
  async #transact(work) {
    for (let attempts = 2; attempts--; ) {
      const opening = (this.#database ??= open(this.#name));
      try {
        const transaction = (await opening).transaction(STORE, 'readwrite');
        work(transaction.objectStore(STORE));
        return await ended(transaction).catch(() => {});
      } catch {
        // The browser closed it: that is what clearing its data does.
        if (this.#database === opening) this.#database = null;
      }
    }
  }

  /** What the names of the tabs' locks begin with. */
  get #lock() {
    return `${this.#name}.tab.`;
  }

  /** @returns {Promise<void>} */
  #live() {
    return new Promise((alive) => {
      if (!locks()) return alive();
      const forLife = () => new Promise((release) => (alive(), (this.#release = () => release(undefined))));
      locks().request(this.#lock + this.#tab, forLife).catch(() => alive());
    });
  }
}

/** @returns {any} the browser's lock manager */
function locks() {
  return globalThis.navigator?.locks;
}

/** @param {string} lock what their locks' names begin with @returns {Promise<Set<string>>} the tabs of this origin that hold their lock */
async function livingTabs(lock) {
  const { held = [] } = locks() ? await locks().query() : {};
  const names = held.map((/** @type {{name: string}} */ { name }) => name);
  return new Set(names.filter((/** @type {string} */ name) => name.startsWith(lock)).map((/** @type {string} */ name) => name.slice(lock.length)));
}

/** @param {string} name @returns {Promise<IDBDatabase>} */
function open(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'key' }).createIndex('user', 'user');
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {IDBTransaction} transaction @returns {Promise<void>} */
function ended(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}
