/** What the page that gqlnews renders says about the server, in `data-` attributes of the root element. */

export interface Settings {
  /** Path of the GraphQL endpoint. */
  endpoint: string;
  /** Path below which the reader's routes lie, without the last slash: empty at the root of a host. */
  base: string;
  /** Path of the explorer; undefined where the server has none. */
  explorer: string | undefined;
}

export function readSettings(root: HTMLElement): Settings {
  const { endpoint = '/graphql', base = '/', explorer } = root.dataset;
  return { endpoint, base: base.replace(/\/$/, ''), explorer };
}
