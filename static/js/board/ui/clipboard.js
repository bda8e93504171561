// @ts-check
/** Copying text, also where the page has no TLS and so no clipboard of its own. */

/** @param {string} text @returns {Promise<boolean>} whether it was copied */
export async function copyText(text) {
  const copied = await navigator.clipboard?.writeText(text).then(
    () => true,
    () => false,
  );
  return copied || copyBySelection(text);
}

/** @param {string} text @returns {boolean} */
function copyBySelection(text) {
  const { activeElement } = document;
  const field = document.createElement('textarea');
  field.className = 'visually-hidden';
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (activeElement instanceof HTMLElement) activeElement.focus({ preventScroll: true });
  return copied;
}
