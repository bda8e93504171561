// @ts-check
/** The menu in which one chooses a task's labels: several, one after the other. */

import { t } from './language.js';
import { openMenu } from './menu.js';

const MOST = 10; // labels of one task

/**
 * @param {HTMLButtonElement} button whose value is the ids that the task carries, as they become
 * @param {{
 *   store: import("./store.js").BoardStore, choose: (label: number, isOn: boolean) => void, edit: () => void,
 *   say: (text: string) => void,
 * }} parts `choose` puts a label on the task or takes it off; `edit` opens the dialog of the project's
 */
export function openLabelsMenu(button, { store, choose, edit, say }) {
  const carried = () => button.value.split(',').filter(Boolean).map(Number);
  const toggle = (/** @type {number} */ id) => {
    const isOn = !carried().includes(id);
    if (isOn && carried().length >= MOST) say(t('A task carries up to {number} labels.', { number: MOST }));
    else choose(id, isOn);
  };
  const labels = store.state?.project.labels ?? [];
  const menu = openMenu(button, {
    label: t('Labels'),
    items: [
      ...labels.map(({ id, name, color }) => ({
        label: name,
        color,
        act: () => toggle(id),
        isChecked: () => carried().includes(id),
      })),
      ...(labels.length ? [] : [{ label: t('There are none yet'), act: null }]),
      ...(store.role === 'owner' ? [{ label: t('Edit labels…'), act: edit }] : []),
    ],
  });
  // By each choice, and where somebody else changes the same task.
  const watch = new MutationObserver(() => (menu.isOpen() ? menu.paint() : watch.disconnect()));
  watch.observe(button, { attributes: true, attributeFilter: ['value'] });
}
