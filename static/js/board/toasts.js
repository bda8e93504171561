// @ts-check
/** Short messages that go by themselves. */

const STAY = 6000; // ms; longer while the pointer or the focus is on it
const MOST = 3;

export class Toasts {
  /** @param {HTMLElement} region `role=status` */
  constructor(region) {
    this.region = region;
  }

  /**
   * @param {string} text
   * @param {{label: string, act: () => void}} [action]
   */
  say(text, action) {
    const toast = document.createElement('div');
    toast.className = 'toast';
    const words = document.createElement('span');
    words.className = 'toast__text';
    words.textContent = text;
    toast.append(words);
    if (action) toast.append(button(action.label, () => (action.act(), toast.remove())));
    toast.append(button('Dismiss', () => toast.remove()));
    while (this.region.children.length >= MOST) this.region.firstElementChild?.remove();
    this.region.append(toast);
    this.#leaveLater(toast);
  }

  /** @param {HTMLElement} toast */
  #leaveLater(toast) {
    setTimeout(() => (toast.matches(':hover, :focus-within') ? this.#leaveLater(toast) : toast.remove()), STAY);
  }
}

/** @param {string} label @param {() => void} act @returns {HTMLButtonElement} */
function button(label, act) {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = 'button';
  element.textContent = label;
  element.addEventListener('click', act);
  return element;
}
