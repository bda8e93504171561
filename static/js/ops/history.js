// @ts-check
/** From what processes report to what a page shows: rates, sums and percentiles. No document, no clock. */

/** Points that are kept: five minutes of one each two seconds. */
export const KEPT = 150;
/** A process that did not report for so many seconds is gone: two of its reports are missing. */
export const SILENT_AFTER = 5;
/** Tellings over which the lag is taken: ten seconds. */
const LAG_POINTS = 5;

/** What processes count from their start; a page shows how fast, and how often since it was opened. */
const COUNTERS = ['client_events', 'events', 'deliveries', 'slow_readers', 'floods', 'rings_lost', 'gaps_filled'];

/**
 * @typedef {object} Process
 * @property {string} process
 * @property {string} host
 * @property {number} pid
 * @property {string} started_at
 * @property {number} silent_for
 * @property {boolean} draining
 * @property {boolean} sees_database
 * @property {boolean | null} sees_redis
 * @property {number | null} memory_bytes
 * @property {number} cpu_seconds
 * @property {number} loop_lag
 * @property {number} connections
 * @property {Record<string, number>} errors
 * @property {Record<string, number>} lag
 *
 * @typedef {Record<string, number>} Rates per second
 *
 * @typedef {object} Point
 * @property {number} at milliseconds
 * @property {number} connections
 * @property {number} late seconds by which an event loop was late, at the worst
 * @property {Rates} rates by counter, and `limited`, `errors`, `internal`
 * @property {number | null} lag50 seconds; null: nothing was passed on
 * @property {number | null} lag99
 */

export class History {
  /** @type {Point[]} the oldest first */
  points = [];
  /** @type {Record<string, number>} what was counted since the page was opened */
  totals = {};
  /** @type {Map<string, {reportedAt: number, counted: Record<string, number>, lag: Record<string, number>, cpu: number, rates: Rates}>} */
  #last = new Map();
  /** @type {Record<string, number>[]} what was added to the lag's buckets lately */
  #lags = [];

  /**
   * @param {{server_time: string, processes: Process[]}} figures
   * @returns {Point}
   */
  add({ server_time, processes }) {
    const at = Date.parse(server_time);
    /** @type {Rates} */
    const sum = {};
    /** @type {Record<string, number>} */
    const lag = {};
    for (const process of processes) {
      const rates = isGone(process) ? {} : this.#rates(process, at, lag);
      for (const [name, rate] of Object.entries(rates)) sum[name] = (sum[name] ?? 0) + rate;
    }
    this.#forget(processes);
    this.#lags = [...this.#lags, lag].slice(-LAG_POINTS);
    const lately = addUp(this.#lags);
    const here = processes.filter((process) => !isGone(process));
    const point = {
      at,
      connections: here.reduce((count, process) => count + process.connections, 0),
      late: Math.max(0, ...here.map((process) => process.loop_lag)),
      rates: sum,
      lag50: percentile(lately, 0.5),
      lag99: percentile(lately, 0.99),
    };
    this.points = [...this.points, point].slice(-KEPT);
    return point;
  }

  /** @param {Process} process @returns {number | null} how many cores it uses; null: not known yet */
  cores(process) {
    return this.#last.get(process.process)?.rates.cores ?? null;
  }

  /**
   * @param {Process} process
   * @param {number} at
   * @param {Record<string, number>} lag gets what was added to the buckets
   * @returns {Rates}
   */
  #rates(process, at, lag) {
    const reportedAt = at - process.silent_for * 1000;
    const before = this.#last.get(process.process);
    const counted = countedBy(process);
    if (before && reportedAt - before.reportedAt < 200) return before.rates; // the same report once more
    const seconds = before ? (reportedAt - before.reportedAt) / 1000 : 0;
    /** @type {Rates} */
    const rates = {};
    if (before) {
      for (const [name, count] of Object.entries(counted)) {
        const more = Math.max(0, count - (before.counted[name] ?? 0));
        rates[name] = more / seconds;
        this.totals[name] = (this.totals[name] ?? 0) + more;
      }
      rates.cores = (process.cpu_seconds - before.cpu) / seconds;
      for (const [bound, count] of Object.entries(process.lag)) {
        lag[bound] = (lag[bound] ?? 0) + count - (before.lag[bound] ?? 0);
      }
    }
    this.#last.set(process.process, { reportedAt, counted, lag: process.lag, cpu: process.cpu_seconds, rates });
    return rates;
  }

  /** @param {Process[]} processes */
  #forget(processes) {
    const known = new Set(processes.map(({ process }) => process));
    for (const process of this.#last.keys()) if (!known.has(process)) this.#last.delete(process);
  }
}

/** @param {Process} process */
export function isGone(process) {
  return process.silent_for > SILENT_AFTER;
}

/** @param {Process} process @returns {Record<string, number>} */
function countedBy(process) {
  const { rate_limited: limited = 0, internal = 0, ...others } = process.errors;
  const errors = Object.values(others).reduce((sum, count) => sum + count, internal);
  const named = /** @type {Record<string, any>} */ (process);
  return { ...Object.fromEntries(COUNTERS.map((name) => [name, named[name] ?? 0])), limited, internal, errors };
}

/** @param {Record<string, number>[]} parts @returns {Record<string, number>} */
function addUp(parts) {
  /** @type {Record<string, number>} */
  const sum = {};
  for (const part of parts) for (const [name, value] of Object.entries(part)) sum[name] = (sum[name] ?? 0) + value;
  return sum;
}

/**
 * As Prometheus reckons: evenly spread within a bucket; beyond the last bound, that bound.
 *
 * @param {Record<string, number>} buckets by upper bound (`+Inf` last) how many were not more
 * @param {number} share from 0 to 1
 * @returns {number | null} seconds; null: there were none
 */
export function percentile(buckets, share) {
  const bounds = Object.entries(buckets)
    .map(([bound, count]) => /** @type {[number, number]} */ ([bound === '+Inf' ? Infinity : Number(bound), count]))
    .sort(([a], [b]) => a - b);
  const all = bounds.at(-1)?.[1] ?? 0;
  if (!all) return null;
  let [from, below] = [0, 0];
  for (const [bound, count] of bounds) {
    if (count >= share * all) {
      return bound === Infinity ? from : from + ((bound - from) * (share * all - below)) / (count - below || 1);
    }
    [from, below] = [bound, count];
  }
  return from;
}
