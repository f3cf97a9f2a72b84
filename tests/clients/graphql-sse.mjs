import { createClient } from 'graphql-sse';
import { pause, resuming } from './resuming.mjs';

export function connect(url, token) {
  let status;
  const client = resuming(createClient({
    url,
    headers: token && { authorization: `Bearer ${token}` },
    retryAttempts: Infinity,
    fetchFn: async (...request) => {
      const response = await fetch(...request);
      status = response.status;
      return response;
    },
    retry: async (retries) => {
      if (status === 401) throw new Error('The token is not known');
      await pause(retries);
    },
  }));
  return {
    watch: (query, variables, sink) => client.subscribe({ query, variables }, sink),
    ask: (query) =>
      new Promise((next, error) => client.subscribe({ query }, { next, error, complete() {} })),
  };
}
