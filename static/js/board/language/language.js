// @ts-check
/** The page's language: its texts, plurals, lists and the locale of its dates. English stands in the code; others are learnt. */

/** @typedef {Record<string, string | Record<string, string>>} Texts by the English text; by the kind of number where one is counted */

const root = globalThis.document?.documentElement;

/** @type {string} such as `de` */
export const language = root?.lang || 'en';

/** The one that the user prefers among those of the language: `de-CH` writes other dates than `de-DE`. @type {string} */
export const locale = (root && navigator.languages.find((tag) => tag.split('-')[0] === language)) || language;

const plurals = new Intl.PluralRules(language);
const lists = new Intl.ListFormat(language === 'en' ? 'en-GB' : language);

const POINT = new Intl.NumberFormat(language).format(1.5)[1];

/** From `static/js/texts/`, which a page loads before its own code. @type {Texts} */
const texts = globalThis.taskrealtimeTexts ?? {};

/**
 * A text of the page. `make words` finds it by this call, so it must be written out here, whole, with `{names}` for what
 * is put into it.
 *
 * @param {string} text in English
 * @param {Record<string, string | number>} [values]
 * @returns {string} in the page's language; in English where it is not translated
 */
export function t(text, values) {
  const known = texts[text];
  return fill(typeof known === 'string' ? known : text, values);
}

/**
 * A text that counts something; `{count}` is the number.
 *
 * @param {number} count
 * @param {string} one in English, for one
 * @param {string} many in English, for any other number
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function tn(count, one, many, values) {
  const kind = plurals.select(count);
  const known = texts[one];
  const text = (typeof known === 'object' && (known[kind] ?? known.other)) || (kind === 'one' ? one : many);
  return fill(text, { count, ...values });
}

/**
 * What the server answers: its texts are in English.
 *
 * @param {string} message
 * @returns {string} in the page's language; "" where it has no words for it
 */
export function said(message) {
  if (language === 'en') return message;
  const number = /\d+/.exec(message)?.[0] ?? '';
  const known = texts[message] ?? texts[message.replace(number, '{number}')];
  return typeof known === 'string' ? fill(known, { number }) : '';
}

/** @param {readonly string[]} items @returns {string} `a, b and c` */
export function listed(items) {
  return lists.format(items);
}

/** @param {number} value @param {number} [digits] behind the point @returns {string} `1.5`, or `1,5` */
export function decimals(value, digits = 1) {
  return value.toFixed(digits).replace('.', POINT);
}

/** @param {string} text @param {Record<string, string | number>} [values] @returns {string} */
function fill(text, values) {
  return values ? text.replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all)) : text;
}
