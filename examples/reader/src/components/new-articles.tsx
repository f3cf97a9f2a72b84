/** Offers the articles that were added since a list was loaded, and inserts them on a click. */

import { newArticles } from '../apollo/live';
import { readFragment } from '../gql/fragment-masking';
import { ArticleCardFragmentDoc, type ArticleCardFragment } from '../gql/graphql';
import { useStore } from '../store';
import { count } from '../text';
import type { ArticleRef } from './article-card';

interface NewArticlesProps {
  edges: readonly { node: ArticleRef }[];
  isShown: (article: ArticleCardFragment) => boolean;
  reload: () => Promise<unknown>;
}

export function NewArticles({ edges, isShown, reload }: NewArticlesProps) {
  const listed = new Set(edges.map(({ node }) => readFragment(ArticleCardFragmentDoc, node).slug));
  const waiting = useStore(newArticles).filter((article) => !listed.has(article.slug) && isShown(article));
  const [first] = waiting;
  if (!first) return null;

  async function show() {
    try {
      await reload();
    } catch {
      return; // the offer remains, and the banner says that the server cannot be reached
    }
    newArticles.set(newArticles.get().filter((article) => !waiting.includes(article)));
    scrollTo({ top: 0 });
    document.querySelector('h1')?.focus({ preventScroll: true });
  }

  return (
    <button type="button" className="new-articles" onClick={() => void show()}>
      <span className="new-articles-count">{count(waiting.length, 'new article')}</span>
      <span className="new-articles-title" lang={first.language ?? undefined} dir="auto">
        {first.title}
      </span>
    </button>
  );
}
