// @ts-check
/** Formatted text as the plain text that it reads as, for one line of an excerpt. Pure: works on what the server rendered. */

/** @type {Record<string, string>} */
const CHARACTERS = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' };

/** @param {{content?: string, content_html?: string}} comment @returns {string} what it says, without Markdown */
export function saidIn({ content = '', content_html: html }) {
  return html ? plainOf(html) : content;
}

/** @param {string} html sanitised @returns {string} */
export function plainOf(html) {
  return html
    .replace(/<input[^>]*\bchecked\b[^>]*>/g, '☑')
    .replace(/<input[^>]*>/g, '☐')
    .replace(/<(?:br|\/?(?:p|li|ul|ol|pre|blockquote|h\d|tr|td|th|hr))\b[^>]*>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name) => CHARACTERS[name])
    .replace(/\s+/g, ' ')
    .trim();
}
