// @ts-check
/** The tables of processes and projects. */

import { find } from '../board/ui/dom.js';
import { decimals, t } from '../board/language/language.js';
import { isGone } from './history.js';
import { duration, memory, milliseconds } from './words.js';

/** A loop that is late by so many seconds makes all users wait. */
const LATE = 0.25;

/**
 * @typedef {import('./history.js').Process} Process
 * @typedef {import('./history.js').History} History
 * @typedef {'good' | 'warn' | 'bad' | 'none'} Health
 */

/** @type {Record<string, string>} */
const STATE_NAMES = {
  draining: t('draining'),
  'without database': t('no database'),
  late: t('lagging'),
  running: t('running'),
};

/** @param {{server_time: string, processes: Process[]}} figures @param {History} history */
export function paintProcesses({ server_time, processes }, history) {
  const rows = processes.map((process) => {
    const row = document.createElement('tr');
    const [state, health] = stateOf(process);
    row.dataset.process = process.process;
    row.dataset.state = state;
    const gone = isGone(process);
    const cores = history.cores(process);
    const name = cell(String(process.pid), 'th');
    const host = document.createElement('span');
    host.className = 'ops__host';
    host.textContent = ` ${process.host}`;
    name.append(host);
    row.append(
      name,
      healthCell(gone ? t('gone for {time}', { time: duration(process.silent_for) }) : STATE_NAMES[state], health),
      cell(duration((Date.parse(server_time) - Date.parse(process.started_at)) / 1000)),
      numberCell(gone ? '–' : String(process.connections)),
      numberCell(gone ? '–' : memory(process.memory_bytes)),
      numberCell(gone || cores === null ? '–' : `${decimals(cores * 100, 0)} %`),
      numberCell(gone ? '–' : milliseconds(process.loop_lag)),
      gone ? cell('–') : seesCell(process.sees_database),
      gone ? cell('–') : seesCell(process.sees_redis),
    );
    return row;
  });
  find(document, '[data-processes]').replaceChildren(...rows);
}

/** @param {{project_id: number, name: string, people: number, connections: number}[]} projects */
export function paintProjects(projects) {
  find(document, '[data-no-projects]').hidden = projects.length > 0;
  find(document, '[data-projects-region]').hidden = projects.length === 0;
  const rows = projects.map((project) => {
    const row = document.createElement('tr');
    row.dataset.projectId = String(project.project_id);
    const name = cell(project.name, 'th');
    name.classList.add('ops__name');
    row.append(name, numberCell(String(project.people)), numberCell(String(project.connections)));
    return row;
  });
  find(document, '[data-projects]').replaceChildren(...rows);
}

/** @param {Process} process @returns {[string, Health]} */
function stateOf(process) {
  if (isGone(process)) return ['gone', 'bad'];
  if (process.draining) return ['draining', 'warn'];
  if (!process.sees_database) return ['without database', 'bad'];
  if (process.loop_lag > LATE) return ['late', 'warn'];
  return ['running', 'good'];
}

/** @param {string} text @param {'td' | 'th'} [name] */
function cell(text, name = 'td') {
  const made = document.createElement(name);
  if (name === 'th') made.setAttribute('scope', 'row');
  made.textContent = text;
  return made;
}

/** @param {string} text */
function numberCell(text) {
  const made = cell(text);
  made.className = 'ops__number';
  return made;
}

/** @param {string} text @param {Health} health */
function healthCell(text, health) {
  const made = cell('');
  const mark = document.createElement('span');
  mark.className = 'health';
  mark.dataset.health = health;
  mark.textContent = text;
  made.append(mark);
  return made;
}

/** @param {boolean | null} sees null: there is none */
function seesCell(sees) {
  if (sees === null) return healthCell(t('not used'), 'none');
  return sees ? healthCell(t('connected'), 'good') : healthCell(t('unreachable'), 'bad');
}
