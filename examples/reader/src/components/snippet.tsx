/** The passage of an article that matches a search: escaped HTML, in which only `<mark>` is an element. */

import { useMemo } from 'react';

export function Snippet({ html, lang }: { html: string; lang: string | null }) {
  const parts = useMemo(() => [...new DOMParser().parseFromString(html, 'text/html').body.childNodes], [html]);
  return (
    <p className="excerpt" lang={lang ?? undefined} dir="auto">
      {parts.map((part, index) =>
        part.nodeName === 'MARK' ? <mark key={index}>{part.textContent}</mark> : part.textContent,
      )}
    </p>
  );
}
