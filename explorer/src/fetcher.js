import { parse } from 'graphql';
import { createClient } from 'graphql-sse';

/**
 * A GraphiQL fetcher that says in words why there is no answer, and that Stop really stops.
 * It returns an observable of results, each in the shape of a GraphQL response: of a subscription many, as
 * server-sent events, since these take the headers of the editor, and a WebSocket in a browser takes none.
 */
export function createFetcher(url) {
  return (params, { headers } = {}) => ({
    subscribe(observer) {
      const asked = withOwnOperation(params);
      return { unsubscribe: (isSubscription(asked) ? watch : ask)(url, asked, headers, observer) };
    },
  });
}

/** Right after a change of tabs GraphiQL still names the operation of the tab before. */
function withOwnOperation({ operationName, ...params }) {
  const own = operations(params.query);
  return { ...params, operationName: own.length === 1 ? own[0].name?.value : operationName };
}

function isSubscription({ query, operationName }) {
  const named = operations(query).filter(({ name }) => !operationName || name?.value === operationName);
  return named[0]?.operation === 'subscription';
}

function operations(query) {
  try {
    return parse(query, { noLocation: true }).definitions.filter(({ kind }) => kind === 'OperationDefinition');
  } catch {
    return []; // the server says what is wrong with it, and where
  }
}

function watch(url, params, headers, observer) {
  return createClient({ url, headers, retryAttempts: 0 }).subscribe(params, {
    next: (result) => observer.next(result),
    error(error) {
      observer.next(failure(`The events from ${url} ended: is the server running? (${error.message})`));
      observer.complete?.();
    },
    complete: () => observer.complete?.(),
  });
}

function ask(url, params, headers, observer) {
  const controller = new AbortController();
  post(url, params, headers, controller.signal).then((result) => {
    if (controller.signal.aborted) return;
    observer.next(result);
    observer.complete?.();
  });
  return () => controller.abort();
}

async function post(url, params, headers, signal) {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...headers,
      },
      body: JSON.stringify(params),
      signal,
    });
    return read(response, await response.text());
  } catch (error) {
    return failure(`No answer from ${url}: is the server running? (${error.message})`);
  }
}

function read(response, text) {
  try {
    return JSON.parse(text);
  } catch {
    return failure(`The server answered ${response.status} ${response.statusText}: ${text.slice(0, 1000)}`.trim());
  }
}

function failure(message) {
  return { errors: [{ message }] };
}
