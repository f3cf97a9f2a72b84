/**
 * Bundles the explorer into gqlnews/server/explorer/, every file named by its content, so that a
 * browser may keep it for ever:
 *
 *   1. the three Monaco workers, as classic scripts of their own;
 *   2. the page's script (in chunks) and style sheet, told the workers' names;
 *   3. LICENSES.txt, the licences of what was bundled;
 *   4. each of these files compressed (precompress.mjs);
 *   5. manifest.json, by which the server's page finds the entry. It comes last: where it exists, the build is complete.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { precompress } from './precompress.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, '..', 'gqlnews', 'server', 'explorer');

/** graphiql/style.css holds Monaco's styles and font already; those that Monaco's modules ask for are left out. */
const monacoStylesOnce = {
  name: 'monaco-styles-once',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]monaco-editor[\\/].*\.css$/ }, () => ({ contents: '', loader: 'empty' }));
  },
};

/** Packages that ship no licence text: the package of the same authors whose text applies to them too. */
const sameLicence = {
  '@graphiql/plugin-doc-explorer': 'graphiql',
  '@graphiql/plugin-history': 'graphiql',
  'react-compiler-runtime': 'react',
  'react-remove-scroll-bar': 'react-remove-scroll',
};

/** Monaco's icon font, of which its own notices say nothing. */
const codicons = `@vscode/codicons (CC-BY-4.0)
${'-'.repeat(72)}
The icon font of monaco-editor, unchanged. Copyright (c) Microsoft Corporation.
Licensed under CC BY 4.0, https://creativecommons.org/licenses/by/4.0/
`;

/**
 * GraphiQL formats with these old names of Prettier's parsers, which are CommonJS files. A module that esbuild imports
 * from such a file on demand has no `parsers`, so that nothing would be formatted.
 */
const prettierParsers = {
  'prettier/parser-babel': 'prettier/plugins/babel',
  'prettier/parser-graphql': 'prettier/plugins/graphql',
};

const shared = {
  absWorkingDir: here,
  outdir: target,
  bundle: true,
  minify: true,
  metafile: true,
  entryNames: '[name]-[hash]',
  chunkNames: 'chunk-[hash]',
  define: { 'process.env.NODE_ENV': '"production"' },
  target: ['es2022'],
  legalComments: 'eof', // for code that a package holds of others, such as DOMPurify in Monaco
  logLevel: 'warning',
};

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });

const workers = await build({
  ...shared,
  format: 'iife',
  entryPoints: {
    'editor.worker': 'monaco-editor/esm/vs/editor/editor.worker.js',
    'json.worker': 'monaco-editor/esm/vs/language/json/json.worker.js',
    'graphql.worker': 'monaco-graphql/esm/graphql.worker.js',
  },
});

const page = await build({
  ...shared,
  format: 'esm',
  splitting: true,
  jsx: 'automatic',
  plugins: [monacoStylesOnce],
  alias: prettierParsers,
  entryPoints: { explorer: 'src/main.jsx' },
  define: { ...shared.define, WORKER_FILES: JSON.stringify(workerFiles(workers.metafile)) },
});

await writeFile(join(target, 'LICENSES.txt'), licences([workers.metafile, page.metafile]));
await precompress(target);

const [script, { cssBundle }] = Object.entries(page.metafile.outputs).find(
  ([, output]) => output.entryPoint === 'src/main.jsx',
);
await writeFile(
  join(target, 'manifest.json'),
  `${JSON.stringify({ script: basename(script), style: basename(cssBundle) }, null, 2)}\n`,
);

/** `{ editor: "editor.worker-ABC.js", … }` */
function workerFiles(metafile) {
  const names = Object.keys(metafile.outputs).map((path) => basename(path));
  return Object.fromEntries(names.map((name) => [name.split('.')[0], name]));
}

/** The licence of every npm package of which some code is in the bundle. */
function licences(metafiles) {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap((output) => Object.keys(output.inputs)),
  );
  const folders = inputs
    .map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0])
    .filter(Boolean);
  return [...[...new Set(folders)].sort().map(licence), codicons].join('\n');
}

function licence(folder) {
  const path = join(here, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const texts = licenceTexts(path);
  if (!texts.length && sameLicence[name]) texts.push(...licenceTexts(join(here, 'node_modules', sameLicence[name])));
  if (!texts.length) throw new Error(`${name} is bundled and ships no licence text: add it to sameLicence`);
  return [`${name} ${version} (${license})`, '-'.repeat(72), ...texts, ''].join('\n');
}

function licenceTexts(path) {
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|notice|third-?party-?notices)/i.test(file));
  return files.map((file) => readFileSync(join(path, file), 'utf8'));
}
