// @ts-check
/** The steps of the connection test, each with its result in plain words and what to do. No document. */

import { decimals, t } from '../board/language/language.js';
import { api, base, socket } from '../board/page/site.js';
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
 * @property {() => Record<string, string>} csrfHeaders
 *
 * @typedef {object} Step
 * @property {string} title
 * @property {(findings: Findings, around: Around) => Promise<Result>} run
 * @property {(findings: Findings) => boolean} [needs] whether it can be tried at all
 */

/** @type {Step[]} */
export const STEPS = [
  { title: t('Reach the server over HTTP'), run: reachServer },
  { title: t('Get a token for the WebSocket'), run: getToken },
  { title: t('Open a WebSocket'), run: open, needs: ({ token }) => token !== undefined },
  { title: t('Sign in over the WebSocket'), run: expectConnected, needs: ({ socket }) => socket !== undefined },
  { title: t('Exchange messages'), run: ping, needs: isConnected },
  { title: t('Send a large message'), run: sendLarge, needs: isConnected },
  { title: t('Keep an idle WebSocket open'), run: hold, needs: isConnected },
  { title: t('Use the fallback, long polling'), run: poll },
];

/** @param {Findings} findings */
function isConnected({ connected, socket }) {
  return connected !== undefined && socket?.closed === null;
}

/** @type {Step['run']} */
async function reachServer(findings, { fetch, csrfHeaders }) {
  const begun = Date.now();
  const answer = await withTimeout(
    fetch(`${base}/connection/check/`, { method: 'POST', headers: csrfHeaders(), redirect: 'manual' }),
  ).catch(() => null);
  const took = Date.now() - begun;
  if (!answer) {
    return fail(t('No response.'), t('Check that this device is online. If it is, the server may be down or a firewall may be blocking it.'));
  }
  if (answer.type === 'opaqueredirect' || answer.status === 403) {
    return fail(t('The server responded, but you’re no longer signed in.'), t('Reload this page and sign in.'));
  }
  findings.server = await answer.json().catch(() => null);
  if (!answer.ok || !findings.server) {
    return fail(
      t('Something other than this server responded, with status {status}.', { status: answer.status }),
      t('A proxy is responding instead. The server’s administrator can find out more in the proxy’s log.'),
    );
  }
  const apart = (Date.parse(findings.server.server_time) - (begun + took / 2)) / 1000;
  const result = `${t('Responded in {ms} ms.', { ms: took })} ${clocks(apart)}`;
  if (Math.abs(apart) > CLOCKS_APART) return warn(result, t('Set this device’s clock. Otherwise, times on the board are wrong.'));
  return ok(result);
}

/** @param {number} apart seconds by which the server is ahead */
function clocks(apart) {
  if (Math.abs(apart) < 1.5) return t('Your clock matches the server’s.');
  const seconds = Math.round(Math.abs(apart));
  return apart > 0
    ? t('Your clock is {seconds} s behind the server’s.', { seconds })
    : t('Your clock is {seconds} s ahead of the server’s.', { seconds });
}

/** @type {Step['run']} */
async function getToken(findings, { fetch, csrfHeaders }) {
  const answer = await withTimeout(
    fetch(`${api}token/session/`, { method: 'POST', headers: csrfHeaders() }),
  ).catch(() => null);
  if (!answer) return fail(t('No response.'), t('Try again. The previous step succeeded.'));
  const body = await answer.json().catch(() => null);
  if (answer.ok && body?.access) {
    findings.token = body.access;
    return ok(t('Received, valid for a few minutes.'));
  }
  if (answer.status === 401 || answer.status === 403) {
    return fail(t('You’re no longer signed in.'), t('Sign out and in again. If that doesn’t help, this browser may be blocking this site’s cookies.'));
  }
  return fail(t('The server responded with status {status}.', { status: answer.status }), t('Wait a moment and try again. If the problem persists, send the report below to your administrator.'));
}

