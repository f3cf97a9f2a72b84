import { parse } from 'graphql';
import { meros } from 'meros/browser';

/** Streams come last: the server then streams only subscriptions and queries with `@defer` or `@stream`. */
const ACCEPT = 'application/graphql-response+json, application/json;q=0.9, multipart/mixed;q=0.8';

/**
 * A GraphiQL fetcher that shows each part of a response as it arrives, says in words why there is none, and whose
 * Stop closes the connection. It returns an observable of results, each in the shape of a GraphQL response: one for
 * most queries, one per event of a subscription, one per part of a query with `@defer` or `@stream`.
 *
 * Subscriptions use HTTP too: it sends the headers of the editor, which a WebSocket in a browser cannot.
 */
export function createFetcher(url) {
  return (params, { headers } = {}) => ({
    subscribe(observer) {
      const controller = new AbortController();
      deliver(execute(url, withOwnOperation(params), headers, controller.signal), observer, controller.signal);
      return { unsubscribe: () => controller.abort() };
    },
  });
}

async function deliver(results, observer, signal) {
  for await (const result of results) {
    if (signal.aborted) return;
    observer.next(result);
  }
  if (!signal.aborted) observer.complete?.();
}

/** Right after a change of tabs GraphiQL still names the operation of the tab before. */
function withOwnOperation({ operationName, ...params }) {
  const own = operations(params.query);
  return { ...params, operationName: own.length === 1 ? own[0].name?.value : operationName };
}

function operations(query) {
  try {
    return parse(query, { noLocation: true }).definitions.filter(({ kind }) => kind === 'OperationDefinition');
  } catch {
    return []; // the server says what is wrong with it, and where
  }
}

async function* execute(url, params, headers, signal) {
  let request;
  try {
    request = new Request(url, { method: 'POST', headers: allHeaders(headers), body: JSON.stringify(params), signal });
  } catch (error) {
    yield failure(`Request not sent: a header is invalid. (${error.message})`);
    return;
  }
  let response;
  try {
    response = await fetch(request);
    const parts = await meros(response);
    if (parts === response) yield read(response, await response.text());
    else yield* readParts(parts);
  } catch (error) {
    yield response ? brokenOff(error.message) : failure(`No answer from ${url}: is the server running? (${error.message})`);
  }
}

function allHeaders(own = {}) {
  const headers = new Headers({ 'content-type': 'application/json', accept: ACCEPT });
  for (const [name, value] of Object.entries(own)) headers.set(name, value);
  return headers;
}

function read(response, text) {
  try {
    return JSON.parse(text);
  } catch {
    return failure(`The server answered ${response.status} ${response.statusText}: ${text.slice(0, 1000)}`.trim());
  }
}

/** The results in the parts of a multipart response: `{payload}` for an event, `{}` for a keep-alive. */
async function* readParts(parts) {
  let last = {};
  for await (const { body } of parts) {
    const result = 'payload' in body ? body.payload : body;
    if (!Object.keys(result).length) continue;
    last = result;
    yield result;
  }
  const isComplete = last.hasNext === false || (last.errors && !last.data);
  if (!isComplete) yield brokenOff('the connection was closed');
}

/** `hasNext` lets GraphiQL add the error to the parts that have arrived. */
function brokenOff(reason) {
  return { ...failure(`The response ended early: was the server stopped? Run it again. (${reason})`), hasNext: false };
}

function failure(message) {
  return { errors: [{ message }] };
}
