import { useQuery } from '@apollo/client/react';
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { ArticleRow } from '../components/article-card';
import { WithFacets } from '../components/facets';
import { LoadMore } from '../components/load-more';
import { EmptyState, ErrorState, ListSkeleton } from '../components/states';
import { useFilters, withParam } from '../filters';
import { SearchPageDocument } from '../gql/graphql';
import { PageHeading } from '../navigation';
import { siteTitle } from '../site';
import { useStore } from '../store';
import { count } from '../text';

const TYPING_PAUSE = 200; // milliseconds

/** The query stands in the URL, from the first pause while it is typed. */
export function SearchPage() {
  const filters = useFilters();
  const [path, navigate] = useLocation();
  const query = filters.params.get('q') ?? '';
  const [typed, type] = useState(query);
  const lastQuery = useRef(query);
  const box = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (!lastQuery.current) box.current?.focus(); // in place of the heading: a visitor wants to type
  }, []);

  useEffect(() => {
    if (lastQuery.current === query) return;
    lastQuery.current = query;
    type(query); // the back button, or a link
  }, [query]);

  useEffect(() => {
    const next = typed.trim();
    if (next === query) return undefined;
    const timer = setTimeout(() => {
      lastQuery.current = next;
      navigate(path + withParam(filters.params, 'q', next || undefined), { replace: true });
    }, TYPING_PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);

  return (
    <>
      <header className="page-header search-header">
        <search>
          <PageHeading title={query ? `Search: ${query}` : 'Search'}>Search</PageHeading>
          <input
            ref={box}
            type="search"
            className="search-input"
            aria-label="Search the articles"
            placeholder="Search the articles"
            value={typed}
            onChange={(event) => type(event.target.value)}
            autoComplete="off"
            dir="auto"
          />
        </search>
      </header>
      {query ? <Results key="results" query={query} filters={filters} /> : <Hints />}
    </>
  );
}

function Results({ query, filters }: { query: string; filters: ReturnType<typeof useFilters> }) {
  const variables = { query, where: filters.where, withFacets: true };
  const { data, previousData, error, refetch, fetchMore } = useQuery(SearchPageDocument, { variables });
  const isSiteKnown = useStore(siteTitle) !== undefined;
  const found = isSiteKnown ? (data ?? previousData)?.search : undefined;
  if (error && !data) return <ErrorState error={error} retry={refetch} />;
  if (!found) return <ListSkeleton />;
  const { edges, pageInfo, totalCount = 0, facets } = found;
  const more = () => fetchMore({ variables: { after: pageInfo.endCursor, withFacets: false } });
  return (
    <WithFacets facets={facets} filters={filters}>
      <section aria-labelledby="results" aria-busy={!data}>
        <h2 id="results" className="rule-heading">
          <span role="status">{count(totalCount, 'result')}</span>
        </h2>
        <ul className={data ? 'rows' : 'rows stale'}>
          {edges.map(({ cursor, node, snippet }) => (
            <li key={cursor}>
              <ArticleRow article={node} snippet={snippet} />
            </li>
          ))}
        </ul>
        {edges.length === 0 && <EmptyState>No article has all of these words. Try fewer, or the beginning of one: robot*</EmptyState>}
        {pageInfo.hasNextPage && data && <LoadMore load={more} />}
      </section>
    </WithFacets>
  );
}

function Hints() {
  return (
    <dl className="hints">
      <dt>robots news</dt>
      <dd>articles with both words</dd>
      <dt>&quot;machine learning&quot;</dt>
      <dd>the words in this order</dd>
      <dt>robots OR drones</dt>
      <dd>articles with either word</dd>
      <dt>robots -news</dt>
      <dd>without a word</dd>
      <dt>robot*</dt>
      <dd>words that begin so</dd>
      <dt>title:robots</dt>
      <dd>only in headlines</dd>
    </dl>
  );
}
