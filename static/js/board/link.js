// @ts-check
/** Takes a link's secret from behind its `#`, where no server and no other page sees it, and posts it as if pasted. */

import { find } from './ui/dom.js';

const form = /** @type {HTMLFormElement} */ (find(document, '[data-link]'));
open();
addEventListener('hashchange', open); // another link, opened in this tab

function open() {
  const secret = location.hash.slice(1);
  if (!secret) return;
  history.replaceState(history.state, '', location.pathname);
  /** @type {HTMLInputElement} */ (find(form, '[name=secret]')).value = secret;
  form.submit();
}
