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
    // By default, it does not retry if no server responds. A mistake in the code is an Error: it is not retried.
    shouldRetry: (problem) => !(problem instanceof Error) && problem.code !== FORBIDDEN,
  }));
}