/** @type {Step['run']} */
async function open(findings, { fetch, WebSocket, origin }) {
  const probe = openSocket(WebSocket, origin.replace(/^http/, 'ws') + socket, String(findings.token));
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
      t('No response for {seconds} s.', { seconds: PATIENCE / 1000 }),
      t('A firewall or proxy is dropping the WebSocket upgrade. Its administrator has to allow WebSockets to {path}.', { path: socket }),
    );
  }
  return explainRefusal(findings.server, await probePath(fetch), probe.closed?.code ?? 1006);
}

/**
 * A browser does not reveal with which status an upgrade was refused. What the server says of itself, and what answers at
 * the socket's address without an upgrade, reveals most of it.
 *
 * @param {any} server what `/connection/check/` said
 * @param {'ours' | number | null} answers at the socket's path: this server, another one with this status, or nothing
 * @param {number} code with which the browser gave up
 * @returns {Result}
 */
export function explainRefusal(server, answers, code) {
  const result = t('The WebSocket upgrade was refused ({code}).', { code });
  if (server && !server.sockets_enabled) {
    return fail(`${result} ${t('WebSockets are turned off on this server.')}`, t('Boards stay live by polling. The server’s administrator has set WEBSOCKET_ENABLED=0.'));
  }
  if (server?.draining) return fail(`${result} ${t('The server is restarting.')}`, t('Try again in 30 seconds.'));
  if (server && !server.origin_allowed) {
    return fail(
      `${result} ${t('The server doesn’t accept WebSockets from this address.')}`,
      t('The server’s administrator has to add this address to WEBSOCKET_CORS_ORIGINS, or make the proxy forward the Host header.'),
    );
  }
  if (answers === null) return fail(`${result} ${t('No response at {path}.', { path: socket })}`, t('Something between this browser and the server is blocking that address.'));
  if (answers !== 'ours') {
    return fail(
      `${result} ${t('Something else responded at {path}, with status {status}.', { path: socket, status: answers })}`,
      t('The proxy forwards {path} elsewhere. It has to forward it to the same server, with the Upgrade and Connection headers.', { path: socket }),
    );
  }
  return fail(
    `${result} ${t('The server itself accepts WebSockets from this page.')}`,
    t('A proxy in between isn’t forwarding the upgrade. It has to send the Upgrade and Connection headers to the server. If it does, there may be too many connections from your address right now.'),
  );
}

/** @param {import('../client/http.js').Fetch} fetch @returns {Promise<'ours' | number | null>} */
async function probePath(fetch) {
  const answer = await withTimeout(fetch(socket, { redirect: 'manual' })).catch(() => null);
  if (!answer) return null;
  // Without an upgrade there is no such page, but the answer says that the server is ours.
  return answer.headers.get('X-Taskrealtime') === 'socket' ? 'ours' : answer.status;
}

/** What to do where the server closes a new socket, by the code. @type {Record<number, string>} */
const CLOSES = {
  1013: t('The server couldn’t check your account. Its database may be unavailable. Try again in a minute.'),
  4401: t('The token was rejected although it’s new. The server’s clock may be wrong, or its SECRET_KEY may have changed.'),
  4403: t('This account was deactivated or signed out everywhere. Sign in again.'),
  4408: t('The server received nothing from this browser. Something in between is holding messages back.'),
  4409: t('You have too many connections open. Close other tabs and devices.'),
};

/** @type {Step['run']} */
async function expectConnected(findings) {
  const probe = /** @type {import('./probe.js').Probe} */ (findings.socket);
  const frame = await withTimeout(probe.expect((candidate) => candidate.event === 'connected')).catch(() => null);
  if (frame) {
    findings.connected = frame.data;
    return ok(t('Signed in. The server’s log lists this connection as {session}.', { session: frame.data.session }));
  }
  const closed = probe.closed;
  if (closed) return fail(t('The server closed it with code {code}.', { code: closed.code }), CLOSES[closed.code] ?? t('Send the report below to the server’s administrator.'));
  return fail(t('The WebSocket is open, but the server doesn’t respond.'), t('A proxy opened it without forwarding it, or is buffering the server’s messages. It must not buffer {path}.', { path: socket }));
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
  const result = t('{count} round trips: median {median} ms, slowest {slowest} ms.', {
    count: PINGS,
    median: median.toFixed(0),
    slowest: times[times.length - 1].toFixed(0),
  });
  return median > SLOW ? warn(result, t('That’s slow, so other people’s changes arrive late. Another network may be faster.')) : ok(result);
}

