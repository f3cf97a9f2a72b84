/** An entry of related coverage: an article of this site, with the coverage that it lists in turn, or one elsewhere. */

import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { type FragmentType, readFragment } from '../gql/fragment-masking';
import { CoverageSummaryFragmentDoc, RelatedCardFragmentDoc } from '../gql/graphql';
import { articlePath } from '../paths';
import { hostOf } from '../text';
import { Time } from './byline';
import { Picture } from './picture';

interface RelatedCardProps {
  related: FragmentType<typeof RelatedCardFragmentDoc>;
  /** Slug of the article whose page this is: further coverage does not lead back to it. */
  ownSlug: string;
}

export function RelatedCard({ related, ownSlug }: RelatedCardProps) {
  const entry = readFragment(RelatedCardFragmentDoc, related);
  const { title, excerpt, url, image, provider, providerName, publishedDateTime } = readFragment(
    CoverageSummaryFragmentDoc,
    entry,
  );
  const { article } = entry;
  const furtherCoverage = article?.related.filter((further) => further.article?.slug !== ownSlug).slice(0, 3) ?? [];
  return (
    <article className="card related-card" lang={article?.language ?? undefined}>
      {image && <Picture image={image} of={title} />}
      <h3 className="headline" dir="auto">
        <CoverageLink slug={article?.slug} url={url}>
          {title}
        </CoverageLink>
      </h3>
      {excerpt && (
        <p className="excerpt" dir="auto">
          {excerpt}
        </p>
      )}
      <p className="byline" lang="en">
        <span className="byline-part">
          {providerName ?? provider?.name ?? hostOf(url)}
          {!article && <span aria-hidden="true"> ↗</span>}
        </span>
        {publishedDateTime && (
          <span className="byline-part">
            <Time iso={publishedDateTime} />
          </span>
        )}
      </p>
      {furtherCoverage.length > 0 && (
        <ul className="further" aria-label={`Further coverage of ${title}`}>
          {furtherCoverage.map(({ id, title: further, url: address, article: stored }) => (
            <li key={id}>
              <CoverageLink slug={stored?.slug} url={address}>
                {further}
              </CoverageLink>
            </li>
          ))}
        </ul>
      )}
    </article>
  );
}

/** A link to the article here, or else to where it was published. */
function CoverageLink({ slug, url, children }: { slug: string | undefined; url: string; children: ReactNode }) {
  if (slug !== undefined) return <Link href={articlePath(slug)}>{children}</Link>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {children}
      <span className="visually-hidden"> (opens in a new tab)</span>
    </a>
  );
}
