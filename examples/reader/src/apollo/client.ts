/** The Apollo client: queries by GET and hash, so that HTTP caches work; subscriptions over one WebSocket. */

import { ApolloClient, ApolloLink, HttpLink } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createCache } from './cache';
import { persistedQueries, persistedSubscriptions } from './persisted';
import { openSocket } from './socket';

export function createClient(endpoint: string): ApolloClient {
  return new ApolloClient({
    cache: createCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === 'subscription',
      ApolloLink.from([persistedSubscriptions, new GraphQLWsLink(openSocket(endpoint))]),
      ApolloLink.from([persistedQueries, new HttpLink({ uri: endpoint })]),
    ),
    assumeImmutableResults: true,
  });
}
