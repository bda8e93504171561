// @ts-check
/**
 * Scroll anchoring: what one looks at stays where it is on the screen while others change the column around it.
 * The browsers' own (`overflow-anchor`) knows nothing of the focus and gives up where cards change places, and
 * Safari has none.
 */

/** @typedef {{list: HTMLElement, slot: HTMLElement, top: number}} Anchor `top`: px below the upper edge of `list` */

/**
 * Looks at nothing but the list where no focus is in it: that is most of the time.
 *
 * @param {HTMLElement} list scrolls, and is the offset parent of the slots
 * @param {() => readonly HTMLElement[]} findSlots in their order; those that are moved themselves hold nothing
 * @returns {Anchor | null} the slot that has the focus or else, once one has scrolled, the first that is seen
 */
export function anchorIn(list, findSlots) {
  const { scrollTop, clientHeight } = list;
  const { activeElement } = document;
  const hasFocus = list.contains(activeElement);
  if (!hasFocus && !scrollTop) return null;
  const slots = findSlots();
  const isSeen = (/** @type {HTMLElement} */ { offsetTop, offsetHeight }) =>
    offsetTop + offsetHeight > scrollTop && offsetTop < scrollTop + clientHeight;
  const focused = hasFocus ? slots.find((slot) => slot.contains(activeElement)) : undefined;
  const slot = focused && isSeen(focused) ? focused : scrollTop > 0 ? slots.find(isSeen) : undefined;
  return slot ? { list, slot, top: slot.offsetTop - scrollTop } : null;
}

/** @param {Anchor} anchor scrolls its list so that the slot is again where it was */
export function holdAt({ list, slot, top }) {
  const shift = slot.offsetTop - list.scrollTop - top;
  if (slot.parentElement === list && shift) list.scrollTop += shift;
}
