// @ts-check
/** Text as every search on a page compares it. The server does the same (`taskrealtime/folding.py`). */

/** @param {string} text @returns {string} without case, accents and ligatures */
export function fold(text) {
  // Both ways: only so do ß and SS, or the two small sigmas, become the same.
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toUpperCase().toLowerCase().replaceAll('ς', 'σ');
}
