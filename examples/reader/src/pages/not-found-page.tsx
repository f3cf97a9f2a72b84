import { Link } from 'wouter';
import { EmptyState } from '../components/states';
import { PageHeading } from '../navigation';

export function NotFoundPage({ what }: { what: string }) {
  return (
    <EmptyState>
      <PageHeading className="state-title" title="Not found">
        There is no such {what}
      </PageHeading>
      <p>It may have been renamed or removed.</p>
      <p>
        <Link href="/">Go to the front page</Link> or <Link href="/search">search for it</Link>.
      </p>
    </EmptyState>
  );
}
