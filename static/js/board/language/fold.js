// @ts-check
/** Text as every search on a page compares it. */

/** @param {string} text @returns {string} without case, accents and ligatures */
export function fold(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
