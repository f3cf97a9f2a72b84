/** What components need to know of the whole site. The frame of the page loads it. */

import type { SiteQuery } from './gql/graphql';
import { Store } from './store';

/**
 * Name of the site, which ends each title; undefined while it is loading, and empty if that has failed. Lists wait for it:
 * without it, they would name a provider that is the site itself, and move when they no longer do.
 */
export const siteTitle = new Store<string | undefined>(undefined);

/** Slug of the topic that most articles have, if there is one: it tells little about one of them. */
export const commonTopic = new Store<string | undefined>(undefined);

export function findCommonTopic({ site, topics }: SiteQuery): string | undefined {
  const [top] = topics;
  return top && top.articleCount > site.articleCount / 2 ? top.slug : undefined;
}
