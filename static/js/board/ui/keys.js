// @ts-check
/** Pressed keys, whatever input method and keyboard layout they come through. All of a page's keys are listened to here. */

/** What a shortcut's key is called on a keyboard of the US, by its place. */
const PLACES = /^Key([A-Z])$/;

/**
 * Listens to the keys that are meant for the page. Those of an input method, such as the Enter that accepts a
 * conversion, are not.
 *
 * @param {EventTarget} target
 * @param {(event: KeyboardEvent) => void} act
 * @param {boolean} [capture]
 */
export function onKey(target, act, capture = false) {
  target.addEventListener('keydown', (event) => isComposing(/** @type {KeyboardEvent} */ (event)) || act(/** @type {KeyboardEvent} */ (event)), capture);
}

/** Keeps from the browser, too, what an input method takes: Enter submits no form then, and Escape closes no dialog. */
export function leaveKeysToInputMethods() {
  const taken = (/** @type {KeyboardEvent} */ event) => isComposing(event) && ['Enter', 'Escape'].includes(event.key);
  addEventListener('keydown', (event) => taken(event) && event.preventDefault(), true);
}

/** @param {KeyboardEvent} event @returns {boolean} */
function isComposing(event) {
  return event.isComposing || event.keyCode === 229; // Safari ends the composition before it reports the key that ended it
}

/**
 * The key as shortcuts are named. Where a layout has other letters than Latin ones, it is the key at the same place;
 * what such layouts have in the place of `/` are `.` and, with Shift, `,`.
 *
 * @param {KeyboardEvent} event
 * @returns {string}
 */
export function shortcutOf({ key, code, shiftKey }) {
  if (code === 'Slash' && key === (shiftKey ? ',' : '.')) return shiftKey ? '?' : '/';
  if ([...key].length !== 1 || /[\p{Script=Latin}\p{ASCII}]/u.test(key)) return key;
  if (code === 'Slash') return shiftKey ? '?' : '/';
  const letter = PLACES.exec(code)?.[1];
  return (shiftKey ? letter : letter?.toLowerCase()) ?? key;
}
