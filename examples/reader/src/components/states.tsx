/** Placeholders for content: while it loads, after an error, and if there is none. */

import { type ReactNode, useEffect, useEffectEvent } from 'react';
import { onReconnect } from '../apollo/connection';
import { PageHeading } from '../navigation';

interface ErrorProps {
  error: Error;
  retry: () => unknown;
}

const SORRY = 'This could not be loaded.';

/** In place of a page: the error has the heading and the title that the page would have. */
export function ErrorPage(props: ErrorProps) {
  const heading = (
    <PageHeading className="state-title" title="Not loaded">
      {SORRY}
    </PageHeading>
  );
  return <ErrorState {...props} heading={heading} />;
}

/** An error with a button to retry. Retries by itself once the server can be reached again. */
export function ErrorState({ error, retry, heading = <p className="state-title">{SORRY}</p> }: ErrorProps & { heading?: ReactNode }) {
  const tryAgain = useEffectEvent(retry);
  useEffect(() => onReconnect(() => void tryAgain()), []);
  return (
    <div className="state" role="alert">
      {heading}
      <p>{error instanceof TypeError /* of `fetch` */ ? 'The server did not respond.' : error.message}</p>
      <button type="button" className="button" onClick={() => void retry()}>
        Try again
      </button>
    </div>
  );
}

export function EmptyState({ children }: { children: ReactNode }) {
  return <div className="state">{children}</div>;
}

/** Outlines of a list. They fill the window, so that the footer does not visibly move. */
export function ListSkeleton({ rows = 8 }: { rows?: number }) {
  return (
    <div className="skeleton" aria-busy="true">
      <span className="visually-hidden">Loading…</span>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="skeleton-row" aria-hidden="true">
          <div>
            <i className="bone bone-kicker" />
            <i className="bone bone-headline" />
            <i className="bone" />
            <i className="bone bone-short" />
          </div>
          <i className="bone bone-picture" />
        </div>
      ))}
    </div>
  );
}

export function PageSkeleton() {
  return (
    <div className="skeleton skeleton-page" aria-busy="true">
      <span className="visually-hidden">Loading…</span>
      <div aria-hidden="true">
        <i className="bone bone-kicker" />
        <i className="bone bone-title" />
        <i className="bone bone-title bone-short" />
        <i className="bone" />
      </div>
    </div>
  );
}