/** @type {Step['run']} */
async function sendLarge(findings) {
  const probe = /** @type {import('./probe.js').Probe} */ (findings.socket);
  // The answer carries the message's id, so that as much comes back.
  const id = `large-${'0123456789äöü€'.repeat(Math.ceil(LARGE / 14)).slice(0, LARGE)}`;
  const begun = performance.now();
  const pong = await withTimeout(probe.ask('ping', {}, id)).catch(() => null);
  if (!pong) return lost(probe, t('It didn’t come back, or came back changed.'), t('Something in between truncates or changes large messages, such as a proxy or virus scanner with a size limit.'));
  return ok(t('{count} thousand characters sent and received in {ms} ms.', { count: LARGE / 1024, ms: (performance.now() - begun).toFixed(0) }));
}

/** @type {Step['run']} */
async function hold(findings) {
  const probe = /** @type {import('./probe.js').Probe} */ (findings.socket);
  const ended = await Promise.race([probe.ended, pause(findings.hold * 1000).then(() => null)]);
  if (ended) return lost(probe, t('It was closed after {seconds} s.', { seconds: ended.seconds }), t('A proxy closes idle connections. Its timeout for {path} should be at least 90 s.', { path: socket }));
  const pong = await withTimeout(probe.ask('ping', {}, 'still')).catch(() => null);
  if (!pong) return lost(probe, t('Nothing came through after {seconds} s of silence.', { seconds: findings.hold }), t('Something in between dropped the connection silently. Boards notice this and reconnect after a few seconds.'));
  return ok(t('It stayed open for {seconds} s and still works.', { seconds: findings.hold }));
}

/** @type {Step['run']} */
async function poll(_findings, { fetch }) {
  const start = await withTimeout(fetch(`${api}notifications/?page_size=1`)).catch(() => null);
  const page = start?.ok ? await start.json().catch(() => null) : null;
  if (!page) return fail(t('Couldn’t load your notifications.'), t('Reload this page. If the problem persists, send the report below to your administrator.'));
  const begun = Date.now();
  const path = `${api}notifications/events/?since=${page.seq}&epoch=${encodeURIComponent(page.epoch)}&wait=${POLL}`;
  const answer = await withTimeout(fetch(path), PATIENCE + POLL * 1000).catch(() => null);
  const body = answer?.ok ? await answer.json().catch(() => null) : null;
  if (body) return ok(t('Responded after {seconds} s. Boards stay live this way where WebSockets are blocked.', { seconds: decimals((Date.now() - begun) / 1000) }));
  if (!answer) return fail(t('A request that waits {seconds} s got no response.', { seconds: POLL }), t('A proxy ends requests that take a few seconds. Its timeout for {path} should be 60 s.', { path: api }));
  return fail(
    t('A request that waits {seconds} s failed (status {status}).', { seconds: POLL, status: answer.status }),
    answer.status === 429
      ? t('You have too many connections open. Close other tabs and devices.')
      : t('A proxy ends requests that take a few seconds. Its timeout for {path} should be 60 s.', { path: api }),
  );
}

/** @param {import('./probe.js').Probe} probe @param {string} result @param {string} [advice] @returns {Result} */
function lost(probe, result, advice = t('Something in between is losing messages. Try another network, and send the report below to your administrator.')) {
  const closed = probe.closed ? ` ${t('The WebSocket was closed with code {code}.', { code: probe.closed.code })}` : '';
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
