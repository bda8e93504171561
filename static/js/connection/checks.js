// @ts-check
/** The steps of the connection test, each with its result in plain words and what to do. No document. */

import { decimals, t } from '../board/language/language.js';
import { openSocket } from './probe.js';

/** Milliseconds that one step may take. */
const PATIENCE = 12_000;
/** Seconds by which the clocks may differ: an access token lives for minutes. */
const CLOCKS_APART = 30;
/** How many pings are sent, and milliseconds that are slow for their median. */
const PINGS = 9;
const SLOW = 400;
/** Characters of the large frame, both ways; the server takes 256 KiB. */
const LARGE = 64 * 1024;
/** Seconds that the server holds a long poll back where nothing happens. */
const POLL = 2;

/**
 * @typedef {'ok' | 'warn' | 'fail' | 'skipped'} Outcome
 * @typedef {{outcome: Outcome, result: string, advice?: string}} Result
 *
 * @typedef {object} Findings what a step found that later ones need
 * @property {string} [token]
 * @property {any} [server] what the server says that it would do with a socket of this page
 * @property {import('./probe.js').Probe} [socket]
 * @property {any} [connected] data of the frame
 * @property {number} hold seconds that the socket is kept open
 *
 * @typedef {object} Around the browser
 * @property {import('../client/http.js').Fetch} fetch
 * @property {any} WebSocket
 * @property {string} origin such as `https://board.example`
 * @property {() => string} csrfToken
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {(findings: Findings, around: Around) => Promise<Result>} run
 * @property {(findings: Findings) => boolean} [needs] whether it can be tried at all
 */

/** @type {Step[]} */
export const STEPS = [
  { title: t('The server answers over HTTP'), run: reachServer },
  { title: t('You are signed in, and get a token for the socket'), run: getToken },
  { title: t('A socket opens'), run: open, needs: ({ token }) => token !== undefined },
  { title: t('The server lets the socket in'), run: expectConnected, needs: ({ socket }) => socket !== undefined },
  { title: t('Messages go to and fro'), run: ping, needs: isConnected },
  { title: t('A large message comes through unharmed'), run: sendLarge, needs: isConnected },
  { title: t('The socket stays open while nothing happens'), run: hold, needs: isConnected },
  { title: t('The fallback works: long polling'), run: poll },
];

/** @param {Findings} findings */
function isConnected({ connected, socket }) {
  return connected !== undefined && socket?.closed === null;
}

/** @type {Step['run']} */
async function reachServer(findings, { fetch, csrfToken }) {
  const begun = Date.now();
  const answer = await withTimeout(
    fetch('/connection/check/', { method: 'POST', headers: { 'X-CSRFToken': csrfToken() }, redirect: 'manual' }),
  ).catch(() => null);
  const took = Date.now() - begun;
  if (!answer) {
    return fail(t('No answer came.'), t('Is this device online? Otherwise the server is down, or a firewall is between.'));
  }
  if (answer.type === 'opaqueredirect' || answer.status === 403) {
    return fail(t('The server answers, but you are not signed in any more.'), t('Reload this page and sign in.'));
  }
  findings.server = await answer.json().catch(() => null);
  if (!answer.ok || !findings.server) {
    return fail(
      t('Something answered with status {status}, but not this server.', { status: answer.status }),
      t('A proxy answers in its place: whoever runs the server finds more in the log of the proxy.'),
    );
  }
  const apart = (Date.parse(findings.server.server_time) - (begun + took / 2)) / 1000;
  const result = `${t('Answered in {ms} ms.', { ms: took })} ${clocks(apart)}`;
  if (Math.abs(apart) > CLOCKS_APART) return warn(result, t('Set the clock of this device: times on the board are wrong otherwise.'));
  return ok(result);
}

/** @param {number} apart seconds by which the server is ahead */
function clocks(apart) {
  if (Math.abs(apart) < 1.5) return t('Its clock and yours agree.');
  const seconds = Math.round(Math.abs(apart));
  return apart > 0
    ? t('Your clock is {seconds} s behind the server’s.', { seconds })
    : t('Your clock is {seconds} s ahead of the server’s.', { seconds });
}

/** @type {Step['run']} */
async function getToken(findings, { fetch, csrfToken }) {
  const answer = await withTimeout(
    fetch('/api/token/session/', { method: 'POST', headers: { 'X-CSRFToken': csrfToken() } }),
  ).catch(() => null);
  if (!answer) return fail(t('No answer came.'), t('Try again: the step before came through.'));
  const body = await answer.json().catch(() => null);
  if (answer.ok && body?.access) {
    findings.token = body.access;
    return ok(t('It came, and is good for some minutes.'));
  }
  if (answer.status === 401 || answer.status === 403) {
    return fail(t('The server does not know you any more.'), t('Sign out and in again. If that does not help, this browser may refuse cookies of this site.'));
  }
  return fail(t('The server answered with status {status}.', { status: answer.status }), t('Wait a moment and try again. If it stays, send the report below.'));
}

