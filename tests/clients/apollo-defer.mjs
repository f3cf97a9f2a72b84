// node apollo-defer.mjs URL HANDLER: print each state of a query with @defer, and its data, as a line of JSON.
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import * as handlers from '@apollo/client/incremental';

const [uri, handler] = process.argv.slice(2);
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({ uri }),
  incrementalHandler: new handlers[handler](),
});
const query = gql`
  query Parts { articles(first: 1) { edges { node { id slug ... @defer { title topics { id name } } } } } }`;
const subscription = client.watchQuery({ query }).subscribe(({ data, dataState, error }) => {
  if (error) throw error;
  if (data) console.log(JSON.stringify([dataState, data.articles.edges[0].node]));
  if (dataState === 'complete') subscription.unsubscribe();
});
