// @ts-check
/** Movement: elements glide from where they were to where they are, and glow when somebody else changed them. */

const GLIDE = { duration: 260, easing: 'cubic-bezier(0.2, 0.7, 0.2, 1)' };
const APPEAR = { duration: 200, easing: 'ease-out' };
const GLOW = 1800; // ms, as long as the animation in websocket_notifications.css
const NEAR = 400; // px outside the window within which a movement is still worth showing

const calm = matchMedia('(prefers-reduced-motion: reduce)');

/** @typedef {Map<HTMLElement, {box: DOMRect, parent: Element | null}>} Places */

/** @returns {boolean} whether movement would be seen and is wanted */
function moves() {
  return !calm.matches && !document.hidden;
}

/**
 * Where elements are on the screen, to be given to `glide` once they have been rearranged.
 *
 * @param {Iterable<HTMLElement>} elements
 * @returns {Places}
 */
export function whereabouts(elements) {
  /** @type {Places} */
  const places = new Map();
  if (!moves()) return places;
  for (const element of elements)
    places.set(element, { box: element.getBoundingClientRect(), parent: element.parentElement });
  return places;
}

/**
 * @param {Places} places as they were before the rearrangement
 * @param {Iterable<HTMLElement>} elements as they are now; those that had no place before appear softly
 */
export function glide(places, elements) {
  if (!moves() || !places.size) return;
  for (const element of elements) {
    const before = places.get(element);
    for (const running of element.getAnimations()) if (running.id === 'glide') running.cancel();
    const box = element.getBoundingClientRect();
    if (!before) appear(element);
    else if (before.parent !== element.parentElement) fly(element, before.box, box);
    else slide(element, before.box, box);
  }
}

/**
 * @param {HTMLElement} element
 * @param {DOMRect} from
 * @param {DOMRect} [to] where it is now
 */
export function slide(element, from, to = element.getBoundingClientRect()) {
  const x = from.left - to.left;
  const y = from.top - to.top;
  if (!moves() || (!x && !y) || !(isNear(from) || isNear(to))) return;
  element.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: 'none' }], { ...GLIDE, id: 'glide' });
}

/**
 * From one column to another: a copy flies above everything, since a column clips what is in it.
 *
 * @param {HTMLElement} element
 * @param {DOMRect} from
 * @param {DOMRect} to
 */
export function fly(element, from, to) {
  if (!moves() || !(isNear(from) || isNear(to))) return;
  const copy = likeness(element, 'flight');
  copy.style.width = `${to.width}px`;
  document.body.append(copy);
  element.animate([{ opacity: 0 }, { opacity: 0 }], { duration: GLIDE.duration, id: 'glide' });
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

/** @param {HTMLElement} element */
function appear(element) {
  element.animate(
    [
      { opacity: 0, transform: 'translateY(-6px)' },
      { opacity: 1, transform: 'none' },
    ],
    { ...APPEAR, id: 'glide' },
  );
}

/** @param {DOMRect} box @returns {boolean} */
function isNear(box) {
  return box.bottom > -NEAR && box.top < innerHeight + NEAR;
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

/** @param {HTMLElement} element marked for a moment as changed by somebody else */
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
