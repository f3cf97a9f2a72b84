/** The licences of the npm packages of which some code is in the bundle. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const rule = '-'.repeat(72);

/** Packages that ship no licence text: the package of the same authors whose text applies to them, too. */
const sameLicence: Record<string, string> = { '@wry/context': '@wry/caches', '@wry/trie': '@wry/caches' };

/** Packages in the public domain, which need no text. */
const publicDomain = 'This is free and unencumbered software released into the public domain: https://unlicense.org\n';

/** `modules` are the paths of the bundled modules. */
export function licences(modules: readonly string[]): string {
  const folders = modules.map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
  const packages = new Set(folders.filter((folder) => folder !== undefined));
  return [...packages].sort().map(licence).join('\n');
}

function licence(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const source = sameLicence[name];
  const texts = licenceTexts(source === undefined ? folder : folder.replace(name, source));
  if (license === 'Unlicense') texts.push(publicDomain);
  if (!texts.length) throw new Error(`${name} is bundled and ships no licence text: add it to sameLicence`);
  return [`${name} ${version} (${license})`, rule, ...texts, ''].join('\n');
}

function licenceTexts(folder: string): string[] {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copyright)/i.test(file));
  return files.map((file) => readFileSync(join(folder, file), 'utf8'));
}
