/** The WebSocket of all subscriptions: it reconnects, and resumes after the last change that it received. */

import { type Client, createClient } from 'graphql-ws';
import { connection } from './connection';
import { withPersistedDocuments } from './persisted';

export function openSocket(endpoint: string): Client {
  const url = new URL(endpoint, location.href);
  url.protocol = url.protocol.replace('http', 'ws');
  const client = createClient({
    url: url.href,
    retryAttempts: Infinity,
    retryWait,
    shouldRetry: (problem) => problem instanceof Event, // by default it gives up if no server responds
    keepAlive: 15_000,
    on: {
      connected: () => connection.set('online'),
      closed: () => connection.set('offline'),
    },
  });
  return withPersistedDocuments(withResume(client));
}

/** After a reconnect, graphql-ws sends the same request again: update its `since` to the version of each change. */
function withResume(client: Client): Client {
  return {
    ...client,
    subscribe(request, sink) {
      const variables: Record<string, unknown> = { ...request.variables };
      return client.subscribe<Record<string, { version?: string } | null>, unknown>(
        { ...request, variables },
        {
          next(result) {
            variables['since'] = result.data?.['articleChanged']?.version ?? variables['since'];
            sink.next(result as never);
          },
          error: (error) => sink.error(error),
          complete: () => sink.complete(),
        },
      );
    },
  };
}

/** Exponential backoff with full jitter, so that not all browsers reconnect at once after a restart of the server. */
function retryWait(retries: number): Promise<void> {
  const maxDelay = Math.min(500 * 2 ** retries, 10_000); // milliseconds
  return new Promise((resolve) => setTimeout(resolve, Math.random() * maxDelay));
}
