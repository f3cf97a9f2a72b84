/** The frame around every page, and the pages by URL. */

import { useQuery } from '@apollo/client/react';
import { type MouseEvent, useEffect } from 'react';
import { Route, Switch } from 'wouter';
import { announcement, useLiveUpdates } from './apollo/live';
import { ConnectionBanner } from './components/connection-banner';
import { Footer } from './components/footer';
import { Masthead } from './components/masthead';
import { SiteDocument, type SiteQuery } from './gql/graphql';
import { useNavigation } from './navigation';
import { ArticlePage } from './pages/article-page';
import { AuthorPage } from './pages/author-page';
import { FrontPage } from './pages/front-page';
import { AuthorIndex, ProviderIndex, SectionIndex, TopicIndex } from './pages/index-pages';
import { NotFoundPage } from './pages/not-found-page';
import { ProviderPage } from './pages/provider-page';
import { SearchPage } from './pages/search-page';
import { SectionPage } from './pages/section-page';
import { StoryPage } from './pages/story-page';
import { TopicPage } from './pages/topic-page';
import { decodePath } from './paths';
import { commonTopic, findCommonTopic, siteTitle } from './site';
import { useStore } from './store';
import { hostOf } from './text';

export function App({ explorer }: { explorer: string | undefined }) {
  const { data, error } = useQuery(SiteDocument, { context: revalidated });
  const title = data && nameOf(data.site);
  useLiveUpdates(data?.site.version);
  useNavigation();
  useEffect(() => {
    if (!data && !error) return;
    commonTopic.set(data && findCommonTopic(data));
    siteTitle.set(title ?? '');
  }, [data, error, title]);
  return (
    <>
      <SkipLink />
      <Masthead title={title} explorer={explorer} />
      <main id="main-content" tabIndex={-1}>
        <Pages />
      </main>
      <Footer title={title} articleCount={data?.site.articleCount} explorer={explorer} />
      <ConnectionBanner />
      <Announcer />
    </>
  );
}

/** It moves the focus itself: a fragment in the URL would be an entry of the history, to which the back button leads. */
function SkipLink() {
  function skip(event: MouseEvent) {
    event.preventDefault();
    document.getElementById('main-content')?.focus();
  }
  return (
    <a className="skip-link" href="#main-content" onClick={skip}>
      Skip to content
    </a>
  );
}

/** Live updates begin at the version of the site, which a cache may have kept for a while. */
const revalidated = { fetchOptions: { cache: 'no-cache' } };

/** Many folders have no configuration that names the site. */
function nameOf({ title, url }: SiteQuery['site']): string {
  return title ?? (url ? hostOf(url) : 'The Reader');
}

function Pages() {
  return (
    <Switch>
      <Route path="/">
        <FrontPage />
      </Route>
      <Route path="/articles/*">{page((slug) => <ArticlePage key={slug} slug={slug} />)}</Route>
      <Route path="/topics">
        <TopicIndex />
      </Route>
      <Route path="/topics/*">{page((slug) => <TopicPage key={slug} slug={slug} />)}</Route>
      <Route path="/authors">
        <AuthorIndex />
      </Route>
      <Route path="/authors/*">{page((slug) => <AuthorPage key={slug} slug={slug} />)}</Route>
      <Route path="/providers">
        <ProviderIndex />
      </Route>
      <Route path="/providers/*">{page((domain) => <ProviderPage key={domain} domain={domain} />)}</Route>
      <Route path="/sections">
        <SectionIndex />
      </Route>
      <Route path="/sections/*">{page((path) => <SectionPage key={path} path={path} />)}</Route>
      <Route path="/stories/*">{page((id) => <StoryPage key={id} id={id} />)}</Route>
      <Route path="/search">
        <SearchPage />
      </Route>
      <Route>
        <NotFoundPage what="page" />
      </Route>
    </Switch>
  );
}

/** The content of a route that ends in `*`: the rest of the URL names what the page shows. */
function page(render: (name: string) => React.JSX.Element) {
  return (params: { '*'?: string }) => render(decodePath(params['*'] ?? ''));
}

/** Announces what happens elsewhere on the page, once the screen reader has finished its sentence. */
function Announcer() {
  return (
    <div role="status" className="visually-hidden">
      {useStore(announcement)}
    </div>
  );
}
