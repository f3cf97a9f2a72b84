import { Client, fetchExchange } from '@urql/core';
import { pause } from './resuming.mjs';

export function connect(url, token) {
  const client = new Client({
    url,
    exchanges: [fetchExchange],
    fetchSubscriptions: true,
    fetchOptions: { headers: token ? { authorization: `Bearer ${token}` } : {} },
  });
  return {
    watch: (query, variables, sink) => watch(client, query, variables, sink),
    ask: (query) => client.query(query, {}).toPromise(),
  };
}

// urql does not reconnect by itself: after a broken stream, subscribe again from the last change seen.
function watch(client, query, { ...variables }, sink) {
  let retries = 0;
  let subscription;
  function end() {
    subscription?.unsubscribe();
    subscription = undefined;
  }
  function begin() {
    subscription = client.subscription(query, variables).subscribe((result) => {
      const refused = result.error?.graphQLErrors.length || result.error?.response?.status === 401;
      if (refused) {
        end();
        sink.next(result);
      } else if (result.error || result.hasNext === false) {
        again();
      } else {
        retries = 0;
        variables.since = result.data.articleChanged.version;
        sink.next(result);
      }
    });
  }
  async function again() {
    await pause(retries++);
    if (subscription) {
      end();
      begin();
    }
  }
  begin();
  return end;
}
