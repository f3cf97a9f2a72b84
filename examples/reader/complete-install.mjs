/**
 * npm that runs on an older Node.js leaves out optional packages that need a newer one, such as the native part of the
 * bundler. `npm run build` runs with the Node.js of node_modules: let npm install what that one can use, from the lock.
 */

import { execFileSync } from 'node:child_process';

try {
  await import('rolldown');
} catch {
  execFileSync('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'], { stdio: 'inherit' });
}
