/** What components need to know of the whole site. The frame of the page loads it. */

import type { SiteQuery } from './gql/graphql';
import { Store } from './store';

/** Name of the site, which ends each title. */
export const siteTitle = new Store('');

/** Slug of the topic that most articles have, if there is one: it tells little about one of them. */
export const commonTopic = new Store<string | undefined>(undefined);

export function findCommonTopic({ site, topics }: SiteQuery): string | undefined {
  const [top] = topics;
  return top && top.articleCount > site.articleCount / 2 ? top.slug : undefined;
}
