// A page that is kept up to date: `node apollo-cache.mjs URL [TOKEN]` prints its list of titles, as a line of JSON,
// whenever the list changes.

import { gql } from '@apollo/client';
import { openApollo } from './apollo.mjs';

const PAGE = gql`
  query Page {
    site { version }
    articles(first: 100, where: { topic: { any: ["astronomy"] } }) { nodes { id slug title } }
  }`;
const CHANGES = gql`
  subscription Changes($since: String) {
    articleChanged(where: { topic: { any: ["astronomy"] } }, since: $since) {
      kind version slug article { id slug title }
    }
  }`;

const client = openApollo(...process.argv.slice(2));
const { data } = await client.query({ query: PAGE });
const page = client.watchQuery({ query: PAGE }); // from the cache
page.subscribe(({ data }) => console.log(JSON.stringify(data.articles.nodes.map(({ title }) => title))));
page.subscribeToMore({ document: CHANGES, variables: { since: data.site.version }, updateQuery: applyChange });

// Apollo updates a changed article in its cache by `id`. Additions to the list and removals are up to this function.
function applyChange(previous, { subscriptionData }) {
  const { kind, slug, article } = subscriptionData.data.articleChanged;
  if (kind === 'UPDATED') return previous;
  const others = previous.articles.nodes.filter((node) => node.slug !== slug);
  const nodes = kind === 'ADDED' ? [article, ...others] : others;
  return { ...previous, articles: { ...previous.articles, nodes } };
}
