// @ts-check
/** The tiles at the top: a figure, its unit, a plot of five minutes. */

import { setAttribute, setText } from '../board/ui/dom.js';
import { t, tn } from '../board/language/language.js';
import { KEPT } from './history.js';
import { draw, makePlot } from './plot.js';
import { count, milliseconds, rate } from './words.js';

/**
 * @typedef {import('./history.js').History} History
 * @typedef {import('./history.js').Point} Point
 *
 * @typedef {object} Tile
 * @property {string} name
 * @property {string} label
 * @property {string} unit
 * @property {(point: Point) => number | null} plot
 * @property {(point: Point, history: History) => string} value
 * @property {(history: History, point: Point) => string} [more]
 * @property {(history: History, point: Point) => boolean} [alarm]
 */

/** @param {string} counter @returns {(point: Point) => number} */
const per = (counter) => (point) => point.rates[counter] ?? 0;

/** @param {string} counter @returns {Pick<Tile, 'plot' | 'value' | 'unit'>} */
const perSecond = (counter) => ({ plot: per(counter), value: (point) => rate(per(counter)(point)), unit: t('per second') });

/** @param {History} history @param {string} counter */
const total = (history, counter) => history.totals[counter] ?? 0;

/** @param {string} counter @returns {Pick<Tile, 'plot' | 'value' | 'unit'>} since the page was opened */
const soFar = (counter) => ({ plot: per(counter), value: (_, history) => count(total(history, counter)), unit: t('total') });

/** @type {Tile[]} */
const TILES = [
  { name: 'connections', label: t('Sockets'), unit: t('open'), plot: (point) => point.connections, value: (point) => count(point.connections) },
  { name: 'client_events', label: t('Client events'), ...perSecond('client_events') },
  { name: 'events', label: t('Events published'), ...perSecond('events'), more: (history) => tn(total(history, 'gaps_filled'), '{count} reread from the log', '{count} reread from the log') },
  { name: 'deliveries', label: t('Deliveries'), ...perSecond('deliveries') },
  {
    name: 'lag',
    label: t('Save to socket, p99'),
    unit: '',
    plot: (point) => point.lag99,
    value: (point) => milliseconds(point.lag99),
    more: (_, point) => (point.lag50 === null ? t('nothing published recently') : t('median {time}', { time: milliseconds(point.lag50) })),
    alarm: (_, point) => (point.lag99 ?? 0) > 2,
  },
  {
    name: 'errors',
    label: t('Errors sent to clients'),
    ...perSecond('errors'),
    more: (history) => t('{all} total, {ours} internal', { all: total(history, 'errors'), ours: total(history, 'internal') }),
    alarm: (history) => total(history, 'internal') > 0,
  },
  { name: 'limited', label: t('Rate limited'), ...perSecond('limited'), more: (history) => t('{all} total, {cut} disconnected', { all: total(history, 'limited'), cut: total(history, 'floods') }) },
  {
    name: 'slow_readers',
    label: t('Slow readers disconnected'),
    ...soFar('slow_readers'),
  },
  {
    name: 'rings_lost',
    label: t('Lost publications'),
    ...soFar('rings_lost'),
    more: () => t('delivered by the sweep instead'),
  },
  {
    name: 'late',
    label: t('Event loop lag'),
    unit: t('at most'),
    plot: (point) => point.late,
    value: (point) => milliseconds(point.late),
    alarm: (_, point) => point.late > 1,
  },
];

export class Tiles {
  /** @type {Map<string, {item: HTMLElement, value: HTMLElement, more: HTMLElement, plot: SVGSVGElement}>} */
  #parts = new Map();

  /** @param {HTMLElement} list */
  constructor(list) {
    for (const { name, label, unit } of TILES) {
      const item = element('li', 'tile');
      item.dataset.tile = name;
      const figure = element('span', 'tile__value');
      const value = element('span', '');
      value.dataset.value = '';
      figure.append(value, ' ', element('span', 'tile__unit', unit));
      const more = element('span', 'tile__more');
      const plot = makePlot();
      item.append(element('span', 'tile__label', label), figure, more, plot);
      list.append(item);
      this.#parts.set(name, { item, value, more, plot });
    }
  }

  /** @param {History} history @param {Point} point the newest of it */
  paint(history, point) {
    for (const tile of TILES) {
      const parts = /** @type {any} */ (this.#parts.get(tile.name));
      setText(parts.value, tile.value(point, history));
      setText(parts.more, tile.more?.(history, point) ?? '');
      setAttribute(parts.item, 'data-alarm', tile.alarm?.(history, point) ? '' : null);
      draw(parts.plot, history.points.map(tile.plot), KEPT);
    }
  }
}

/** @param {string} name @param {string} className @param {string} [text] */
function element(name, className, text = '') {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