/** @type {Step['run']} */
async function open(findings, { fetch, WebSocket, origin }) {
  const probe = openSocket(WebSocket, `${origin.replace(/^http/, 'ws')}/ws/`, String(findings.token));
  const begun = Date.now();
  const opened = await withTimeout(probe.opening).catch(() => 'timeout');
  const took = Date.now() - begun;
  if (opened === 'open') {
    findings.socket = probe;
    return ok(t('Opened in {ms} ms.', { ms: took }));
  }
  probe.close();
  if (opened === 'timeout') {
    return fail(
      t('Nothing came for {seconds} s.', { seconds: PATIENCE / 1000 }),
      t('A firewall or proxy swallows the upgrade to a WebSocket. Whoever runs it must let WebSockets through to /ws/.'),
    );
  }
  return explainRefusal(findings.server, await probePath(fetch), probe.closed?.code ?? 1006);
}

/**
 * A browser does not tell with which status an upgrade was refused. What the server says of itself, and what answers at
 * the socket's address without an upgrade, tells most of it.
 *
 * @param {any} server what `/connection/check/` said
 * @param {'ours' | number | null} answers at `/ws/`: this server, another one with this status, or nothing
 * @param {number} code with which the browser gave up
 * @returns {Result}
 */
export function explainRefusal(server, answers, code) {
  const result = t('The upgrade was refused ({code}).', { code });
  if (server && !server.sockets_enabled) {
    return fail(`${result} ${t('Sockets are switched off on this server.')}`, t('Boards go on by polling. Whoever runs the server has set WEBSOCKET_ENABLED=0.'));
  }
  if (server?.draining) return fail(`${result} ${t('The server is restarting.')}`, t('Try again in half a minute.'));
  if (server && !server.origin_allowed) {
    return fail(
      `${result} ${t('The server does not take sockets from pages of this address.')}`,
      t('Whoever runs the server adds this address to WEBSOCKET_CORS_ORIGINS, or has the proxy pass the Host header on.'),
    );
  }
  if (answers === null) return fail(`${result} ${t('Nothing answers at /ws/.')}`, t('Something between this browser and the server blocks that address.'));
  if (answers !== 'ours') {
    return fail(
      `${result} ${t('At /ws/ something else answers, with status {status}.', { status: answers })}`,
      t('The proxy sends /ws/ elsewhere: it must pass that address to the same server, with the headers Upgrade and Connection.'),
    );
  }
  return fail(
    `${result} ${t('The server itself would take a socket from this page.')}`,
    t('A proxy between does not pass the upgrade on: it must send the headers Upgrade and Connection to the server. If it does, there may be too many connections from your address just now.'),
  );
}

/** @param {import('../client/http.js').Fetch} fetch @returns {Promise<'ours' | number | null>} */
async function probePath(fetch) {
  const answer = await withTimeout(fetch('/ws/', { redirect: 'manual' })).catch(() => null);
  if (!answer) return null;
  // Without an upgrade there is no such page, and our own 404 has our content policy.
  const isOurs = answer.status === 404 && (answer.headers.get('Content-Security-Policy') ?? '').includes("frame-ancestors 'none'");
  return isOurs ? 'ours' : answer.status;
}

/** What to do where the server closes a new socket, by the code. @type {Record<number, string>} */
const CLOSES = {
  1013: t('The server could not look you up just now: its database may be away. Try again in a minute.'),
  4401: t('The token was refused although it is new. Is the clock of the server right? Has its SECRET_KEY changed?'),
  4403: t('This account was deactivated, or signed out everywhere: sign in again.'),
  4408: t('The server heard nothing from here: something on the way holds messages back.'),
  4409: t('You have too many connections open. Close other tabs and devices.'),
};

/** @type {Step['run']} */
async function expectConnected(findings) {
  const probe = /** @type {import('./probe.js').Probe} */ (findings.socket);
  const frame = await withTimeout(probe.expect((candidate) => candidate.event === 'connected')).catch(() => null);
  if (frame) {
    findings.connected = frame.data;
    return ok(t('It did. In the server’s log this connection is {session}.', { session: frame.data.session }));
  }
  const closed = probe.closed;
  if (closed) return fail(t('The server closed it with {code}.', { code: closed.code }), CLOSES[closed.code] ?? t('Send the report below to whoever runs the server.'));
  return fail(t('The socket is open, but the server says nothing.'), t('A proxy opened it without passing it on, or holds its answers back: it must not buffer /ws/.'));
}

