import { useQuery } from '@apollo/client/react';
import { Link } from 'wouter';
import { ArticleFeed } from '../components/article-feed';
import { PageHeader } from '../components/page-header';
import { ErrorPage, PageSkeleton } from '../components/states';
import { SectionPageDocument } from '../gql/graphql';
import { sectionPath } from '../paths';
import { formatNumber } from '../text';
import { NotFoundPage } from './not-found-page';

export function SectionPage({ path }: { path: string }) {
  const { data, error, refetch } = useQuery(SectionPageDocument, { variables: { path } });
  if (error) return <ErrorPage error={error} retry={refetch} />;
  if (!data) return <PageSkeleton />;
  if (!data.section) return <NotFoundPage what="section" />;
  const { title, children, parent } = data.section;
  const above = [parent?.parent?.parent, parent?.parent, parent].filter((section) => section != null);
  return (
    <>
      <PageHeader kind="Section" indexPath="/sections" title={title}>
        {above.length > 0 && (
          <nav aria-label="Sections above">
            <ol className="breadcrumb">
              {above.map((section) => (
                <li key={section.path}>
                  <Link href={sectionPath(section.path)}>{section.title}</Link>
                </li>
              ))}
            </ol>
          </nav>
        )}
        {children.length > 0 && (
          <nav aria-label="Sections below">
            <ul className="chips">
              {children.map((section) => (
                <li key={section.path}>
                  <Link href={sectionPath(section.path)}>
                    {section.title} <span>{formatNumber(section.articleCount)}</span>
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
        )}
      </PageHeader>
      <ArticleFeed
        where={{ section: { under: path } }}
        isShown={({ section }) => section?.path === path || (section?.path.startsWith(`${path}/`) ?? false)}
        own={{ name: 'section', value: path }}
      />
    </>
  );
}
