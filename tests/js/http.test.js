// @ts-check
/** Requests over HTTP: one way to send them, and one error for all that may go wrong. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { callApi, FOREIGN_ANSWER } from '../../static/js/client/http.js';

const SCRIPTS = new URL('../../static/js/', import.meta.url);

/** @param {Response} response @returns {Promise<any>} */
const answeredBy = (response) => callApi('/api/me/', { method: 'GET' }, async () => response);

/** @param {Promise<any>} call @returns {Promise<import('../../static/js/client/envelope.js').TaskManagerError>} */
const errorOf = (call) => call.then(() => assert.fail('it was not refused'), (error) => error);

describe('A request of the API', () => {
  test('carries JSON both ways', async () => {
    /** @type {any} */
    let sent;
    const answer = await callApi('/api/me/', { method: 'PATCH', body: { name: 'Ann' }, headers: { 'X-Page-User': '7' } }, async (url, init) => {
      sent = { url, ...init };
      return Response.json({ id: 7 });
    });
    assert.deepEqual(answer, { id: 7 });
    assert.deepEqual([sent.url, sent.method, sent.body], ['/api/me/', 'PATCH', '{"name":"Ann"}']);
    assert.deepEqual(sent.headers, { Accept: 'application/json', 'Content-Type': 'application/json', 'X-Page-User': '7' });
  });

  test('without a body names no type of one', async () => {
    await callApi('/api/me/', { method: 'GET' }, async (_url, init) => {
      assert.deepEqual([init?.body, init?.headers], [undefined, { Accept: 'application/json' }]);
      return Response.json({});
    });
  });

  test('is answered by null where there is nothing to say', async () => {
    assert.equal(await answeredBy(new Response(null, { status: 204 })), null);
  });

  test('is refused with the code and the details of the server', async () => {
    const body = { code: 'rate_limited', message: 'Slower.', details: { limit: 'writes' }, retry_after: 3 };
    const { name, code, message, details, retryAfter, status } = await errorOf(answeredBy(Response.json(body, { status: 429 })));
    assert.equal(name, 'TaskManagerError');
    assert.deepEqual([code, message, details, retryAfter, status], ['rate_limited', 'Slower.', { limit: 'writes' }, 3, 429]);
  });

  test('has its code from the status where a proxy wrote the page', async () => {
    const codes = [403, 404, 429, 502].map((status) => errorOf(answeredBy(new Response('<h1>No</h1>', { status }))));
    assert.deepEqual(
      (await Promise.all(codes)).map(({ code, status }) => [status, code]),
      [[403, 'forbidden'], [404, 'not_found'], [429, 'rate_limited'], [502, FOREIGN_ANSWER]],
    );
  });

  test('takes the page of a hotel for no answer', async () => {
    const { code, status } = await errorOf(answeredBy(new Response('<h1>Welcome! Room number?</h1>')));
    assert.deepEqual([code, status], [FOREIGN_ANSWER, 200]);
  });

  test('without any answer has lost the connection', async () => {
    const { code, status } = await errorOf(callApi('/api/me/', {}, () => Promise.reject(new TypeError('Failed to fetch'))));
    assert.deepEqual([code, status], ['connection_lost', undefined]);
  });
});

test('no script calls fetch beside the one module for it', () => {
  const scripts = readdirSync(SCRIPTS, { recursive: true, encoding: 'utf8' }).filter((name) => /^\w+\/.*\.js$/.test(name));
  const calls = scripts.filter((name) => /(?<![\w.#])fetch\(|globalThis\.fetch\(|XMLHttpRequest|sendBeacon/.test(readFileSync(new URL(name, SCRIPTS), 'utf8')));
  assert.deepEqual(calls.sort(), ['client/http.js', 'connection/checks.js', 'offline/worker.js']); // the test of the connection is given that of http.js
});
