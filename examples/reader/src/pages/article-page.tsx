import { useQuery } from '@apollo/client/react';
import { useEffect, useRef } from 'react';
import { Link } from 'wouter';
import { announcement } from '../apollo/live';
import { Kicker } from '../components/article-card';
import { Body } from '../components/body';
import { beginsWith } from '../components/body-html';
import { Byline, Time } from '../components/byline';
import { Picture, type PictureRef } from '../components/picture';
import { RelatedCard } from '../components/related-card';
import { ErrorPage, PageSkeleton } from '../components/states';
import { readFragment } from '../gql/fragment-masking';
import { ArticleCardFragmentDoc, ArticlePageDocument, type ArticlePageQuery, PictureFragmentDoc } from '../gql/graphql';
import { PageHeading } from '../navigation';
import { articlePath, storyPath, topicPath } from '../paths';
import { count, formatDate, formatNumber, hostOf, languageName } from '../text';
import { NotFoundPage } from './not-found-page';

const LONG = 110; // characters: a longer headline is set smaller

type Article = NonNullable<ArticlePageQuery['article']>;

export function ArticlePage({ slug }: { slug: string }) {
  const { data, error, refetch } = useQuery(ArticlePageDocument, { variables: { slug } });
  const article = data?.article;
  const card = readFragment(ArticleCardFragmentDoc, article);
  useOnRevision(card?.revision, () => {
    refetch().then(
      () => announcement.set('This article has been updated.'),
      () => undefined, // `error` says so
    );
  });
  if (error && !data) return <ErrorPage error={error} retry={refetch} />;
  if (!data) return <PageSkeleton />;
  if (!article || !card) return <NotFoundPage what="article" />;
  const lang = card.language ?? undefined;
  return (
    <>
      <article className="article">
        <header className="article-header">
          <Kicker article={card} />
          <PageHeading className={card.title.length > LONG ? 'long' : undefined} title={card.title} lang={lang} dir="auto">
            {card.title}
          </PageHeading>
          {card.excerpt && !(article.html && beginsWith(article.html, card.excerpt)) && (
            <p className="standfirst" lang={lang} dir="auto">
              {card.excerpt}
            </p>
          )}
          <Byline article={card} isLong />
          <Facts article={article} />
        </header>
        {card.image && <LeadPicture image={card.image} of={card.title} />}
        {article.featuredContent && <Body html={article.featuredContent} title="" lang={card.language} />}
        {article.html && <Body html={article.html} title={card.title} lang={card.language} />}
        <Source article={article} />
        <Topics topics={card.topics} />
      </article>
      <Story story={article.story} slug={slug} />
      <RelatedCoverage article={article} slug={slug} />
      <Neighbours article={article} />
    </>
  );
}

/** Calls `action` when the article on the page has changed: its card came over the subscription, its body did not. */
function useOnRevision(revision: string | undefined, action: () => void): void {
  const shown = useRef(revision);
  useEffect(() => {
    const isChanged = shown.current !== undefined && revision !== undefined && shown.current !== revision;
    shown.current = revision;
    if (isChanged) action();
  }, [revision]);
}

function Facts({ article }: { article: Article }) {
  const { modifiedDateTime, translations } = article;
  if (!modifiedDateTime && !translations.length) return null;
  return (
    <p className="byline">
      {modifiedDateTime && (
        <span className="byline-part">
          Updated <time dateTime={modifiedDateTime}>{formatDate(modifiedDateTime, 'long')}</time>
        </span>
      )}
      {translations.map(({ slug, language }) => (
        <span key={slug} className="byline-part">
          <Link href={articlePath(slug)} hrefLang={language ?? undefined}>
            {language ? `In ${languageName(language)}` : 'In another language'}
          </Link>
        </span>
      ))}
    </p>
  );
}

function LeadPicture({ image, of }: { image: PictureRef; of: string }) {
  const { caption, title, attribution } = readFragment(PictureFragmentDoc, image);
  const text = [caption, title].find((words) => words && words !== of); // many images repeat the headline
  return (
    <figure className="article-picture">
      <Picture image={image} of={of} shape="full" isFirst />
      {(text || attribution) && (
        <figcaption dir="auto">
          {text} {attribution && <span className="credit">{attribution}</span>}
        </figcaption>
      )}
    </figure>
  );
}

/** Where the article was published; the way to its text, where the file holds none. */
function Source({ article }: { article: Article }) {
  const { html, url } = article;
  if (!/^https?:/.test(url)) return html ? null : <p className="source">This article has no text here.</p>;
  return (
    <p className="source">
      <a className={html ? undefined : 'button'} href={url} target="_blank" rel="noopener noreferrer">
        {html ? `Published at ${hostOf(url)}` : `Read the article at ${hostOf(url)}`}
      </a>
    </p>
  );
}

function Topics({ topics }: { topics: { slug: string; name: string }[] }) {
  if (!topics.length) return null;
  return (
    <ul className="chips" aria-label="Topics">
      {topics.map(({ slug, name }) => (
        <li key={slug}>
          <Link href={topicPath(slug)} dir="auto">
            {name}
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Story({ story, slug }: { story: Article['story']; slug: string }) {
  if (!story) return null;
  return (
    <section className="story-box" aria-labelledby="story">
      <h2 id="story" className="rule-heading">
        The whole story
      </h2>
      <p className="story-title">
        <Link href={storyPath(story.id)} dir="auto">
          {story.title}
        </Link>
        <span> · {count(story.size, 'article')}</span>
      </p>
      <ol>
        {story.articles.edges.map(({ cursor, node }) => (
          <li key={cursor} aria-current={node.slug === slug || undefined}>
            <Time iso={node.publishedDateTime} />
            <span lang={node.language ?? undefined} dir="auto">
              {node.slug === slug ? node.title : <Link href={articlePath(node.slug)}>{node.title}</Link>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function RelatedCoverage({ article: { related, relatedCount }, slug }: { article: Article; slug: string }) {
  if (!related.length) return null;
  const hidden = relatedCount - related.length;
  return (
    <section className="related" aria-labelledby="related">
      <h2 id="related" className="rule-heading">
        Related coverage
      </h2>
      <ul>
        {related.map((entry, index) => (
          <li key={index}>
            <RelatedCard related={entry} ownSlug={slug} />
          </li>
        ))}
      </ul>
      {hidden > 0 && <p className="related-more">And {formatNumber(hidden)} more</p>}
    </section>
  );
}

function Neighbours({ article: { next, previous } }: { article: Article }) {
  if (!next && !previous) return null;
  return (
    <nav className="neighbours" aria-label="Newer and older articles">
      {previous && <Neighbour article={previous} label="Older" rel="prev" />}
      {next && <Neighbour article={next} label="Newer" rel="next" />}
    </nav>
  );
}

type NeighbourProps = { article: NonNullable<Article['next']>; label: string; rel: string };

function Neighbour({ article: { slug, title, language }, label, rel }: NeighbourProps) {
  return (
    <Link className={`neighbour neighbour-${rel}`} href={articlePath(slug)} rel={rel}>
      <span className="kicker">{label}</span>
      <span lang={language ?? undefined} dir="auto">
        {title}
      </span>
    </Link>
  );
}
