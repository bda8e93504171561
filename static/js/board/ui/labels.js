// @ts-check
/** The labels that a task carries, and the chips that show them. */

import { setAttribute, setText } from './dom.js';

/**
 * @typedef {import("../reducer.js").Label} Label
 * @typedef {import("../reducer.js").Project} Project
 */

/**
 * @param {{labels?: readonly number[]}} task
 * @param {Readonly<Project>} project
 * @returns {Label[]} in the project's order; what it has no longer is left out
 */
export function labelsOf({ labels: carried = [] }, { labels = [] }) {
  return labels.filter(({ id }) => carried.includes(id));
}

/** @param {HTMLElement} holder @param {readonly Label[]} labels */
export function paintChips(holder, labels) {
  labels.forEach(({ id, name, color }, index) => {
    const chip = holder.children[index] ?? holder.appendChild(document.createElement('span'));
    setAttribute(chip, 'class', 'chip');
    setAttribute(chip, 'dir', 'auto');
    setAttribute(chip, 'data-label-id', String(id));
    setAttribute(chip, 'data-color', color);
    setText(chip, name);
  });
  while (holder.children.length > labels.length) holder.lastElementChild?.remove();
  holder.hidden = !labels.length;
}
