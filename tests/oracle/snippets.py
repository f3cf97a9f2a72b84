"""Whether a text is a valid snippet of a search: escaped, balanced, and words of the article."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .fulltext import APART, columns
from .markers import Marker
from .records import Article
from .terms import Term, parse
from .tokens import tokens

PARTS = re.compile(r"(</?mark>)")
ENTITIES = ("&amp;", "&lt;", "&gt;", "&quot;", "&#x27;", "&#39;")
ELLIPSIS = "…"
LONG = 8  # tokens; a longer phrase may be cut


@dataclass(frozen=True)
class Snippet(Marker):
    """The snippet of an article for a query."""

    article: Article
    query: str

    def fault(self, text: str) -> str | None:
        """Return what is wrong with the text, or None."""
        parts = PARTS.split(text)
        marks = parts[1::2]
        if marks != ["<mark>", "</mark>"] * (len(marks) // 2):
            return "the marks are not balanced"
        if any(is_raw(part) for part in parts[::2]):
            return "the text is not escaped"
        if not self._is_of_article(html.unescape("".join(parts[::2]))):
            return "the text is not the article's"
        return self._fault_of_marks([html.unescape(part) for part in parts[2::4]])

    def _is_of_article(self, text: str) -> bool:
        """Whether the text occurs in one column; in columns of several texts, compare tokens."""
        for cut in (text, text.removeprefix(ELLIPSIS), text.removesuffix(ELLIPSIS), text.strip(ELLIPSIS)):
            if any(cut in column for column in columns(self.article)):
                return True
            words = without_gaps(tokens(cut))
            if any(stand_in(words, without_gaps(tokens(column))) for column in self._lists()):
                return True
        return False

    def _lists(self) -> list[str]:
        """Return the columns that join several texts."""
        return [column for column in columns(self.article) if APART in column]

    def _fault_of_marks(self, marked: Sequence[str]) -> str | None:
        terms = parse(self.query).terms
        if not marked and all(len(term.tokens) < LONG for term in terms):
            return "nothing is marked"
        for text in marked:
            if not all(any(has(term, word) for term in terms) for word in tokens(text)):
                return f"{text!r} is marked and is no match"
        return None


def is_raw(part: str) -> bool:
    for entity in ENTITIES:
        part = part.replace(entity, "")
    return any(letter in part for letter in "&<>\"'")


def without_gaps(words: Sequence[str]) -> list[str]:
    return [word for word in words if word != APART]


def stand_in(words: Sequence[str], all_words: Sequence[str]) -> bool:
    size = len(words)
    return any(list(all_words[place : place + size]) == words for place in range(len(all_words) - size + 1))


def has(term: Term, word: str) -> bool:
    return word in term.tokens or (term.prefix and word.startswith(term.tokens[-1]))
