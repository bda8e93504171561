// @ts-check
/** Light or dark: as the system has it, unless the user chose for this browser. The server's pages read the cookie. */

import { t } from '../language/language.js';
import { base } from './site.js';

const YEAR = 365 * 24 * 60 * 60; // s

/** By what the cookie says. @type {Record<string, string>} */
const THEMES = { '': t('System'), light: t('Light'), dark: t('Dark') };

/** @returns {import("../ui/menu.js").Item[]} one of which is chosen */
export function themeItems() {
  const { dataset } = document.documentElement;
  return Object.entries(THEMES).map(([theme, label]) => ({
    label,
    isChosen: theme === (dataset.theme ?? ''),
    act: () => choose(theme),
  }));
}

/** @param {string} theme */
function choose(theme) {
  const root = document.documentElement;
  if (theme) root.dataset.theme = theme;
  else delete root.dataset.theme;
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `theme=${theme}; Path=${base}/; Max-Age=${theme ? YEAR : 0}; SameSite=Lax${secure}`;
}
