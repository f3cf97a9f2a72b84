/** The indexes: all topics, authors, providers and sections. */

import { useQuery } from '@apollo/client/react';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { LoadMore } from '../components/load-more';
import { PageHeader } from '../components/page-header';
import { EmptyState, ErrorState, PageSkeleton } from '../components/states';
import { AuthorIndexDocument, ProviderIndexDocument, SectionIndexDocument, TopicIndexDocument } from '../gql/graphql';
import { authorPath, providerPath, sectionPath, topicPath } from '../paths';
import { formatNumber } from '../text';

const MANY = 24; // entries, from which on a list can be filtered

export function TopicIndex() {
  const { data, error, refetch } = useQuery(TopicIndexDocument);
  const entries = data?.topics.map(({ slug, name, articleCount }) => ({ path: topicPath(slug), name, articleCount }));
  return <Index title="Topics" empty="No article has a topic." entries={entries} error={error} retry={refetch} />;
}

export function AuthorIndex() {
  const { data, error, refetch, fetchMore } = useQuery(AuthorIndexDocument);
  const entries = data?.authors.edges.map(({ node }) => ({ ...node, path: authorPath(node.slug) }));
  const { hasNextPage, endCursor } = data?.authors.pageInfo ?? {};
  return (
    <Index title="Authors" empty="No article names its author." entries={entries} error={error} retry={refetch}>
      {hasNextPage && <LoadMore load={() => fetchMore({ variables: { after: endCursor } })} />}
    </Index>
  );
}

export function ProviderIndex() {
  const { data, error, refetch, fetchMore } = useQuery(ProviderIndexDocument);
  const entries = data?.providers.edges.map(({ node }) => ({ ...node, path: providerPath(node.domain) }));
  const { hasNextPage, endCursor } = data?.providers.pageInfo ?? {};
  return (
    <Index title="Providers" empty="No article names its provider." entries={entries} error={error} retry={refetch}>
      {hasNextPage && <LoadMore load={() => fetchMore({ variables: { after: endCursor } })} />}
    </Index>
  );
}

export function SectionIndex() {
  const { data, error, refetch } = useQuery(SectionIndexDocument);
  const entries = data?.sections.map(({ path, title, articleCount }) => ({
    path: sectionPath(path),
    name: title,
    articleCount,
    level: path.split('/').length - 1,
  }));
  return <Index title="Sections" empty="All articles lie at the top of the folder." entries={entries} error={error} retry={refetch} />;
}

interface Entry {
  path: string;
  name: string;
  articleCount: number;
  /** How deep it lies: sections lie in sections. */
  level?: number;
}

interface IndexProps {
  title: string;
  /** What the page says if there are no entries. */
  empty: string;
  entries: Entry[] | undefined;
  error: Error | undefined;
  retry: () => unknown;
  /** The button for more entries. */
  children?: ReactNode;
}

function Index({ title, empty, entries, error, retry, children }: IndexProps) {
  const [words, setWords] = useState('');
  if (error && !entries) return <ErrorState error={error} retry={retry} />;
  if (!entries) return <PageSkeleton />;
  const shown = entries.filter(({ name }) => name.toLocaleLowerCase().includes(words.trim().toLocaleLowerCase()));
  return (
    <>
      <PageHeader kind="Index" title={title}>
        {entries.length >= MANY && (
          <input
            type="search"
            className="index-filter"
            aria-label={`Filter ${title.toLowerCase()}`}
            placeholder={`Filter ${title.toLowerCase()}`}
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        )}
      </PageHeader>
      {shown.length === 0 && <EmptyState>{words ? 'None has this name.' : empty}</EmptyState>}
      <ul className="index">
        {shown.map(({ path, name, articleCount, level = 0 }) => (
          <li key={path} className={level ? 'index-below' : undefined}>
            <Link href={path} dir="auto">
              {name}
            </Link>
            <span className="index-count">
              {formatNumber(articleCount)}
              <span className="visually-hidden">{articleCount === 1 ? ' article' : ' articles'}</span>
            </span>
          </li>
        ))}
      </ul>
      {!words && children}
    </>
  );
}
