/** The chosen facet values, which the query of the URL holds: `?topic=robots&year=2021`. */

import { useMemo } from 'react';
import { useSearch } from 'wouter';
import type { ArticleFilter } from './gql/graphql';

/** How each parameter of the URL filters articles. */
const filters = {
  topic: (slug) => ({ topic: { all: [slug] } }),
  section: (path) => ({ section: { under: path } }),
  author: (slug) => ({ author: { all: [slug] } }),
  provider: (domain) => ({ provider: { eq: domain } }),
  category: (name) => ({ category: { eq: name } }),
  type: (name) => ({ type: { eq: name } }),
  language: (tag) => ({ language: { eq: tag } }),
  year: (year) => ({
    publishedDateTime: { gte: `${year}-01-01T00:00:00Z`, lt: `${Number(year) + 1}-01-01T00:00:00Z` },
  }),
} satisfies Record<string, (value: string) => ArticleFilter>;

export type FilterName = keyof typeof filters;

export const filterNames = Object.keys(filters) as FilterName[];

/** The chosen value of each facet, and all of them as one filter together with that of the page. */
export function useFilters(page?: ArticleFilter) {
  const search = useSearch();
  const scope = JSON.stringify(page);
  return useMemo(() => {
    const params = new URLSearchParams(search);
    const chosen = new Map<FilterName, string>();
    for (const name of filterNames) {
      const value = params.get(name);
      if (value && isPossible(name, value)) chosen.set(name, value);
    }
    const parts: ArticleFilter[] = [...chosen].map(([name, value]) => filters[name](value));
    if (scope) parts.unshift(JSON.parse(scope) as ArticleFilter);
    const where = parts.length > 1 ? { and: parts } : parts[0];
    return { chosen, params, where };
  }, [search, scope]);
}

/** A year is put into a date, which the server would reject if it were none. */
function isPossible(name: FilterName, value: string): boolean {
  return name !== 'year' || /^\d{4}$/.test(value);
}

/** The query of a URL with one parameter set, or removed: `?topic=robots`, or nothing. */
export function withParam(params: URLSearchParams, name: string, value: string | undefined): string {
  const changed = new URLSearchParams(params);
  if (value === undefined) changed.delete(name);
  else changed.set(name, value);
  return changed.size ? `?${changed}` : '';
}
