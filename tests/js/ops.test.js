/** What the operations page makes of what processes report. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { History, percentile } from '../../static/js/ops/history.js';
import { paths } from '../../static/js/ops/plot.js';
import { duration, memory, milliseconds, rate } from '../../static/js/ops/words.js';

const START = Date.parse('2026-01-01T00:00:00Z');

/** Figures of processes, `at` seconds after the start. */
function figures(at, ...processes) {
  const whole = processes.map(([process, fields]) => ({
    process,
    silent_for: 0,
    connections: 0,
    loop_lag: 0,
    cpu_seconds: 0,
    errors: {},
    lag: {},
    deliveries: 0,
    ...fields,
  }));
  return { server_time: new Date(START + at * 1000).toISOString(), processes: whole };
}

test('rates are differences of two reports, added up over processes', () => {
  const history = new History();
  assert.equal(history.add(figures(0, ['a', { deliveries: 1000 }], ['b', { deliveries: 50 }])).rates.deliveries, undefined);
  const point = history.add(figures(2, ['a', { deliveries: 1200 }], ['b', { deliveries: 60 }]));
  assert.equal(point.rates.deliveries, 105);
  assert.equal(history.totals.deliveries, 210);
});

test('a report that is shown twice counts once, and one that was missed is made up for', () => {
  const history = new History();
  history.add(figures(0, ['a', {}]));
  history.add(figures(2, ['a', { deliveries: 20 }]));
  assert.equal(history.add(figures(4, ['a', { deliveries: 20, silent_for: 2 }])).rates.deliveries, 10);
  assert.equal(history.add(figures(6, ['a', { deliveries: 60 }])).rates.deliveries, 10);
  assert.equal(history.totals.deliveries, 60);
});

test('a process that is gone counts for nothing, and its successor begins anew', () => {
  const history = new History();
  history.add(figures(0, ['a', { deliveries: 100, connections: 3 }]));
  const gone = history.add(figures(6, ['a', { deliveries: 100, connections: 3, silent_for: 6 }], ['b', { deliveries: 5 }]));
  assert.deepEqual([gone.connections, gone.rates.deliveries], [0, undefined]);
  assert.equal(history.add(figures(8, ['b', { deliveries: 9 }])).rates.deliveries, 2);
});

test('what was rate limited is no error, and an error of ours is one', () => {
  const history = new History();
  history.add(figures(0, ['a', {}]));
  const { rates } = history.add(figures(1, ['a', { errors: { rate_limited: 5, internal: 1, not_found: 2 } }]));
  assert.deepEqual([rates.limited, rates.errors, rates.internal], [5, 3, 1]);
});

test('the lag is of the last ten seconds', () => {
  const history = new History();
  history.add(figures(0, ['a', { lag: { 0.1: 1000, 1.0: 1000, '+Inf': 1000 } }]));
  const slow = history.add(figures(2, ['a', { lag: { 0.1: 1000, 1.0: 1010, '+Inf': 1010 } }]));
  assert.ok(slow.lag99 > 0.9 && slow.lag99 <= 1);
  let later = slow;
  for (let at = 4; at <= 12; at += 2) later = history.add(figures(at, ['a', { lag: { 0.1: 1000, 1.0: 1010, '+Inf': 1010 } }]));
  assert.equal(later.lag99, null);
});

test('percentiles are as Prometheus reckons them', () => {
  const buckets = { 0.01: 50, 0.1: 90, 1: 99, '+Inf': 100 };
  assert.equal(percentile(buckets, 0.5), 0.01);
  assert.ok(Math.abs(percentile(buckets, 0.7) - 0.055) < 1e-9);
  assert.equal(percentile(buckets, 0.999), 1);
  assert.equal(percentile({ '+Inf': 0 }, 0.5), null);
});

test('a plot ends at the right, and has gaps where nothing is known', () => {
  const { line } = paths([1, null, 2], 3);
  assert.equal(line, 'M0.0 21.0M200.0 2.0');
  assert.equal(paths([], 3).line, '');
  assert.doesNotMatch(paths([0, 0], 150).line, /NaN|Infinity/);
});

test('figures are short', () => {
  assert.deepEqual([0, 0.25, 99.94, 1234, 12_345].map(rate), ['0', '0.3', '99.9', '1234', '12.3 k']);
  assert.deepEqual([null, 0.0042, 0.1, 2.5].map(milliseconds), ['–', '4.2 ms', '100 ms', '2.5 s']);
  assert.deepEqual([5, 65, 3700, 90_000].map(duration), ['5 s', '1 min', '1 h 1 min', '1 d 1 h']);
  assert.equal(memory(2 ** 27), '128 MiB');
});
