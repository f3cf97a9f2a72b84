/** The licences of the npm packages of which some code is in the bundle. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const rule = '-'.repeat(72);

/** `modules` are the paths of the bundled modules. */
export function licences(modules: readonly string[]): string {
  const folders = modules.map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
  const packages = new Set(folders.filter((folder) => folder !== undefined));
  return [...packages].sort().map(licence).join('\n');
}

function licence(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|unlicense|copyright)/i.test(file));
  if (!files.length) throw new Error(`${name} is bundled and ships no licence text`);
  const texts = files.map((file) => readFileSync(join(folder, file), 'utf8'));
  return [`${name} ${version} (${license})`, rule, ...texts, ''].join('\n');
}
