/** An article in a list: as the lead of a page, as a row, or as a brief. */

import { Link } from 'wouter';
import { type FragmentType, readFragment } from '../gql/fragment-masking';
import { ArticleCardFragmentDoc, type ArticleCardFragment } from '../gql/graphql';
import { articlePath, sectionPath, topicPath } from '../paths';
import { commonTopic } from '../site';
import { useStore } from '../store';
import { Byline } from './byline';
import { Picture } from './picture';
import { Snippet } from './snippet';

export type ArticleRef = FragmentType<typeof ArticleCardFragmentDoc>;

interface CardProps {
  article: ArticleRef;
}

export function LeadArticle({ article: ref }: CardProps) {
  const article = readFragment(ArticleCardFragmentDoc, ref);
  return (
    <article className="card lead">
      {article.image && <Picture image={article.image} of={article.title} isFirst />}
      <Kicker article={article} />
      <Headline article={article} level="h2" />
      <Excerpt article={article} />
      <Byline article={article} />
    </article>
  );
}

export function BriefArticle({ article: ref }: CardProps) {
  const article = readFragment(ArticleCardFragmentDoc, ref);
  return (
    <article className="card brief">
      <Kicker article={article} />
      <Headline article={article} level="h3" />
      <Excerpt article={article} />
      <Byline article={article} />
    </article>
  );
}

interface RowProps extends CardProps {
  /** The passage that matches a search; it takes the place of the excerpt. */
  snippet?: string;
  /** Slug of the topic that the page is about, which need not stand over every headline. */
  ownTopic?: string | undefined;
}

export function ArticleRow({ article: ref, snippet, ownTopic }: RowProps) {
  const article = readFragment(ArticleCardFragmentDoc, ref);
  return (
    <article className="card row">
      <div>
        <Kicker article={article} ownTopic={ownTopic} />
        <Headline article={article} level="h3" />
        {snippet ? (
          <Snippet html={snippet} lang={article.language}>
            <Excerpt article={article} />
          </Snippet>
        ) : (
          <Excerpt article={article} />
        )}
        <Byline article={article} />
      </div>
      {article.image && <Picture image={article.image} of={article.title} />}
    </article>
  );
}

function Headline({ article, level: Level }: { article: ArticleCardFragment; level: 'h2' | 'h3' }) {
  return (
    <Level className="headline" lang={article.language ?? undefined} dir="auto">
      <Link href={articlePath(article.slug)}>{article.title}</Link>
    </Level>
  );
}

function Excerpt({ article }: { article: ArticleCardFragment }) {
  if (!article.excerpt) return null;
  return (
    <p className="excerpt" lang={article.language ?? undefined} dir="auto">
      {article.excerpt}
    </p>
  );
}

interface KickerProps {
  article: Pick<ArticleCardFragment, 'topics' | 'section'>;
  ownTopic?: string | undefined;
}

/** The subject over a headline: the first topic that says something, or the section. */
export function Kicker({ article: { topics, section }, ownTopic }: KickerProps) {
  const common = useStore(commonTopic);
  const others = topics.filter(({ slug }) => slug !== ownTopic);
  const topic = others.find(({ slug }) => slug !== common) ?? others[0];
  if (topic) {
    return (
      <p className="kicker" dir="auto">
        <Link href={topicPath(topic.slug)}>{topic.name}</Link>
      </p>
    );
  }
  if (!section) return null;
  return (
    <p className="kicker" dir="auto">
      <Link href={sectionPath(section.path)}>{section.title}</Link>
    </p>
  );
}
