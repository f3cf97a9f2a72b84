/** Who wrote it, where and when, as far as an article says. The site itself is not named: its name is above all pages. */

import { Fragment, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { ArticleCardFragment } from '../gql/graphql';
import { authorPath, providerPath } from '../paths';
import { siteTitle } from '../site';
import { useStore } from '../store';
import { formatDate } from '../text';

type Article = Pick<ArticleCardFragment, 'authors' | 'provider' | 'publishedDateTime' | 'readingMinutes'>;

export function Byline({ article, isLong = false }: { article: Article; isLong?: boolean }) {
  const { authors, provider, publishedDateTime, readingMinutes } = article;
  const site = useStore(siteTitle);
  const parts: ReactNode[] = [];
  if (authors.length) parts.push(<Authors authors={isLong ? authors : authors.slice(0, 2)} />);
  if (provider && provider.name !== site) parts.push(<Link href={providerPath(provider.domain)}>{provider.name}</Link>);
  parts.push(<Time iso={publishedDateTime} isLong={isLong} />);
  if (readingMinutes) parts.push(`${readingMinutes} min read`);
  return (
    <p className="byline">
      {parts.map((part, index) => (
        <span key={index} className="byline-part">
          {part}
        </span>
      ))}
    </p>
  );
}

function Authors({ authors }: { authors: ArticleCardFragment['authors'] }) {
  return (
    <>
      By{' '}
      {authors.map(({ slug, name }, index) => (
        <Fragment key={slug}>
          {index > 0 && (index === authors.length - 1 ? ' and ' : ', ')}
          <Link className="author" href={authorPath(slug)} dir="auto">
            {name}
          </Link>
        </Fragment>
      ))}
    </>
  );
}

export function Time({ iso, isLong = false }: { iso: string; isLong?: boolean }) {
  return <time dateTime={iso}>{formatDate(iso, isLong ? 'long' : 'short')}</time>;
}
