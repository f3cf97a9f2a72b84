import { createClient } from 'graphql-sse';
import { retryDelay, withResume } from './resume.mjs';

export function connect(url, token) {
  let status;
  const client = withResume(createClient({
    url,
    headers: token && { authorization: `Bearer ${token}` },
    retryAttempts: Infinity,
    fetchFn: async (...request) => {
      const response = await fetch(...request);
      status = response.status;
      return response;
    },
    retry: async (retries) => {
      if (status === 401) throw new Error('The token is unknown');
      await retryDelay(retries);
    },
  }));
  return {
    subscribe: (query, variables, sink) => client.subscribe({ query, variables }, sink),
    query: (query) =>
      new Promise((next, error) => client.subscribe({ query }, { next, error, complete() {} })),
  };
}
