import { useQuery } from '@apollo/client/react';
import { ArticleFeed } from '../components/article-feed';
import { PageHeader } from '../components/page-header';
import { ErrorPage, PageSkeleton } from '../components/states';
import { TopicPageDocument } from '../gql/graphql';
import { NotFoundPage } from './not-found-page';

export function TopicPage({ slug }: { slug: string }) {
  const { data, error, refetch } = useQuery(TopicPageDocument, { variables: { slug } });
  if (error) return <ErrorPage error={error} retry={refetch} />;
  if (!data) return <PageSkeleton />;
  if (!data.topic) return <NotFoundPage what="topic" />;
  return (
    <>
      <PageHeader kind="Topic" indexPath="/topics" title={data.topic.name} />
      <ArticleFeed
        where={{ topic: { any: [slug] } }}
        isShown={({ topics }) => topics.some((topic) => topic.slug === slug)}
        own={{ name: 'topic', value: slug }}
      />
    </>
  );
}
