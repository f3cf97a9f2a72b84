import { useLayoutEffect, useRef } from 'react';
import { prepareBody } from './body-html';

interface BodyProps {
  /** Sanitised by the server. */
  html: string;
  title: string;
  lang: string | null;
}

export function Body({ html, title, lang }: BodyProps) {
  const body = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => body.current?.replaceChildren(prepareBody(html, title)), [html, title]);
  return <div ref={body} className="body" lang={lang ?? undefined} dir="auto" />;
}
