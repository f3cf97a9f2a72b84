/** Apollo's normalised cache, and how it identifies, reads and merges the objects of gqlnews. */

import { type FieldFunctionOptions, InMemoryCache, type Reference } from '@apollo/client';
import { relayStylePagination } from '@apollo/client/utilities';
import possibleTypes from '../gql/possible-types';

export function createCache(): InMemoryCache {
  return new InMemoryCache({
    // Without these, a fragment on the interface `Coverage` would not match an `Article`.
    possibleTypes: possibleTypes.possibleTypes,
    typePolicies: {
      // Each of these has an `id`, too. The cache uses the key that stands in the URL of a page, so that it finds the
      // object of that URL without a request (`fromCache`), and the article that a change names by its slug.
      Article: { keyFields: ['slug'], fields: { referencedBy: articlePages } },
      Topic: { keyFields: ['slug'] },
      Author: { keyFields: ['slug'] },
      Provider: { keyFields: ['domain'] },
      Section: { keyFields: ['path'] },
      Story: { fields: { articles: articlePages } },
      Query: {
        fields: {
          article: { read: fromCache('Article') },
          topic: { read: fromCache('Topic') },
          author: { read: fromCache('Author') },
          provider: { read: fromCache('Provider') },
          section: { read: fromCache('Section') },
          articles: articlePages,
          search: relayStylePagination(['query', 'where']),
          authors: relayStylePagination(['orderBy', 'name']),
          providers: relayStylePagination(['orderBy', 'where']),
        },
      },
    },
  });
}

/** A list grows page by page. Lists with other filters or another order are other lists. */
const articlePages = relayStylePagination(['where', 'orderBy']);

/** `topic(slug: "a")` is the topic with the slug "a", whichever query has loaded it. */
function fromCache(typename: string) {
  return (existing: Reference | null | undefined, { args, toReference }: FieldFunctionOptions) =>
    existing === undefined ? toReference({ __typename: typename, ...args }) : existing;
}
