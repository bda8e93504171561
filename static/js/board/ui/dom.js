// @ts-check
/** Small help with the document: cloning the page's templates and finding their parts. */

/**
 * A copy of the first element in `<template id="template-…">`.
 *
 * @param {string} name the id without `template-`
 * @returns {HTMLElement}
 */
export function clone(name) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(`template-${name}`));
  return /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
}

/**
 * The one element of `root` that a selector names; the page's own markup promises that it is there.
 *
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {T}
 */
export function find(root, selector) {
  const element = root.querySelector(selector);
  if (!element) throw new Error(`The page has no ${selector}.`);
  return /** @type {T} */ (element);
}

/**
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} name of a `data-part`
 * @returns {T}
 */
export function part(root, name) {
  return find(root, `[data-part="${name}"]`);
}

/**
 * Writes an attribute only where it differs, so that observers and animations see real changes alone.
 *
 * @param {Element} element
 * @param {string} name
 * @param {string | null} value null takes the attribute away
 */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {EventTarget | null} target @returns {boolean} whether keys pressed there are meant as text */
export function takesText(target) {
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable]') !== null;
}

/** Whether keys are pressed with ⌘ here, rather than with Ctrl. */
export const isMac = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.platform ?? '');
