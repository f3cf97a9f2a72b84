/**
 * Live updates. A subscription sends each change to an article, beginning with those since the page was loaded:
 *
 * - A changed article: Apollo writes it into its cache, and every component that shows it renders again.
 * - A removed article: it is evicted, and `relayStylePagination` leaves it out of every list.
 * - A new article waits in `newArticles` until the reader asks for it, so that the list does not move while it is read.
 */

import { type ApolloClient, CombinedGraphQLErrors } from '@apollo/client';
import { useApolloClient } from '@apollo/client/react';
import { useEffect } from 'react';
import { readFragment } from '../gql/fragment-masking';
import {
  ArticleCardFragmentDoc,
  type ArticleCardFragment,
  ArticleChangedDocument,
  type ArticleChangedSubscription,
} from '../gql/graphql';
import { Store } from '../store';

type Change = ArticleChangedSubscription['articleChanged'];

const MAX_WAITING = 100; // of many thousands, if a whole folder is added

/** New articles that no list shows yet, newest change first. */
export const newArticles = new Store<readonly ArticleCardFragment[]>([]);

/** Text that screen readers announce after the current sentence. */
export const announcement = new Store('');

/** Follows the changes after this version of the content, as long as the component is mounted. */
export function useLiveUpdates(since: string | undefined): void {
  const client = useApolloClient();
  useEffect(() => (since === undefined ? undefined : followChanges(client, since)), [client, since]);
}

function followChanges(client: ApolloClient, since: string): () => void {
  const changes = client.subscribe({ query: ArticleChangedDocument, variables: { since } }).subscribe({
    next({ data, error }) {
      if (data) applyChange(client, data.articleChanged);
      if (error) startOver(client, error);
    },
    error: (error: unknown) => startOver(client, error),
  });
  return () => changes.unsubscribe();
}

function applyChange(client: ApolloClient, { kind, slug, article }: Change): void {
  const others = newArticles.get().filter((waiting) => waiting.slug !== slug);
  if (kind === 'REMOVED') {
    newArticles.set(others);
    const { cache } = client;
    cache.evict({ id: cache.identify({ __typename: 'Article', slug }) });
    cache.gc();
  } else if (kind === 'ADDED' && article) {
    const added = readFragment(ArticleCardFragmentDoc, article);
    newArticles.set([added, ...others].slice(0, MAX_WAITING));
    announcement.set(`New article: ${added.title}`);
  }
}

/** The server no longer knows `since`, for example after its database was rebuilt: load everything that is shown. */
function startOver(client: ApolloClient, error: unknown): void {
  const isTooOld =
    CombinedGraphQLErrors.is(error) &&
    error.errors.some(({ extensions }) => extensions?.['code'] === 'VERSION_TOO_OLD');
  if (isTooOld) void client.refetchQueries({ include: 'active' });
  else console.error('Live updates have ended.', error);
}
