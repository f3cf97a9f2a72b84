// For clients of graphql-ws and graphql-sse: after a reconnect, a subscription resumes from the last change received.
// Both clients send the same request object again, so this updates its variables.

export function withResume(client) {
  return {
    ...client,
    subscribe(request, sink) {
      const variables = { ...request.variables };
      return client.subscribe({ ...request, variables }, {
        next(result) {
          variables.since = result.data?.articleChanged?.version ?? variables.since;
          sink.next(result);
        },
        error: (error) => sink.error(error),
        complete: () => sink.complete(),
      });
    },
  };
}

// Exponential backoff with full jitter, so that not all clients reconnect at once after a restart of the server.
export function retryDelay(retries) {
  const maxDelay = Math.min(250 * 2 ** retries, 30_000); // milliseconds
  return new Promise((resolve) => setTimeout(resolve, Math.random() * maxDelay));
}
