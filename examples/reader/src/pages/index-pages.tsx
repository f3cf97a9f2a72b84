/**
 * The indexes: all topics, authors, providers and sections.
 *
 * They can be filtered by name. Topics and sections are loaded at once, and filtered here. Authors and providers are
 * loaded page by page, so the server filters them.
 */

import { useQuery } from '@apollo/client/react';
import { type ReactNode, useState } from 'react';
import { Link } from 'wouter';
import { LoadMore } from '../components/load-more';
import { PageHeader } from '../components/page-header';
import { EmptyState, ErrorPage, PageSkeleton } from '../components/states';
import { AuthorIndexDocument, ProviderIndexDocument, SectionIndexDocument, TopicIndexDocument } from '../gql/graphql';
import { authorPath, providerPath, sectionPath, topicPath } from '../paths';
import { formatNumber } from '../text';
import { usePaused } from '../use-paused';

const MANY = 24; // entries, from which on a list can be filtered
const TYPING_PAUSE = 200; // milliseconds

export function TopicIndex() {
  const [words, setWords] = useState('');
  const { data, error, refetch } = useQuery(TopicIndexDocument);
  const entries = data?.topics.map(({ slug, name, articleCount }) => ({ path: topicPath(slug), name, articleCount }));
  return (
    <Index
      title="Topics"
      empty="No article has a topic."
      entries={entries && named(entries, words)}
      isLong={isLong(entries)}
      words={words}
      onType={setWords}
      error={error}
      retry={refetch}
    />
  );
}

export function AuthorIndex() {
  const [words, setWords] = useState('');
  const name = useNameFilter(words);
  const { data, previousData, error, refetch, fetchMore } = useQuery(AuthorIndexDocument, { variables: { name } });
  const authors = (data ?? previousData)?.authors;
  const entries = authors?.edges.map(({ node }) => ({ ...node, path: authorPath(node.slug) }));
  const { hasNextPage, endCursor } = data?.authors.pageInfo ?? {};
  return (
    <Index
      title="Authors"
      empty="No article names its author."
      entries={entries}
      isLong={isLong(entries)}
      words={words}
      onType={setWords}
      error={error}
      retry={refetch}
    >
      {hasNextPage && <LoadMore load={() => fetchMore({ variables: { after: endCursor } })} />}
    </Index>
  );
}

export function ProviderIndex() {
  const [words, setWords] = useState('');
  const name = useNameFilter(words);
  const variables = { where: name && { name } };
  const { data, previousData, error, refetch, fetchMore } = useQuery(ProviderIndexDocument, { variables });
  const providers = (data ?? previousData)?.providers;
  const entries = providers?.edges.map(({ node }) => ({ ...node, path: providerPath(node.domain) }));
  const { hasNextPage, endCursor } = data?.providers.pageInfo ?? {};
  return (
    <Index
      title="Providers"
      empty="No article names its provider."
      entries={entries}
      isLong={isLong(entries)}
      words={words}
      onType={setWords}
      error={error}
      retry={refetch}
    >
      {hasNextPage && <LoadMore load={() => fetchMore({ variables: { after: endCursor } })} />}
    </Index>
  );
}

export function SectionIndex() {
  const [words, setWords] = useState('');
  const { data, error, refetch } = useQuery(SectionIndexDocument);
  const entries = data?.sections.map(({ path, title, articleCount }) => ({
    path: sectionPath(path),
    name: title,
    articleCount,
    level: path.split('/').length - 1,
  }));
  return (
    <Index
      title="Sections"
      empty="All articles lie at the top of the folder."
      entries={entries && named(entries, words)}
      isLong={isLong(entries)}
      words={words}
      onType={setWords}
      error={error}
      retry={refetch}
    />
  );
}

interface Entry {
  path: string;
  name: string;
  articleCount: number;
  /** How deep it lies: sections lie in sections. */
  level?: number;
}

/** For the server: names that contain these words, once they are typed. */
function useNameFilter(words: string) {
  const contains = usePaused(words.trim(), TYPING_PAUSE);
  return contains ? { contains } : undefined;
}

function named(entries: Entry[], words: string): Entry[] {
  const part = words.trim().toLocaleLowerCase();
  return entries.filter(({ name }) => name.toLocaleLowerCase().includes(part));
}

function isLong(entries: Entry[] | undefined): boolean {
  return (entries?.length ?? 0) >= MANY;
}

interface IndexProps {
  title: string;
  /** What the page says if there are no entries. */
  empty: string;
  /** Those with the words in their name. */
  entries: Entry[] | undefined;
  /** Whether there are so many that they can be filtered. */
  isLong: boolean;
  words: string;
  onType: (words: string) => void;
  error: Error | undefined;
  retry: () => unknown;
  /** The button for more entries. */
  children?: ReactNode;
}

function Index({ title, empty, entries, isLong, words, onType, error, retry, children }: IndexProps) {
  const [hasFilter, setHasFilter] = useState(false);
  if (isLong && !hasFilter) setHasFilter(true); // it remains when few entries are left
  if (error && !entries) return <ErrorPage error={error} retry={retry} />;
  if (!entries) return <PageSkeleton />;
  const purpose = `Filter ${title.toLowerCase()} by name`;
  return (
    <>
      <PageHeader kind="Index" title={title}>
        {hasFilter && (
          <input
            type="search"
            className="index-filter"
            aria-label={purpose}
            placeholder={purpose}
            value={words}
            onChange={(event) => onType(event.target.value)}
            autoComplete="off"
          />
        )}
      </PageHeader>
      <div role="status">
        {entries.length === 0 && (words || !hasFilter) && (
          <EmptyState>{words ? `There are no ${title.toLowerCase()} with “${words.trim()}” in their name.` : empty}</EmptyState>
        )}
      </div>
      <ul className="index">
        {entries.map(({ path, name, articleCount, level = 0 }) => (
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
      {children}
    </>
  );
}
