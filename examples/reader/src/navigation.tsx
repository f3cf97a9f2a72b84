/** Title, scroll position and focus, which a browser sets when it loads a page, and a single-page application must set itself. */

import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { siteTitle } from './site';
import { useStore } from './store';

let isHeadingAwaited = false; // a navigation has happened, and the heading of the new page is not focused yet
let isNewEntry = false; // it was a link and not the back button, for which the browser restores the scroll position

addEventListener('pushState', () => (isNewEntry = true)); // wouter's event
addEventListener('popstate', () => (isNewEntry = false));

/** Call it once, above all pages. */
export function useNavigation(): void {
  const [path] = useLocation();
  const lastPath = useRef(path);
  useLayoutEffect(() => {
    if (lastPath.current === path) return;
    lastPath.current = path;
    isHeadingAwaited = true;
    if (isNewEntry) scrollTo(0, 0);
  }, [path]);
}

/** The `h1` of a page. It receives the focus after a navigation, so that a screen reader reads it. */
export function PageHeading({ children, title, ...attributes }: HeadingProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useTitle(title);
  useEffect(() => {
    if (!isHeadingAwaited) return;
    isHeadingAwaited = false;
    heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <h1 ref={heading} tabIndex={-1} {...attributes}>
      {children}
    </h1>
  );
}

interface HeadingProps {
  children: ReactNode;
  /** Title of the document; the site's own on the front page, where it is empty. */
  title: string;
  className?: string | undefined;
  lang?: string | undefined;
  dir?: 'auto';
}

function useTitle(title: string): void {
  const site = useStore(siteTitle);
  useEffect(() => {
    document.title = [title, site].filter(Boolean).join(' · ');
  }, [title, site]);
}
