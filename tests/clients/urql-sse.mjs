import { Client, fetchExchange } from '@urql/core';
import { retryDelay } from './resume.mjs';

export function connect(url, token) {
  const client = new Client({
    url,
    exchanges: [fetchExchange],
    fetchSubscriptions: true,
    fetchOptions: { headers: token ? { authorization: `Bearer ${token}` } : {} },
  });
  return {
    subscribe: (query, variables, sink) => subscribe(client, query, variables, sink),
    query: (query) => client.query(query, {}).toPromise(),
  };
}

// urql does not reconnect by itself: after a broken stream, this subscribes again from the last change received.
function subscribe(client, query, { ...variables }, sink) {
  let retries = 0;
  let subscription;
  function stop() {
    subscription?.unsubscribe();
    subscription = undefined;
  }
  function start() {
    subscription = client.subscription(query, variables).subscribe((result) => {
      const isRejected = result.error?.graphQLErrors.length || result.error?.response?.status === 401;
      if (isRejected) {
        stop();
        sink.next(result);
      } else if (result.error || result.hasNext === false) {
        restart();
      } else {
        retries = 0;
        variables.since = result.data.articleChanged.version;
        sink.next(result);
      }
    });
  }
  async function restart() {
    await retryDelay(retries++);
    if (subscription) {
      stop();
      start();
    }
  }
  start();
  return stop;
}
