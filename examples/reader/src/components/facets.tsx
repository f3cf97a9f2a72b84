/** The facets of a list: how many of its articles have which topic, author, year, … Each value is a link that narrows the list. */

import type { ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { type FilterName, type useFilters, withParam } from '../filters';
import { type FragmentType, readFragment } from '../gql/fragment-masking';
import { FacetsFragmentDoc, type FacetsFragment } from '../gql/graphql';
import { formatNumber, languageName } from '../text';
import { useMediaQuery } from '../use-media-query';

export interface FacetValue {
  name: FilterName;
  value: string;
}

interface Entry {
  value: string;
  label: string;
  count: number;
}

interface FacetsProps {
  facets: FragmentType<typeof FacetsFragmentDoc>;
  filters: ReturnType<typeof useFilters>;
  /** The facet value that all articles of the page have. */
  own?: FacetValue | undefined;
}

interface WithFacetsProps extends Omit<FacetsProps, 'facets'> {
  facets: FacetsProps['facets'] | undefined;
  /** The list that they narrow. */
  children: ReactNode;
}

/** A list with its facets beside it, or above it in a narrow window: the Tab key then reaches them first, too. */
export function WithFacets({ facets, children, ...others }: WithFacetsProps) {
  const isWide = useMediaQuery('(min-width: 60rem)');
  const aside = facets && <Facets facets={facets} {...others} isOpen={isWide} />;
  return (
    <div className="with-aside">
      {!isWide && aside}
      {children}
      {isWide && aside}
    </div>
  );
}

function Facets({ facets, filters, own, isOpen }: FacetsProps & { isOpen: boolean }) {
  const groups = facetGroups(readFragment(FacetsFragmentDoc, facets))
    .map((group) => ({ ...group, entries: group.entries.filter(({ value }) => !isOwn(own, group.name, value)) }))
    .filter(({ name, entries }) => entries.length > 1 || filters.chosen.has(name));
  if (!groups.length) return null;
  return (
    <aside aria-label="Filters">
      <details className="facets" open={isOpen}>
        <summary>Filter{filters.chosen.size > 0 && ` (${filters.chosen.size})`}</summary>
        {groups.map(({ name, title, entries }) => (
          <section key={name} className="facet" aria-labelledby={`facet-${name}`}>
            <h2 id={`facet-${name}`}>{title}</h2>
            <FacetList name={name} entries={entries} filters={filters} />
          </section>
        ))}
      </details>
    </aside>
  );
}

function FacetList({ name, entries, filters }: { name: FilterName; entries: Entry[] } & Pick<FacetsProps, 'filters'>) {
  const [path] = useLocation();
  const chosen = filters.chosen.get(name);
  const known = entries.some(({ value }) => value === chosen);
  const shown = chosen !== undefined && !known ? [{ value: chosen, label: chosen, count: 0 }, ...entries] : entries;
  return (
    <ul>
      {shown.map(({ value, label, count }) => {
        const isChosen = value === chosen;
        return (
          <li key={value}>
            <Link href={path + withParam(filters.params, name, isChosen ? undefined : value)} aria-current={isChosen || undefined}>
              <span className="facet-label" dir="auto">
                {label}
              </span>
              <span className="facet-count">
                {formatNumber(count)}
                <span className="visually-hidden">
                  {count === 1 ? ' article' : ' articles'}
                  {isChosen && '. Remove this filter'}
                </span>
              </span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function isOwn(own: FacetValue | undefined, name: FilterName, value: string): boolean {
  return own?.name === name && own.value === value;
}

function facetGroups(facets: FacetsFragment): { name: FilterName; title: string; entries: Entry[] }[] {
  return [
    {
      name: 'topic',
      title: 'Topics',
      entries: facets.topics.map(({ count, topic }) => ({ value: topic.slug, label: topic.name, count })),
    },
    {
      name: 'section',
      title: 'Sections',
      entries: facets.sections.map(({ count, section }) => ({ value: section.path, label: section.title, count })),
    },
    {
      name: 'author',
      title: 'Authors',
      entries: facets.authors.map(({ count, author }) => ({ value: author.slug, label: author.name, count })),
    },
    {
      name: 'provider',
      title: 'Providers',
      entries: facets.providers.map(({ count, provider }) => ({
        value: provider.domain,
        label: provider.name,
        count,
      })),
    },
    {
      name: 'category',
      title: 'Categories',
      entries: facets.categories.slice(0, 8).map(({ value, count }) => ({ value, label: value, count })),
    },
    {
      name: 'type',
      title: 'Types',
      entries: facets.types.slice(0, 8).map(({ value, count }) => ({ value, label: value, count })),
    },
    {
      name: 'language',
      title: 'Languages',
      entries: facets.languages.slice(0, 8).map(({ value, count }) => ({ value, label: languageName(value), count })),
    },
    {
      name: 'year',
      title: 'Years',
      entries: facets.published
        .filter(({ count }) => count > 0)
        .reverse()
        .slice(0, 12)
        .map(({ start, count }) => ({ value: start.slice(0, 4), label: start.slice(0, 4), count })),
    },
  ];
}
