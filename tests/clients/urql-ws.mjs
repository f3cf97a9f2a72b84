import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { openSocket } from './socket.mjs';

export function connect(url, token) {
  const socket = openSocket(url, token);
  const client = new Client({
    url,
    exchanges: [
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
      fetchExchange, // queries
    ],
    fetchOptions: { headers: token ? { authorization: `Bearer ${token}` } : {} },
  });
  return {
    subscribe: (query, variables, sink) =>
      client.subscription(query, variables).subscribe(sink.next).unsubscribe,
    query: (query) => client.query(query, {}).toPromise(),
  };
}
