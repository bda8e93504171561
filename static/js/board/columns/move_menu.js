// @ts-check
/** The menu that moves a card without dragging it. */

import { t } from '../language/language.js';
import { openMenu } from '../ui/menu.js';
import { STATUS_NAMES, STATUSES } from '../language/words.js';

/**
 * @typedef {import("../state/pending.js").Place} Place
 * @typedef {{label: string, place: Place | null}} Choice no place: not possible from here
 */

/**
 * @param {{status: import("../language/words.js").Status, index: number, order: number[]}} at where the card is
 * @returns {Choice[]}
 */
export function choices({ status, index, order }) {
  const columns = STATUSES.map((other) => ({
    label: STATUS_NAMES[other],
    place: other === status ? null : { status: other, beforeId: null },
  }));
  return [
    ...columns,
    { label: t('Move up'), place: index > 0 ? { status, beforeId: order[index - 1] } : null },
    { label: t('Move down'), place: index < order.length - 1 ? { status, beforeId: order[index + 2] ?? null } : null },
  ];
}

/**
 * @param {HTMLElement} card
 * @param {Choice[]} items
 * @param {(place: Place) => void} choose
 * @returns {import("../ui/menu.js").Menu}
 */
export function openMoveMenu(card, items, choose) {
  return openMenu(card, {
    label: t('Move to'),
    items: items.map(({ label, place }) => ({ label, act: place && (() => choose(place)) })),
    inset: 12,
  });
}
