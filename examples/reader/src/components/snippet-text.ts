/**
 * The passage that matches a search, as text.
 *
 * It is cut from the Markdown of an article, so it holds marks of Markdown, some without their other half.
 */

/** A piece of the passage. */
export interface Piece {
  text: string;
  /** Whether it matches the query. */
  isMatch: boolean;
}

// Characters that stand for `<mark>` and `</mark>` meanwhile, as a match can be in the middle of a link.
const OPEN = '\u0001';
const CLOSE = '\u0002';

const rules: readonly (readonly [RegExp, string])[] = [
  [/<\/?[a-z!][^<>]*(?:>|$)/gi, ' '], // tags
  [/^…?[^\s[(]*\/[^\s[(]*\)/, '…'], // the end of a link's address
  [/!?\[([^\]]*)\](?:\([^\s)]*\)?|\[[^\]]*\])/g, '$1'], // links and images
  [/\[([^\]]*)\]?(?=…?$)/g, '$1'], // the beginning of a link
  [/\]\([^\s)]*\)?/g, ''], // and its end
  [/^(…?\s*)#{1,6}\s+/, '$1'], // headings
  [/\s#{1,6}\s+/g, ' · '],
  [/(?:\|\s*)?(?::?-{3,}:?\s*\|\s*)+/g, '| '], // the line below the head of a table
  [/\s*\|(?:\s*\|)*\s*/g, ' · '], // its cells
  [/\s\*\s+/g, ' · '], // list items
  [/\*\*|~~|`+/g, ''], // bold, struck out, code
  [/(?<![\w*])\*(\S(?:[^*]*\S)?)\*(?![\w*])/g, '$1'], // italic
  [/^(…?)[\s·,;:.)\]]+/, '$1'], // what the first word does not need
];

/** `html` is escaped, and `<mark>` is its only element. */
export function snippetPieces(html: string): Piece[] {
  const { body } = new DOMParser().parseFromString(html, 'text/html');
  for (const mark of body.querySelectorAll('mark')) mark.replaceWith(OPEN, mark.textContent, CLOSE);
  const text = rules.reduce((before, [mark, replacement]) => before.replace(mark, replacement), body.textContent);
  return text.split(new RegExp(`(${OPEN}[^${CLOSE}]*${CLOSE}?)`)).map((piece) => ({
    text: piece.replaceAll(OPEN, '').replaceAll(CLOSE, ''),
    isMatch: piece.startsWith(OPEN),
  }));
}
