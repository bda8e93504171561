// Builds the npm package of the client into build/npm/: `node scripts/npm_package.js [folder]`.
//
// The modules of static/js/client/ become one ES module and one plain script, both minified, with the types of all they offer.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLIENT = join(ROOT, 'static/js/client');
const TARGET = process.argv[2] ?? join(ROOT, 'build/npm');

/** The release is named once, in pyproject.toml. */
const version = /^version = "(.+)"$/m.exec(readFileSync(join(ROOT, 'pyproject.toml'), 'utf8'))?.[1];

const manifest = {
  name: 'taskrealtime-client',
  version,
  description: 'Rooms of live Django models in browsers, workers, Node and React Native: nothing lost, in order, resumed.',
  license: 'BSD-3-Clause',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=20' },
  exports: { '.': { types: './types/index.d.ts', default: './index.js' }, './package.json': './package.json' },
  types: './types/index.d.ts',
  unpkg: './taskrealtime.min.js',
  jsdelivr: './taskrealtime.min.js',
  files: ['index.js', 'index.js.map', 'taskrealtime.min.js', 'types'],
};

rmSync(TARGET, { recursive: true, force: true });
mkdirSync(join(TARGET, 'types'), { recursive: true });

const common = { bundle: true, minify: true, target: 'es2022', charset: /** @type {const} */ ('utf8'), absWorkingDir: ROOT };
await build({ ...common, entryPoints: [join(CLIENT, 'index.js')], format: 'esm', sourcemap: true, outfile: join(TARGET, 'index.js') });
await build({ ...common, entryPoints: [join(CLIENT, 'global.js')], format: 'iife', outfile: join(TARGET, 'taskrealtime.min.js') });

const types = ['--declaration', '--emitDeclarationOnly', '--noEmit', 'false', '--outDir', join(TARGET, 'types'), '--rootDir', CLIENT];
const compiler = ['--allowJs', '--checkJs', '--strict', '--target', 'ES2022', '--module', 'ESNext', '--moduleResolution', 'bundler'];
execFileSync(join(ROOT, 'node_modules/.bin/tsc'), [...compiler, '--types', '', ...types, join(CLIENT, 'index.js')], { stdio: 'inherit' });
for (const name of ['wire.d.ts', 'signals.d.ts']) copyFileSync(join(CLIENT, name), join(TARGET, 'types', name));

writeFileSync(join(TARGET, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
copyFileSync(join(ROOT, 'LICENSE'), join(TARGET, 'LICENSE'));
copyFileSync(join(ROOT, 'docs/client.md'), join(TARGET, 'README.md'));
