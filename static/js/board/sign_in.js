// @ts-check
/** The sign-in page: servers never see what follows the `#` of the address that one came for, so the page itself passes it on. */

const { hash } = location;

/** @param {string} next @returns {string} with the fragment */
const complete = (next) => (next && !next.includes('#') ? next + hash : next);

for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('input[name=next]'))) field.value = complete(field.value);
for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('[data-sign-in-link]'))) {
  const url = new URL(link.href);
  const next = url.searchParams.get('next');
  if (!next) continue;
  url.searchParams.set('next', complete(next));
  link.href = url.href;
}
