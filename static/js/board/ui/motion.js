// @ts-check
/** Movement: elements glide from where they were to where they are, and glow when another user changed them. */

const GLIDE = { duration: 260, easing: 'cubic-bezier(0.2, 0.7, 0.2, 1)' };
const APPEAR = { duration: 200, easing: 'ease-out' };
const GLOW = 1800; // ms, as long as the animation in websocket_notifications.css

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** @typedef {Map<HTMLElement, {box: DOMRect, parent: Element | null}>} Places */

/** @returns {boolean} whether movement would be seen and is wanted */
function moves() {
  return !calm.matches && !document.hidden;
}

/** @type {WeakMap<Element, Animation>} */
const gliding = new WeakMap();

/**
 * Where elements are, to be given to `glide` once they have been rearranged. Those that are not visible have no place.
 *
 * @param {Iterable<HTMLElement>} elements
 * @returns {Places}
 */
export function whereabouts(elements) {
  /** @type {Places} */
  const places = new Map();
  if (!moves()) return places;
  for (const element of elements) {
    const box = element.getBoundingClientRect();
    if (isSeen(box)) places.set(element, { box, parent: element.parentElement });
  }
  return places;
}

/**
 * @param {Places} places as they were before the rearrangement
 * @param {Iterable<HTMLElement>} newcomers elements that were not there before: they appear softly
 */
export function glide(places, newcomers = []) {
  if (!moves()) return;
  for (const element of places.keys()) gliding.get(element)?.cancel();
  const moved = [...places].map(([element, { box, parent }]) => ({
    element,
    from: box,
    parent,
    to: element.getBoundingClientRect(),
  }));
  for (const { element, from, parent, to } of moved) {
    if (!element.isConnected) continue;
    if (parent === element.parentElement) slide(element, from, to);
    else fly(element, from, to);
  }
  for (const element of newcomers) run(element, [{ opacity: 0, transform: 'translateY(-6px)' }, {}], APPEAR);
}

/** @param {HTMLElement} element @param {Keyframe[]} frames @param {KeyframeAnimationOptions} options */
function run(element, frames, options) {
  gliding.get(element)?.cancel();
  gliding.set(element, element.animate(frames, options));
}

/**
 * @param {HTMLElement} element
 * @param {DOMRect} from
 * @param {DOMRect} [to] where it is now
 */
export function slide(element, from, to = element.getBoundingClientRect()) {
  const x = from.left - to.left;
  const y = from.top - to.top;
  if (moves() && (x || y)) run(element, [{ transform: `translate(${x}px, ${y}px)` }, {}], GLIDE);
}

/**
 * From one column to another: a copy flies above everything, since a column clips what is in it.
 *
 * @param {HTMLElement} element
 * @param {DOMRect} from
 * @param {DOMRect} to
 */
function fly(element, from, to) {
  const copy = likeness(element, 'flight');
  copy.style.width = `${to.width}px`;
  document.body.append(copy);
  run(element, [{ opacity: 0 }, { opacity: 0 }], GLIDE);
  copy
    .animate(
      [
        { transform: `translate(${from.left}px, ${from.top}px)` },
        { transform: `translate(${to.left}px, ${to.top}px)` },
      ],
      { ...GLIDE, fill: 'both' },
    )
    .finished.finally(() => copy.remove());
}

/** @param {DOMRect} box @returns {boolean} */
function isSeen(box) {
  return box.bottom > 0 && box.top < innerHeight && box.width > 0;
}

/**
 * A lifeless copy, without the attributes by which scripts find the original.
 *
 * @param {HTMLElement} element
 * @param {string} className
 * @returns {HTMLElement}
 */
export function likeness(element, className) {
  const copy = document.createElement('div');
  copy.className = className;
  copy.setAttribute('aria-hidden', 'true');
  const image = /** @type {HTMLElement} */ (element.firstElementChild?.cloneNode(true));
  for (const node of [image, ...image.querySelectorAll('*')]) {
    for (const { name } of [...node.attributes]) {
      if (
        name === 'href' ? node === image : /^(data-(?!hue|overdue|soon|priority)|id$|tabindex$|aria-label$)/.test(name)
      )
        node.removeAttribute(name);
    }
  }
  copy.append(image);
  return copy;
}

/** @type {WeakMap<HTMLElement, ReturnType<typeof setTimeout>>} */
const glowing = new WeakMap();

/** @param {HTMLElement} element marked for a moment as changed by another user */
export function glow(element) {
  clearTimeout(glowing.get(element));
  element.classList.remove('is-changed');
  void element.offsetWidth; // lets the animation start anew
  element.classList.add('is-changed');
  glowing.set(
    element,
    setTimeout(() => element.classList.remove('is-changed'), GLOW),
  );
}
