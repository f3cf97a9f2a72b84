/** The head of every page: the name of the site, the way to its indexes, search and appearance. */

import { Link, useRoute } from 'wouter';
import { formatDate, isoDate } from '../text';
import { SearchIcon } from './icons';
import { ThemeToggle } from './theme-toggle';

const LONG = 16; // characters: a longer title is set smaller, so that it stays on its line

const indexes = [
  ['/', 'Latest'],
  ['/topics', 'Topics'],
  ['/sections', 'Sections'],
  ['/authors', 'Authors'],
  ['/providers', 'Providers'],
] as const;

interface MastheadProps {
  /** Undefined while it is loading: its line is reserved. */
  title: string | undefined;
  explorer: string | undefined;
}

export function Masthead({ title, explorer }: MastheadProps) {
  const today = new Date();
  return (
    <header className="masthead">
      <div className="masthead-bar">
        <time dateTime={isoDate(today)}>{formatDate(today, 'full')}</time>
        <span className="masthead-tools">
          {explorer && (
            <a className="tool" href={explorer}>
              Explorer
            </a>
          )}
          <ThemeToggle />
          <Link className="tool" href="/search" aria-label="Search">
            <SearchIcon />
          </Link>
        </span>
      </div>
      <Link className={title && title.length > LONG ? 'masthead-title long' : 'masthead-title'} href="/" dir="auto">
        {title ?? '\u00a0'}
      </Link>
      <nav className="masthead-nav" aria-label="Site">
        <ul>
          {indexes.map(([path, name]) => (
            <li key={path}>
              <IndexLink path={path}>{name}</IndexLink>
            </li>
          ))}
        </ul>
      </nav>
    </header>
  );
}

function IndexLink({ path, children }: { path: string; children: string }) {
  const [isHere] = useRoute(path);
  const [isBelow] = useRoute(`${path}/*`);
  const isCurrent = isHere || (path !== '/' && isBelow);
  return (
    <Link href={path} aria-current={isHere ? 'page' : isCurrent || undefined}>
      {children}
    </Link>
  );
}
