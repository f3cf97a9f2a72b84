import { openSocket } from './socket.mjs';

export function connect(url, token) {
  const client = openSocket(url, token);
  return {
    subscribe: (query, variables, sink) => client.subscribe({ query, variables }, sink),
    query: (query) =>
      new Promise((next, error) => client.subscribe({ query }, { next, error, complete() {} })),
  };
}
