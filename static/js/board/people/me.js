// @ts-check
/** One's own button in the bar: how the others see one, and the menu that changes it. */

import { find, setAttribute, setText } from '../ui/dom.js';
import { t } from '../language/language.js';
import { openMenu } from '../ui/menu.js';
import { own } from '../page/site.js';
import { IN_SENTENCES, STATE_NAMES } from '../language/words.js';

const CHOICES = /** @type {const} */ (['online', 'busy']);

/**
 * `busy` is a choice and holds for every tab and over reloads, until `online` is chosen again; `idle` comes by itself.
 *
 * @param {{client: import("../../client/client.js").TaskManagerWebSocket, button: HTMLElement, userId: number, items: import("../ui/menu.js").Item[]}} parts `items` what else the menu offers
 */
export function followMe({ client, button, userId, items }) {
  const key = `${own}.presence.${userId}`;
  /** @type {(typeof CHOICES)[number]} */
  let chosen = localStorage.getItem(key) === 'busy' ? 'busy' : 'online';

  const show = (/** @type {string} */ status) => {
    setAttribute(button, 'data-presence-status', status);
    setText(find(button, '[data-me-status]'), `, ${IN_SENTENCES[status]}`);
  };
  const become = (/** @type {(typeof CHOICES)[number]} */ status) => {
    chosen = status;
    show(status);
    client.setPresence(status).catch(() => {}); // sent again with the next connection
  };
  button.addEventListener('click', () =>
    openMenu(button, {
      label: t('Your status'),
      items: [
        ...CHOICES.map((status) => ({
          label: STATE_NAMES[status],
          isChosen: status === chosen,
          act: () => {
            localStorage.setItem(key, status);
            become(status);
          },
        })),
        ...items,
      ],
    }),
  );
  addEventListener('storage', (event) => {
    if (event.key === key) become(event.newValue === 'busy' ? 'busy' : 'online');
  });
  client.on('presence', ({ users }) => {
    const own = users.find((user) => user.user_id === userId);
    if (own) show(own.status); // the one of all tabs and devices together
  });
  if (chosen === 'busy') become(chosen);
}
