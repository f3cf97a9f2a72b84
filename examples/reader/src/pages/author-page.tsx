import { useQuery } from '@apollo/client/react';
import { ArticleFeed } from '../components/article-feed';
import { PageHeader } from '../components/page-header';
import { Picture } from '../components/picture';
import { ErrorPage, PageSkeleton } from '../components/states';
import { AuthorPageDocument } from '../gql/graphql';
import { hostOf } from '../text';
import { NotFoundPage } from './not-found-page';

export function AuthorPage({ slug }: { slug: string }) {
  const { data, error, refetch } = useQuery(AuthorPageDocument, { variables: { slug } });
  if (error) return <ErrorPage error={error} retry={refetch} />;
  if (!data) return <PageSkeleton />;
  if (!data.author) return <NotFoundPage what="author" />;
  const { name, bio, url, image } = data.author;
  return (
    <>
      <PageHeader
        kind="Author"
        indexPath="/authors"
        title={name}
        picture={image && <Picture image={image} of={name} shape="portrait" />}
      >
        {bio && (
          <p className="page-intro" dir="auto">
            {bio}
          </p>
        )}
        {url && (
          <p>
            <a href={url} target="_blank" rel="noopener noreferrer">
              {hostOf(url)}
            </a>
          </p>
        )}
      </PageHeader>
      <ArticleFeed
        where={{ author: { any: [slug] } }}
        isShown={({ authors }) => authors.some((author) => author.slug === slug)}
        own={{ name: 'author', value: slug }}
      />
    </>
  );
}