/** @type {Step['run']} */
async function ping(findings) {
  const probe = /** @type {import('./probe.js').Probe} */ (findings.socket);
  const times = [];
  for (let count = 0; count < PINGS; count++) {
    const begun = performance.now();
    const pong = await withTimeout(probe.ask('ping', {}, `ping-${count}`)).catch(() => null);
    if (!pong) return lost(probe, t('Only {count} of {all} pings were answered.', { count, all: PINGS }));
    times.push(performance.now() - begun);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(times.length / 2)];
  const result = t('{count} round trips: half within {median} ms, the slowest {slowest} ms.', {
    count: PINGS,
    median: median.toFixed(0),
    slowest: times[times.length - 1].toFixed(0),
  });
  return median > SLOW ? warn(result, t('That is slow: changes of others come late. Another network may be faster.')) : ok(result);
}

/** @type {Step['run']} */
async function sendLarge(findings) {
  const probe = /** @type {import('./probe.js').Probe} */ (findings.socket);
  // The answer carries the message's id, so that as much comes back.
  const id = `large-${'0123456789äöü€'.repeat(Math.ceil(LARGE / 14)).slice(0, LARGE)}`;
  const begun = performance.now();
  const pong = await withTimeout(probe.ask('ping', {}, id)).catch(() => null);
  if (!pong) return lost(probe, t('It did not come back, or not as it was sent.'), t('Something on the way cuts or changes large messages: a proxy or a virus scanner with a limit.'));
  return ok(t('{count} thousand characters went there and back in {ms} ms.', { count: LARGE / 1024, ms: (performance.now() - begun).toFixed(0) }));
}

/** @type {Step['run']} */
async function hold(findings) {
  const probe = /** @type {import('./probe.js').Probe} */ (findings.socket);
  const ended = await Promise.race([probe.ended, pause(findings.hold * 1000).then(() => null)]);
  if (ended) return lost(probe, t('It was cut after {seconds} s.', { seconds: ended.seconds }), t('A proxy cuts connections that are idle: its timeout for /ws/ should be 90 s or more.'));
  const pong = await withTimeout(probe.ask('ping', {}, 'still')).catch(() => null);
  if (!pong) return lost(probe, t('After {seconds} s of silence nothing came through any more.', { seconds: findings.hold }), t('Something on the way forgot the connection without a word. Boards notice that and come back, some seconds late.'));
  return ok(t('It was open for {seconds} s, and works.', { seconds: findings.hold }));
}

/** @type {Step['run']} */
async function poll(_findings, { fetch }) {
  const start = await withTimeout(fetch('/api/notifications/?page_size=1')).catch(() => null);
  const page = start?.ok ? await start.json().catch(() => null) : null;
  if (!page) return fail(t('The notifications could not be read.'), t('Reload this page; if it stays, send the report below.'));
  const begun = Date.now();
  const path = `/api/notifications/events/?since=${page.seq}&epoch=${encodeURIComponent(page.epoch)}&wait=${POLL}`;
  const answer = await withTimeout(fetch(path), PATIENCE + POLL * 1000).catch(() => null);
  const body = answer?.ok ? await answer.json().catch(() => null) : null;
  if (body) return ok(t('Answered after {seconds} s. Where sockets are blocked, boards stay live this way.', { seconds: decimals((Date.now() - begun) / 1000) }));
  if (!answer) return fail(t('A request that waits {seconds} s came to nothing.', { seconds: POLL }), t('A proxy gives up on requests that take seconds: its timeout for /api/ should be 60 s.'));
  return fail(
    t('A request that waits {seconds} s came to nothing (status {status}).', { seconds: POLL, status: answer.status }),
    answer.status === 429
      ? t('You have too many connections open. Close other tabs and devices.')
      : t('A proxy gives up on requests that take seconds: its timeout for /api/ should be 60 s.'),
  );
}

/** @param {import('./probe.js').Probe} probe @param {string} result @param {string} [advice] @returns {Result} */
function lost(probe, result, advice = t('Something on the way loses messages: try another network, and send the report below.')) {
  const closed = probe.closed ? ` ${t('The socket was closed with {code}.', { code: probe.closed.code })}` : '';
  return fail(result + closed, advice);
}

/** @param {string} result @returns {Result} */
const ok = (result) => ({ outcome: 'ok', result });
/** @param {string} result @param {string} advice @returns {Result} */
const warn = (result, advice) => ({ outcome: 'warn', result, advice });
/** @param {string} result @param {string} advice @returns {Result} */
const fail = (result, advice) => ({ outcome: 'fail', result, advice });

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** @template T @param {Promise<T>} work @param {number} [milliseconds] @returns {Promise<T>} */
function withTimeout(work, milliseconds = PATIENCE) {
  return Promise.race([work, pause(milliseconds).then(() => Promise.reject(new Error('It took too long.')))]);
}
