// @ts-check
/** The page of the connection test: takes one step after the other, and says how it went. */

import { clone, find, part } from '../board/ui/dom.js';
import { csrfHeaders } from '../board/page/site.js';
import { keptHere } from '../board/page/forgetting.js';
import { t } from '../board/language/language.js';
import { watchSession } from '../board/page/session.js';
import { send } from '../client/http.js';
import { STEPS } from './checks.js';
import { writeReport } from './report.js';

/** @type {Record<string, [mark: string, word: string]>} */
const OUTCOMES = {
  waiting: ['', ''],
  running: ['…', t('running')],
  ok: ['✓', t('passed')],
  warn: ['!', t('passed with a warning')],
  fail: ['✕', t('failed')],
  skipped: ['–', t('skipped')],
};

const list = find(document, '[data-steps]');
const verdict = find(document, '[data-check-verdict]');
const start = /** @type {HTMLButtonElement} */ (find(document, '[data-check-start]'));
const form = /** @type {HTMLFormElement} */ (find(document, '[data-check-form]'));
const report = /** @type {HTMLTextAreaElement} */ (find(document, '[data-report-text]'));
const copy = find(document, '[data-copy-report]');

/** @type {import('./checks.js').Findings | null} */
let running = null;
watchSession({ close: () => running?.socket?.close() }, keptHere());

const around = {
  fetch: (/** @type {string} */ url, /** @type {RequestInit | undefined} */ init) => send(url, { credentials: 'same-origin', cache: 'no-store', ...init }),
  WebSocket,
  origin: location.origin,
  csrfHeaders,
};

showSteps();
form.addEventListener('submit', (event) => {
  event.preventDefault();
  test(Number(new FormData(form).get('hold')));
});
copy.addEventListener('click', async () => {
  report.select();
  // Only over TLS or on this machine; elsewhere the text is marked, to be copied by hand.
  const done = await navigator.clipboard?.writeText(report.value).then(() => true, () => false);
  copy.textContent = done ? t('Copied') : t('Press Ctrl+C');
});

function showSteps() {
  const items = STEPS.map(({ title }) => {
    const item = clone('step');
    part(item, 'title').textContent = title;
    return item;
  });
  list.replaceChildren(...items);
  return items;
}

/** @param {number} hold seconds */
async function test(hold) {
  start.disabled = true;
  verdict.hidden = true;
  find(document, '[data-check-report]').hidden = true;
  copy.textContent = t('Copy');
  const items = showSteps();
  /** @type {import('./checks.js').Findings} */
  const findings = (running = { hold });
  const steps = [];
  for (const [index, step] of STEPS.entries()) {
    show(items[index], { outcome: 'running', result: '' });
    const result = await take(step, findings);
    show(items[index], result);
    steps.push({ title: step.title, ...result });
  }
  findings.socket?.close();
  running = null;
  conclude(steps.map(({ outcome }) => outcome));
  report.value = writeReport({
    steps,
    address: location.origin,
    browser: navigator.userAgent,
    at: new Date().toISOString(),
    userId: document.body.dataset.userId ?? '',
  });
  find(document, '[data-check-report]').hidden = false;
  start.disabled = false;
}

/** @param {import('./checks.js').Step} step @param {import('./checks.js').Findings} findings @returns {Promise<import('./checks.js').Result>} */
async function take(step, findings) {
  if (step.needs && !step.needs(findings)) return { outcome: 'skipped', result: t('An earlier step failed.') };
  try {
    return await step.run(findings, around);
  } catch (error) {
    return { outcome: 'fail', result: t('The test itself failed: {error}', { error: String(error) }), advice: t('Send the report below to your administrator.') };
  }
}

/** @param {HTMLElement} item @param {{outcome: string, result: string, advice?: string}} result */
function show(item, { outcome, result, advice }) {
  const [mark, word] = OUTCOMES[outcome];
  item.dataset.outcome = outcome;
  part(item, 'mark').textContent = mark;
  part(item, 'outcome').textContent = word && `: ${word}`;
  part(item, 'result').textContent = result;
  part(item, 'advice').textContent = advice ?? '';
  part(item, 'advice').hidden = !advice;
}

/** @param {string[]} outcomes */
function conclude(outcomes) {
  const pollWorks = outcomes[outcomes.length - 1] === 'ok';
  const socketsWork = !outcomes.slice(0, -1).some((outcome) => outcome === 'fail' || outcome === 'skipped');
  const [text, kind] =
    socketsWork && pollWorks
      ? [outcomes.includes('warn') ? t('Everything works, with a warning.') : t('Everything works. Boards are live here.'), outcomes.includes('warn') ? 'warn' : '']
      : socketsWork
        ? [t('WebSockets work. The fallback for networks that block them doesn’t.'), 'warn']
        : pollWorks
          ? [t('WebSockets don’t work here. Boards stay live by polling, a little slower.'), 'warn']
          : [t('Boards can’t be live here.'), 'error'];
  verdict.className = `note check__verdict${kind ? ` note--${kind}` : ''}`;
  verdict.textContent = text;
  verdict.hidden = false;
}
