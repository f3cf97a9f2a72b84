// A front page that keeps itself up to date: `node apollo-cache.mjs URL [TOKEN]` writes its list of titles, as
// a line of JSON, whenever it changes.

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
page.subscribeToMore({ document: CHANGES, variables: { since: data.site.version }, updateQuery: change });

// What was updated stands in the cache already, which knows an article by its `id`. The list is ours to keep.
function change(before, { subscriptionData }) {
  const { kind, slug, article } = subscriptionData.data.articleChanged;
  if (kind === 'UPDATED') return before;
  const others = before.articles.nodes.filter((one) => one.slug !== slug);
  const nodes = kind === 'ADDED' ? [article, ...others] : others;
  return { ...before, articles: { ...before.articles, nodes } };
}
