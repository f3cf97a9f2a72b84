import { useQuery } from '@apollo/client/react';
import { Link } from 'wouter';
import { ArticleRow } from '../components/article-card';
import { Time } from '../components/byline';
import { LoadMore } from '../components/load-more';
import { PageHeader } from '../components/page-header';
import { ErrorPage, PageSkeleton } from '../components/states';
import { StoryPageDocument } from '../gql/graphql';
import { providerPath } from '../paths';
import { count, formatDate, formatNumber } from '../text';
import { NotFoundPage } from './not-found-page';

export function StoryPage({ id }: { id: string }) {
  const { data, error, refetch, fetchMore } = useQuery(StoryPageDocument, { variables: { id } });
  if (error) return <ErrorPage error={error} retry={refetch} />;
  if (!data) return <PageSkeleton />;
  if (data.node?.__typename !== 'Story') return <NotFoundPage what="story" />;
  const { title, size, firstPublished, lastPublished, providers, articles } = data.node;
  const { edges, pageInfo } = articles;
  return (
    <div className="column">
      <PageHeader kind="Story" title={title}>
        <p className="page-intro">
          {count(size, 'article')}, <Time iso={firstPublished} isLong />
          {formatDate(firstPublished) !== formatDate(lastPublished) && (
            <>
              {' to '}
              <Time iso={lastPublished} isLong />
            </>
          )}
        </p>
        {providers.length > 0 && (
          <ul className="chips" aria-label="Providers">
            {providers.map(({ provider, count: articlesOf }) => (
              <li key={provider.domain}>
                <Link href={providerPath(provider.domain)}>
                  {provider.name} <span>{formatNumber(articlesOf)}</span>
                </Link>
              </li>
            ))}
          </ul>
        )}
      </PageHeader>
      <section aria-labelledby="story-articles">
        <h2 id="story-articles" className="rule-heading">
          From the first article to the last
        </h2>
        <ol className="rows timeline">
          {edges.map(({ cursor, node }) => (
            <li key={cursor}>
              <ArticleRow article={node} />
            </li>
          ))}
        </ol>
        {pageInfo.hasNextPage && (
          <LoadMore load={() => fetchMore({ variables: { after: pageInfo.endCursor } })} />
        )}
      </section>
    </div>
  );
}
