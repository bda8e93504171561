// @ts-check
/** The languages that one can choose, by the form that pages without a menu show as it is. */

import { find } from '../ui/dom.js';
import { language } from './language.js';

/** @returns {import("../ui/menu.js").Item[]} one of which is the page's */
export function languageItems() {
  const form = /** @type {HTMLFormElement} */ (find(document, '[data-languages]'));
  return [...form.querySelectorAll('button')].map((button) => ({
    label: button.textContent?.trim() ?? '',
    lang: button.lang,
    isChosen: button.value === language,
    act: () => {
      // The server knows nothing of what stands behind the `#`: the task that is open.
      /** @type {HTMLInputElement} */ (find(form, '[name=next]')).value = location.pathname + location.search + location.hash;
      form.requestSubmit(button);
    },
  }));
}
