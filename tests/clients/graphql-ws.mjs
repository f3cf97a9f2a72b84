import { openSocket } from './socket.mjs';

export function connect(url, token) {
  const client = openSocket(url, token);
  return {
    watch: (query, variables, sink) => client.subscribe({ query, variables }, sink),
    ask: (query) =>
      new Promise((next, error) => client.subscribe({ query }, { next, error, complete() {} })),
  };
}
