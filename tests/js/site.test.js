// @ts-check
/** Where a page finds the server and its sign-in, and what it calls what it keeps, in whatever project the board is. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

let pages = 0;

/**
 * The module as a page has it, with these attributes of its `<html>`.
 *
 * @param {Record<string, string> | null} dataset null: there is no page
 * @param {{at?: string, cookie?: string, token?: string}} [page]
 * @returns {Promise<typeof import('../../static/js/board/page/site.js')>}
 */
async function load(dataset, { at = 'https://desk.example/tools/board/projects/7/?x=1#task-3', cookie = '', token = '' } = {}) {
  const found = token ? { content: token } : null;
  const document = { documentElement: { dataset }, cookie, querySelector: () => found };
  Object.assign(globalThis, { document: dataset ? document : undefined, location: new URL(at) });
  return import(`../../static/js/board/page/site.js?${(pages += 1)}`);
}

const HOST = { base: '/tools/board', socket: '/live/', signIn: '/sso/?from=board', csrfCookie: 'xsrf', csrfHeader: 'X-XSRF' };

describe('the site of a page', () => {
  test('is the root of the host where nothing is said', async () => {
    const { api, base, own, socket } = await load(null);
    assert.deepEqual([base, api, socket, own], ['', '/api/', '/ws/', 'taskrealtime']);
  });

  test('is what the page says', async () => {
    const { api, server } = await load(HOST);
    assert.equal(api, '/tools/board/api/');
    assert.deepEqual(server(), { url: '/live/', api: 'https://desk.example/tools/board/api/' });
  });

  test('gives each board of a host names of its own for what the browser keeps', async () => {
    const names = [];
    for (const base of ['', '/tools/board', '/tools/other']) names.push((await load({ ...HOST, base })).own);
    assert.equal(new Set(names).size, 3);
  });

  test('leads back from the sign-in page, also from one on another host', async () => {
    const { signInUrl } = await load(HOST);
    assert.equal(signInUrl(), 'https://desk.example/sso/?from=board&next=/tools/board/projects/7/%3Fx%3D1%23task-3');
    const elsewhere = await load({ ...HOST, signIn: 'https://sso.example/' });
    const next = new URL(elsewhere.signInUrl()).searchParams.get('next');
    assert.equal(next, 'https://desk.example/tools/board/projects/7/?x=1#task-3');
  });

  test('takes the token of forms from the cookie, and from the page where no script sees one', async () => {
    const cookie = 'csrftoken=hosts; xsrf=a%3D; other=1';
    assert.deepEqual((await load(HOST, { cookie, token: 'page' })).csrfHeaders(), { 'X-XSRF': 'a=' });
    assert.deepEqual((await load(HOST, { cookie: `__Host-xsrf=tls; ${cookie}`, token: 'page' })).csrfHeaders(), { 'X-XSRF': 'tls' });
    assert.deepEqual((await load({ ...HOST, csrfCookie: '' }, { cookie, token: 'page' })).csrfHeaders(), { 'X-XSRF': 'page' });
  });
});
