// The graphql-ws client, which is used alone, by Apollo Client, and by urql.

import { createClient } from 'graphql-ws';
import { retryDelay, withResume } from './resume.mjs';

globalThis.WebSocket ??= (await import('ws')).default; // only needed for Node.js before 22

const FORBIDDEN = 4403; // close code: the token is unknown or malformed

export function openSocket(url, token) {
  return withResume(createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: token && { authorization: `Bearer ${token}` },
    retryAttempts: Infinity,
    retryWait: retryDelay,
    shouldRetry: (event) => event.code !== FORBIDDEN, // the default is not to retry if no server responds
  }));
}
