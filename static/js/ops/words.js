// @ts-check
/** Figures in words: short, and with a unit that fits. */

import { decimals, t } from '../board/language/language.js';

/** @param {number} value @returns {string} with as many digits as say something */
export function rate(value) {
  if (value >= 10_000) return `${decimals(value / 1000, value >= 100_000 ? 0 : 1)} k`;
  if (value >= 100 || value === 0) return value.toFixed(0);
  return decimals(value);
}

/** @param {number} value a whole one */
export function count(value) {
  return value >= 10_000 ? rate(value) : String(value);
}

/** @param {number | null} seconds */
export function milliseconds(seconds) {
  if (seconds === null) return '–';
  if (seconds >= 1) return `${decimals(seconds)} s`;
  const value = seconds * 1000;
  return `${decimals(value, value >= 10 ? 0 : 1)} ms`;
}

/** @param {number | null} bytes */
export function memory(bytes) {
  return bytes === null ? '–' : `${decimals(bytes / 2 ** 20, 0)} MiB`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return t('{days} d {hours} h', { days, hours: hours % 24 });
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${Math.max(0, Math.floor(seconds))} s`;
}
