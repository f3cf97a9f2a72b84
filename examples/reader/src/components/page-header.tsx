/** The head of a page that lists articles. */

import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { PageHeading } from '../navigation';

interface PageHeaderProps {
  /** What the page is about, such as `Topic`. */
  kind: string;
  /** Where all of its kind are listed. */
  indexPath?: string;
  title: string;
  picture?: ReactNode;
  /** What more there is to say, below the title. */
  children?: ReactNode;
}

export function PageHeader({ kind, indexPath, title, picture, children }: PageHeaderProps) {
  return (
    <header className="page-header">
      {picture}
      <div>
        <p className="kicker">{indexPath ? <Link href={indexPath}>{kind}</Link> : kind}</p>
        <PageHeading title={title} dir="auto">
          {title}
        </PageHeading>
        {children}
      </div>
    </header>
  );
}
