// @ts-check
/** In which words two texts differ. Pure. */

/** @typedef {{text: string, isOwn: boolean}} Piece `isOwn`: the other text does not have it there */

/** Words, white space, and each other sign alone; scripts without spaces letter by letter. */
const WORDS = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]\p{M}*|[\p{L}\p{M}\p{N}]+|\s+|./gsu;
const LINES = /[^\n]*\n|[^\n]+/g;
const WORD = 4; // what a word counts, where white space counts one
const MOST = 4_000_000; // pairs that are compared; longer texts are compared by lines

/**
 * @param {string} one
 * @param {string} other
 * @returns {{one: Piece[], other: Piece[]}} both texts, whole, in pieces
 */
export function differences(one, other) {
  const [words, otherWords] = [split(one, WORDS), split(other, WORDS)];
  const [start, end] = shared(words, otherWords);
  const isShort = (words.length - start - end) * (otherWords.length - start - end) <= MOST;
  return isShort ? compare(words, otherWords) : compare(split(one, LINES), split(other, LINES));
}

/** @param {string} text @param {RegExp} into @returns {string[]} */
function split(text, into) {
  return text.match(into) ?? [];
}

/** @param {string[]} one @param {string[]} other @returns {[number, number]} how many are the same at the start, and at the end */
function shared(one, other) {
  const most = Math.min(one.length, other.length);
  let start = 0;
  while (start < most && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < most - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end += 1;
  return [start, end];
}

/** @param {string[]} one @param {string[]} other @returns {{one: Piece[], other: Piece[]}} */
function compare(one, other) {
  const [start, end] = shared(one, other);
  const [middle, otherMiddle] = [one.slice(start, one.length - end), other.slice(start, other.length - end)];
  const isTooLong = middle.length * otherMiddle.length > MOST;
  const [own, otherOwn] = isTooLong ? [middle.map(() => true), otherMiddle.map(() => true)] : ownTokens(middle, otherMiddle);
  return { one: join(one, start, own), other: join(other, start, otherOwn) };
}

/**
 * By the longest sequence that both have, in which white space counts little: words are what is read.
 *
 * @param {string[]} one
 * @param {string[]} other
 * @returns {[boolean[], boolean[]]} of each token whether the other text lacks it
 */
function ownTokens(one, other) {
  const width = other.length + 1;
  const lengths = new Uint16Array((one.length + 1) * width); // of the longest sequence from here on
  const weights = one.map((token) => (token.trim() ? WORD : 1));
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      const at = i * width + j;
      lengths[at] = one[i] === other[j] ? lengths[at + width + 1] + weights[i] : Math.max(lengths[at + width], lengths[at + 1]);
    }
  }
  const own = one.map(() => true);
  const otherOwn = other.map(() => true);
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    const at = i * width + j;
    if (one[i] === other[j]) own[i++] = otherOwn[j++] = false;
    else if (lengths[at + width] >= lengths[at + 1]) i += 1;
    else j += 1;
  }
  return [own, otherOwn];
}

/** @param {string[]} tokens @param {number} start where the middle begins @param {boolean[]} own of the middle's tokens @returns {Piece[]} */
function join(tokens, start, own) {
  /** @type {Piece[]} */
  const pieces = [];
  tokens.forEach((text, index) => {
    const isOwn = own[index - start] ?? false;
    const last = pieces.at(-1);
    if (last?.isOwn === isOwn) last.text += text;
    else pieces.push({ text, isOwn });
  });
  return pieces;
}
