// @ts-check
/** What every page can do: another appearance or language, and signing out. */

import { t } from '../language/language.js';
import { languageItems } from '../language/language_choice.js';
import { themeItems } from '../page/theme.js';

/** @returns {import("./palette.js").Action[]} those that change something */
export function commonActions() {
  const named = (/** @type {string} */ name, /** @type {import("../ui/menu.js").Item[]} */ items) =>
    items.filter(({ isChosen }) => !isChosen).map(({ label, act }) => ({ label: t('{setting}: {choice}', { setting: name, choice: label }), act: () => act?.(), isRare: true }));
  const button = /** @type {HTMLButtonElement | null} */ (document.querySelector('[data-sign-out]'));
  return [
    ...named(t('Appearance'), themeItems()),
    ...(document.querySelector('[data-languages]') ? named(t('Language'), languageItems()) : []),
    ...(button ? [{ label: t('Sign out'), act: () => button.form?.requestSubmit(button) }] : []),
  ];
}
