// @ts-check
/** Figures in words: short, and with a unit that fits. */

/** @param {number} value @returns {string} with as many digits as say something */
export function rate(value) {
  if (value >= 10_000) return `${(value / 1000).toFixed(value >= 100_000 ? 0 : 1)} k`;
  if (value >= 100 || value === 0) return value.toFixed(0);
  return value.toFixed(1);
}

/** @param {number} value a whole one */
export function count(value) {
  return value >= 10_000 ? rate(value) : String(value);
}

/** @param {number | null} seconds */
export function milliseconds(seconds) {
  if (seconds === null) return '–';
  if (seconds >= 1) return `${seconds.toFixed(1)} s`;
  const value = seconds * 1000;
  return `${value >= 10 ? value.toFixed(0) : value.toFixed(1)} ms`;
}

/** @param {number | null} bytes */
export function memory(bytes) {
  return bytes === null ? '–' : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const [days, hours, minutes] = [86_400, 3_600, 60].map((unit) => Math.floor(seconds / unit));
  if (days) return `${days} d ${hours % 24} h`;
  if (hours) return `${hours} h ${minutes % 60} min`;
  return minutes ? `${minutes} min` : `${Math.max(0, Math.floor(seconds))} s`;
}
