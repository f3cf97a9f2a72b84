import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { openSocket } from './socket.mjs';

export function openApollo(url, token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  return new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      new GraphQLWsLink(openSocket(url, token)),
      new HttpLink({ uri: url, headers }),
    ),
  });
}

export function connect(url, token) {
  const client = openApollo(url, token);
  return {
    subscribe(query, variables, sink) {
      const subscription = client.subscribe({ query: gql(query), variables }).subscribe(sink);
      return () => subscription.unsubscribe();
    },
    query: (query) => client.query({ query: gql(query), fetchPolicy: 'network-only' }),
  };
}
