import { useQuery } from '@apollo/client/react';
import { Link } from 'wouter';
import { type ArticleRef, ArticleRow, BriefArticle, LeadArticle } from '../components/article-card';
import { useArticleFeed } from '../components/article-feed';
import { LoadMore } from '../components/load-more';
import { NewArticles } from '../components/new-articles';
import { EmptyState, ErrorPage, ListSkeleton } from '../components/states';
import { StoryCard } from '../components/story-card';
import { readFragment } from '../gql/fragment-masking';
import { ArticleCardFragmentDoc, FrontPageDocument, type FrontPageQuery } from '../gql/graphql';
import { PageHeading } from '../navigation';
import { sectionPath, topicPath } from '../paths';
import { formatNumber } from '../text';

const BRIEFS = 3; // beside the lead

export function FrontPage() {
  const { articles, error, retry, loadMore, reload } = useArticleFeed(undefined);
  const { data } = useQuery(FrontPageDocument);
  if (!articles) return error ? <ErrorPage error={error} retry={retry} /> : <ListSkeleton />;
  const { edges, pageInfo } = articles;
  const { lead, briefs, others } = layOut(edges);
  return (
    <>
      <PageHeading className="visually-hidden" title="">
        Latest articles
      </PageHeading>
      <NewArticles edges={edges} isShown={() => true} reload={reload} />
      {lead ? (
        <section className="front" aria-label="Top articles">
          <LeadArticle article={lead.node} />
          {briefs.length > 0 && (
            <div className="briefs">
              {briefs.map(({ cursor, node }) => (
                <BriefArticle key={cursor} article={node} />
              ))}
            </div>
          )}
        </section>
      ) : (
        <EmptyState>There are no articles yet. Save a Markdown file in the folder, and it appears here.</EmptyState>
      )}
      <Stories stories={data?.stories.nodes} />
      <div className="with-aside">
        <section aria-labelledby="latest">
          <h2 id="latest" className="rule-heading">
            {others.length > 0 ? 'More news' : 'That is all for now'}
          </h2>
          <ul className="rows">
            {others.map(({ cursor, node }) => (
              <li key={cursor}>
                <ArticleRow article={node} />
              </li>
            ))}
          </ul>
          {pageInfo.hasNextPage && <LoadMore load={loadMore} />}
        </section>
        <Rail data={data} />
      </div>
    </>
  );
}

type Edge = { cursor: string; node: ArticleRef };

/** The lead is the newest article with an image, if one of the first few has any: the page then begins with a picture. */
function layOut(edges: readonly Edge[]) {
  const first = edges.slice(0, BRIEFS + 1);
  const lead = first.find(({ node }) => readFragment(ArticleCardFragmentDoc, node).image) ?? first[0];
  const briefs = first.filter((edge) => edge !== lead);
  return { lead, briefs, others: edges.slice(first.length) };
}

function Stories({ stories }: { stories: FrontPageQuery['stories']['nodes'] | undefined }) {
  if (!stories?.length) return null;
  return (
    <section className="stories" aria-labelledby="stories">
      <h2 id="stories" className="rule-heading">
        Stories as they unfold
      </h2>
      <ul>
        {stories.map((story, index) => (
          <li key={index}>
            <StoryCard story={story} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Where to go from here, beside the list. */
function Rail({ data }: { data: FrontPageQuery | undefined }) {
  const sections = data?.sections.filter(({ parent }) => !parent).sort((a, b) => b.articleCount - a.articleCount);
  return (
    <aside className="rail" aria-label="Topics and sections">
      {data && data.topics.length > 0 && (
        <RailList title="Topics" more="/topics">
          {data.topics.map(({ slug, name, articleCount }) => ({ path: topicPath(slug), name, articleCount }))}
        </RailList>
      )}
      {sections && sections.length > 0 && (
        <RailList title="Sections" more="/sections">
          {sections.slice(0, 12).map(({ path, title, articleCount }) => ({
            path: sectionPath(path),
            name: title,
            articleCount,
          }))}
        </RailList>
      )}
    </aside>
  );
}

interface RailListProps {
  title: string;
  more: string;
  children: { path: string; name: string; articleCount: number }[];
}

function RailList({ title, more, children }: RailListProps) {
  return (
    <section>
      <h2 className="rule-heading">
        <Link href={more}>{title}</Link>
      </h2>
      <ul className="rail-list">
        {children.map(({ path, name, articleCount }) => (
          <li key={path}>
            <Link href={path} dir="auto">
              {name}
            </Link>
            <span>
              {formatNumber(articleCount)}
              <span className="visually-hidden">{articleCount === 1 ? ' article' : ' articles'}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
