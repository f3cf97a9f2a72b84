// Clients of graphql-ws and graphql-sse that lose nothing: where they connect again, a subscription goes on
// from the last change that it saw. Both send the request once more, as it stands at that moment.

export function resuming(client) {
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

// Soon at first, then ever more rarely, and by chance: not all clients at once when a server is back.
export function pause(retries) {
  const most = Math.min(250 * 2 ** retries, 30_000);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * most));
}
