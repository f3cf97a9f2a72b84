// The client of graphql-ws: by itself, under Apollo Client, and under urql.

import { createClient } from 'graphql-ws';
import { pause, resuming } from './resuming.mjs';

globalThis.WebSocket ??= (await import('ws')).default; // only Node.js before 22 has none

const FORBIDDEN = 4403; // the token is not known

export function openSocket(url, token) {
  return resuming(createClient({
    url: url.replace(/^http/, 'ws'),
    connectionParams: token && { authorization: `Bearer ${token}` },
    retryAttempts: Infinity,
    retryWait: pause,
    shouldRetry: (lost) => lost.code !== FORBIDDEN, // without it, it gives up where nobody answers
  }));
}
