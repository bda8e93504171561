// @ts-check
/** The second press of a double click means what the first one meant, or nothing: it was aimed at what was there before. */

const CONTROLS = 'a, button, input, select, textarea, label, summary';

/** Follows all presses of the page, before anything else does. */
export function guardPresses() {
  /** @type {Element | null} */
  let first = null;
  addEventListener(
    'click',
    (event) => {
      const control = controlAt(event.target);
      if (event.detail <= 1) first = control;
      else if (control !== first || isSubmit(control)) drop(event);
    },
    true,
  );
  addEventListener('submit', sendOnce);
  // A page that the browser kept is used anew.
  addEventListener('pageshow', ({ persisted }) => persisted && document.querySelectorAll('[data-sent]').forEach((form) => form.removeAttribute('data-sent')));
}

/** A form that leads to another page is sent once. @param {SubmitEvent} event */
function sendOnce(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (event.defaultPrevented || form.method !== 'post') return;
  if (form.hasAttribute('data-sent')) event.preventDefault();
  form.setAttribute('data-sent', '');
}

/** @param {EventTarget | null} target @returns {Element | null} */
function controlAt(target) {
  return target instanceof Element ? (target.closest(CONTROLS) ?? target) : null;
}

/** @param {Element | null} control @returns {boolean} */
function isSubmit(control) {
  return control instanceof HTMLButtonElement && control.type === 'submit' && control.form !== null;
}

/** @param {Event} event */
function drop(event) {
  event.preventDefault();
  event.stopImmediatePropagation();
}
