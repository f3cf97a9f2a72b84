import { useQuery } from '@apollo/client/react';
import { ArticleFeed } from '../components/article-feed';
import { PageHeader } from '../components/page-header';
import { ErrorPage, PageSkeleton } from '../components/states';
import { ProviderPageDocument } from '../gql/graphql';
import { NotFoundPage } from './not-found-page';

export function ProviderPage({ domain }: { domain: string }) {
  const { data, error, refetch } = useQuery(ProviderPageDocument, { variables: { domain } });
  if (error) return <ErrorPage error={error} retry={refetch} />;
  if (!data) return <PageSkeleton />;
  if (!data.provider) return <NotFoundPage what="provider" />;
  const { name, names } = data.provider;
  const others = names.filter((other) => other !== name);
  return (
    <>
      <PageHeader kind="Provider" indexPath="/providers" title={name}>
        <p className="page-intro">
          {domain}
          {others.length > 0 && `, also named ${others.join(', ')}`}
        </p>
      </PageHeader>
      <ArticleFeed
        where={{ provider: { eq: domain } }}
        isShown={({ provider }) => provider?.domain === domain}
        own={{ name: 'provider', value: domain }}
      />
    </>
  );
}
