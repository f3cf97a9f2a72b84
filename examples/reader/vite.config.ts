/**
 * `vite` serves the reader for development, in front of a gqlnews on 127.0.0.1:8000, or at GQLNEWS_URL.
 * `vite build` writes it into the package gqlnews: files named by their content, LICENSES.txt, the manifest of persisted
 * documents and, last, manifest.json, by which the server finds the entry. Where that exists, the build is complete.
 */

import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { licences } from './licences.ts';

const target = join(import.meta.dirname, '../../gqlnews/server/reader');
const gqlnews = process.env['GQLNEWS_URL'] ?? 'http://127.0.0.1:8000';
const server = { target: gqlnews, changeOrigin: false }; // `Host` must agree with the browser's `Origin`

/** Vite's own manifest lists every input; the server only needs the names of script and style sheet. */
const manifest: Plugin = {
  name: 'manifest',
  apply: 'build',
  async writeBundle(_, bundle) {
    const files = Object.values(bundle);
    const script = files.find((file) => file.type === 'chunk' && file.isEntry)?.fileName;
    const style = files.find((file) => file.fileName.endsWith('.css'))?.fileName;
    if (!script || !style) throw new Error('the bundle has no script or no style sheet');
    const modules = files.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
    await writeFile(join(target, 'LICENSES.txt'), licences(modules));
    await copyFile(join(import.meta.dirname, 'src/gql/persisted-documents.json'), join(target, 'documents.json'));
    await writeFile(join(target, 'manifest.json'), `${JSON.stringify({ script, style }, null, 2)}\n`);
  },
};

export default defineConfig({
  plugins: [react(), manifest],
  server: { proxy: { '/graphql': { ...server, ws: true }, '/media': server } },
  build: {
    outDir: target,
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 600, // before compression; the tests assert 150 KB after it
    rollupOptions: {
      input: { reader: 'src/main.tsx' },
      output: {
        entryFileNames: '[name]-[hash:8].js',
        chunkFileNames: '[name]-[hash:8].js',
        assetFileNames: '[name]-[hash:8][extname]',
      },
    },
  },
});
