/** Links to a query: the URL of a GET request, which a browser opens in the explorer and any other client runs. */
import { tryParseJSONC } from '@graphiql/react';

const MAX_LENGTH = 60_000; // characters: the server accepts 64 KiB of URL

/** Return the query of the page's URL, as texts for the editors, or undefined; then remove it from the URL. */
export function takeLink() {
  const parameters = new URLSearchParams(location.search);
  const query = parameters.get('query');
  if (!query) return undefined;
  history.replaceState(null, '', location.pathname);
  return {
    query,
    variables: indented(parameters.get('variables') ?? ''),
    operationName: parameters.get('operationName'),
  };
}

function indented(json) {
  try {
    return json && JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json; // the editor shows what is wrong with it
  }
}

/** Return the URL of a query, given the texts of the editors. Throws an Error that says why there is none. */
export function linkTo(query, variables, operationName) {
  if (!query.trim()) throw new Error('There is no query to link to.');
  const parameters = new URLSearchParams({ query });
  const values = parsed(variables);
  if (values) parameters.set('variables', JSON.stringify(values));
  if (operationName) parameters.set('operationName', operationName);
  const link = `${location.origin}${location.pathname}?${parameters}`;
  if (link.length > MAX_LENGTH) throw new Error(`The query is too long for a link: it would have ${link.length} characters.`);
  return link;
}

function parsed(variables) {
  try {
    return tryParseJSONC(variables);
  } catch (error) {
    throw new Error(`Variables ${error.message}`);
  }
}
