// Builds what browsers load of static/js/ and static/css/: `node scripts/bundle.js`, or `--check` to see whether it is up to date.
//
// static/js/websocket_client.js: the client as one plain script, readable.
// static/live/live.js: the module of the template tags of live models, minified.
// static/bundle/: the scripts and the stylesheet of the pages, minified, which they load where DEBUG is off.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLIENT = 'static/js/websocket_client.js';
const BUNDLE = 'static/bundle';
const SCRIPTS = ['board/account', 'board/leaving', 'board/link', 'board/main', 'board/projects', 'board/sign_in', 'connection/main', 'offline/worker', 'ops/main'];

const common = { absWorkingDir: ROOT, bundle: true, charset: /** @type {const} */ ('utf8'), logLevel: /** @type {const} */ ('warning'), write: false };
const minified = { ...common, minify: true, outdir: BUNDLE };

const live = build({
  ...common,
  minify: true,
  entryPoints: ['static/js/live/main.js'],
  format: 'esm',
  target: 'es2022',
  outfile: 'static/live/live.js',
  banner: { js: '// Generated from static/js/live/ by "make js-build".' },
});
const client = build({
  ...common,
  entryPoints: ['static/js/client/global.js'],
  format: 'iife',
  target: 'es2022',
  outfile: CLIENT,
  banner: { js: '// Generated from static/js/client/ by "make js-build": change the modules there, not this file.' },
});
// One file each: a chunk that pages share would be asked for only once a page's own script is there.
const scripts = build({ ...minified, entryPoints: SCRIPTS.map((name) => `static/js/${name}.js`), outbase: 'static/js', format: 'esm', target: 'es2022' });
// Images stay files of their own: `../img/` means the same from css/ and bundle/.
const styles = build({ ...minified, entryPoints: ['static/css/site.css'], outbase: 'static/css', external: ['../img/*'] });

const built = new Map();
for (const { outputFiles } of await Promise.all([client, live, scripts, styles])) {
  for (const { path, text } of outputFiles) built.set(relative(ROOT, path), text);
}
// The types in comments, as seen from where the file is.
built.set(CLIENT, built.get(CLIENT).replaceAll("import('./", "import('./client/"));

if (process.argv.includes('--check')) {
  const stale = [...new Set([...built.keys(), ...existing()])].filter((name) => read(name) !== built.get(name));
  if (stale.length) {
    console.error(`Out of date: ${stale.join(', ')}. Run "make js-build".`);
    process.exitCode = 1;
  }
} else {
  rmSync(join(ROOT, BUNDLE), { recursive: true, force: true });
  for (const [name, text] of built) {
    mkdirSync(dirname(join(ROOT, name)), { recursive: true });
    writeFileSync(join(ROOT, name), text);
  }
}

/** @returns {string[]} what was built before */
function existing() {
  try {
    const names = readdirSync(join(ROOT, BUNDLE), { recursive: true, withFileTypes: true });
    return names.filter((entry) => entry.isFile()).map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)));
  } catch {
    return [];
  }
}

/** @param {string} name @returns {string | null} */
function read(name) {
  try {
    return readFileSync(join(ROOT, name), 'utf8');
  } catch {
    return null;
  }
}
