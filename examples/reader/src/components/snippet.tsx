import { type ReactNode, useMemo } from 'react';
import { snippetPieces } from './snippet-text';

interface SnippetProps {
  html: string;
  lang: string | null;
  /** What takes its place if it holds no text, only marks. */
  children: ReactNode;
}

/** The passage of an article that matches a search, with its matches marked. */
export function Snippet({ html, lang, children }: SnippetProps) {
  const pieces = useMemo(() => snippetPieces(html), [html]);
  if (!pieces.some(({ text }) => /[\p{L}\p{N}]/u.test(text))) return children;
  return (
    <p className="excerpt" lang={lang ?? undefined} dir="auto">
      {pieces.map(({ text, isMatch }, index) => (isMatch ? <mark key={index}>{text}</mark> : text))}
    </p>
  );
}
