// @ts-check
/** The records of a room, by model: a snapshot, and the events after it. Pure: no sockets, no time. */

/**
 * @typedef {import('./envelope.js').Frame} Frame
 * @typedef {string | number} RecordId as it is in JSON
 * @typedef {Record<string, unknown> & {id: RecordId}} LiveRecord
 * @typedef {{seq: number, epoch: string, records: Record<string, LiveRecord[]>}} RecordSnapshot
 *
 * @typedef {object} Change of the records of one model
 * @property {string} model
 * @property {RecordId[]} added
 * @property {RecordId[]} updated
 * @property {RecordId[]} removed
 *
 * @typedef {object} Outcome
 * @property {Change[]} changes
 * @property {boolean} isStale whether an event did not say everything, so that a snapshot is needed
 */

export class Records {
  /** @type {Map<string, Map<RecordId, LiveRecord>>} */
  #maps = new Map();
  /** @type {number | null} the event that the records are at; null: no snapshot came so far */
  #seq = null;
  /** @type {Frame[] | null} what came since a snapshot was asked for; null: none is on its way */
  #pending = null;

  get isLoaded() {
    return this.#seq !== null;
  }

  /**
   * Return the records of a model: always the same map, whatever happens to its content.
   *
   * @param {string} model
   * @returns {Map<RecordId, LiveRecord>}
   */
  of(model) {
    const map = this.#maps.get(model) ?? new Map();
    this.#maps.set(model, map);
    return map;
  }

  /** A snapshot is asked for: events that come meanwhile are applied to it, too. */
  expectSnapshot() {
    this.#pending = [];
  }

  /**
   * @param {RecordSnapshot} snapshot
   * @returns {Outcome}
   */
  replace({ seq, records }) {
    const models = new Set([...this.#maps.keys(), ...Object.keys(records)]);
    const changes = [...models].map((model) => this.#replaceModel(model, records[model] ?? []));
    this.#seq = seq;
    const pending = this.#pending ?? [];
    this.#pending = null;
    const outcomes = pending.map((frame) => this.receive(frame));
    return {
      changes: [...changes, ...outcomes.flatMap((outcome) => outcome.changes)].filter(isChange),
      isStale: outcomes.some(({ isStale }) => isStale),
    };
  }

  /**
   * @param {Frame} frame a logged event of the room
   * @returns {Outcome}
   */
  receive(frame) {
    const seq = frame.seq ?? 0;
    this.#pending?.push(frame);
    if (this.#seq === null || seq <= this.#seq) return { changes: [], isStale: false };
    this.#seq = seq;
    const change = { model: frame.data.model, added: [], updated: [], removed: [] };
    const isStale = this.#apply(frame, change);
    // One that waits for a snapshot already needs no second.
    return { changes: [change].filter(isChange), isStale: isStale && this.#pending === null };
  }

  /** @returns {Outcome} the user may not read the room any more */
  clear() {
    this.#pending = null;
    return this.replace({ seq: this.#seq ?? 0, epoch: '', records: {} });
  }

  /**
   * @param {Frame} frame
   * @param {Change} change filled with what happened
   * @returns {boolean} whether the event did not say everything
   */
  #apply({ event, data }, change) {
    if (!['record_created', 'record_updated', 'record_deleted'].includes(event)) return false;
    const map = this.of(data.model);
    const known = map.get(data.id);
    if (event === 'record_deleted') {
      if (map.delete(data.id)) change.removed.push(data.id);
      return data.truncated === true;
    }
    // Content that was deleted since is blank in a replay: only a snapshot says what became of the record.
    if (data.truncated || data.redacted) return true;
    if (event === 'record_created') {
      map.set(data.id, { ...data.record, id: data.id });
      (known ? change.updated : change.added).push(data.id);
    } else {
      if (!known) return true;
      map.set(data.id, { ...known, ...data.changes });
      change.updated.push(data.id);
    }
    return false;
  }

  /**
   * @param {string} model
   * @param {LiveRecord[]} records
   * @returns {Change}
   */
  #replaceModel(model, records) {
    const map = this.of(model);
    const before = new Map(map);
    map.clear();
    /** @type {Change} */
    const change = { model, added: [], updated: [], removed: [] };
    for (const record of records) {
      const known = before.get(record.id);
      const isSame = known !== undefined && isEqual(known, record);
      // A record that is the same stays the same object.
      map.set(record.id, isSame ? known : record);
      if (known === undefined) change.added.push(record.id);
      else if (!isSame) change.updated.push(record.id);
    }
    change.removed = [...before.keys()].filter((id) => !map.has(id));
    return change;
  }
}

/** @param {Change} change */
function isChange({ added, updated, removed }) {
  return added.length + updated.length + removed.length > 0;
}

/**
 * @param {any} one
 * @param {any} other
 * @returns {boolean} whether the two are the same JSON, in whatever order their fields are
 */
function isEqual(one, other) {
  if (one === other) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => name in other && isEqual(one[name], other[name]));
}
