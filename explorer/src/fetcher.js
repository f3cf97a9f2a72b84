import { parse } from 'graphql';

/**
 * A GraphiQL fetcher that says in words why there is no answer, and that Stop really stops.
 * It returns an observable of one result, always in the shape of a GraphQL response.
 */
export function createFetcher(url) {
  return (params, { headers } = {}) => ({
    subscribe(observer) {
      const controller = new AbortController();
      post(url, withOwnOperation(params), headers, controller.signal).then((result) => {
        if (controller.signal.aborted) return;
        observer.next(result);
        observer.complete?.();
      });
      return { unsubscribe: () => controller.abort() };
    },
  });
}

/** Right after a change of tabs GraphiQL still names the operation of the tab before. */
function withOwnOperation({ operationName, ...params }) {
  const names = operationNames(params.query);
  return { ...params, operationName: names.length === 1 ? names[0] : operationName };
}

function operationNames(query) {
  try {
    const { definitions } = parse(query, { noLocation: true });
    return definitions.filter(({ kind }) => kind === 'OperationDefinition').map(({ name }) => name?.value);
  } catch {
    return []; // the server says what is wrong with it, and where
  }
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
