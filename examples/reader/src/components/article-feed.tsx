/** A list of articles, newest first: it grows as the reader scrolls, is narrowed by facets, and knows of new articles. */

import { useApolloClient, useQuery } from '@apollo/client/react';
import { useFilters } from '../filters';
import { ArticleFeedDocument, type ArticleCardFragment, type ArticleFilter } from '../gql/graphql';
import { siteTitle } from '../site';
import { useStore } from '../store';
import { count } from '../text';
import { ArticleRow } from './article-card';
import { type FacetValue, WithFacets } from './facets';
import { LoadMore } from './load-more';
import { NewArticles } from './new-articles';
import { EmptyState, ErrorState, ListSkeleton } from './states';

const PAGE_SIZE = 20;

/** `where` narrows the list; see the cache for how pages become one list. */
export function useArticleFeed(where: ArticleFilter | undefined) {
  const client = useApolloClient();
  const variables = { where, first: PAGE_SIZE, withFacets: true };
  const { data, previousData, error, refetch, fetchMore } = useQuery(ArticleFeedDocument, { variables });
  const isSiteKnown = useStore(siteTitle) !== undefined;
  const articles = isSiteKnown ? (data ?? previousData)?.articles : undefined;

  function loadMore() {
    return fetchMore({ variables: { after: articles?.pageInfo.endCursor, withFacets: false } });
  }

  /** Loads the first page again, past every HTTP cache, as something has changed just now. */
  function reload() {
    const context = { fetchOptions: { cache: 'no-cache' } };
    return client.query({ query: ArticleFeedDocument, variables, fetchPolicy: 'network-only', context });
  }

  return { articles, isStale: !data, error, retry: refetch, loadMore, reload };
}

interface ArticleFeedProps {
  /** The filter of the page, to which the reader's facets are added. */
  where?: ArticleFilter;
  /** Whether the page shows this article, which is new. */
  isShown: (article: ArticleCardFragment) => boolean;
  /** The facet value that all articles of the page have. */
  own?: FacetValue;
}

/** The feed of a topic, an author, a provider or a section. */
export function ArticleFeed({ where: scope, isShown, own }: ArticleFeedProps) {
  const filters = useFilters(scope);
  const { articles, isStale, error, retry, loadMore, reload } = useArticleFeed(filters.where);
  if (!articles) return error ? <ErrorState error={error} retry={retry} /> : <ListSkeleton />;
  const { edges, pageInfo, totalCount, facets } = articles;
  return (
    <WithFacets facets={facets} filters={filters} own={own}>
      <section aria-labelledby="feed-heading" aria-busy={isStale}>
        <h2 id="feed-heading" className="rule-heading">
          <span role="status">{totalCount === undefined ? 'Articles' : count(totalCount, 'article')}</span>
        </h2>
        <NewArticles edges={edges} isShown={isShown} reload={reload} />
        <ul className={isStale ? 'rows stale' : 'rows'}>
          {edges.map(({ cursor, node }) => (
            <li key={cursor}>
              <ArticleRow article={node} ownTopic={own?.name === 'topic' ? own.value : undefined} />
            </li>
          ))}
        </ul>
        {edges.length === 0 && (
          <EmptyState>
            {filters.chosen.size > 0 ? 'No article matches. Remove a filter to see more.' : 'There are no articles here.'}
          </EmptyState>
        )}
        {pageInfo.hasNextPage && !isStale && <LoadMore load={loadMore} />}
      </section>
    </WithFacets>
  );
}
