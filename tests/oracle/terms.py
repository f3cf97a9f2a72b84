"""Search syntax: a text → its terms. No input is a syntax error."""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .tokens import tokens

TITLE = "title:"


@dataclass(frozen=True)
class Term:
    """A phrase of one or more tokens. In a prefix, the last token is a prefix."""

    tokens: tuple[str, ...]
    prefix: bool = False
    title: bool = False


@dataclass(frozen=True)
class Query:
    """Of each group at least one term must match, and none of `without`."""

    groups: tuple[tuple[Term, ...], ...]
    without: tuple[Term, ...]
    text: str

    @property
    def meaning(self) -> Hashable:
        """Equal for texts with the same meaning."""
        return self.groups, self.without

    @property
    def terms(self) -> list[Term]:
        """Return the positive terms in document order."""
        return [term for group in self.groups for term in group]


@dataclass(frozen=True)
class Piece:
    """A lexical unit: a word, or the text of a phrase."""

    text: str
    is_phrase: bool
    negative: bool
    title: bool

    @property
    def is_or(self) -> bool:
        return self == Piece("OR", is_phrase=False, negative=False, title=False)

    @property
    def term(self) -> Term:
        words = tuple(tokens(self.text))
        begun = not self.is_phrase and self.text.endswith("*") and bool(words)
        return Term(words, prefix=begun, title=self.title)


@lru_cache(maxsize=1000)
def parse(text: str) -> Query:
    pieces = list(pieces_of(text))
    groups: list[list[Term]] = []
    joined = False
    for place, piece in enumerate(pieces):
        if is_operator(pieces, place):
            joined = True
        elif not piece.negative:
            if not joined:
                groups.append([])
            groups[-1].append(piece.term)
            joined = False
    with_tokens = [tuple(term for term in group if term.tokens) for group in groups]
    without = [piece.term for piece in pieces if piece.negative]
    return Query(
        tuple(group for group in with_tokens if group), tuple(term for term in without if term.tokens), text
    )


def is_operator(pieces: Sequence[Piece], place: int) -> bool:
    """Whether the piece is an OR between two positive terms."""
    if not pieces[place].is_or or not 0 < place < len(pieces) - 1:
        return False
    return not any(one.negative or one.is_or for one in (pieces[place - 1], pieces[place + 1]))


def pieces_of(text: str) -> Iterator[Piece]:
    place = 0
    while place < len(text):
        if is_blank(text[place]):
            place += 1
            continue
        negative = text[place] == "-" and goes_on(text, place + 1)
        place += negative
        title = text.startswith(TITLE, place) and goes_on(text, place + len(TITLE))
        place += len(TITLE) * title
        is_phrase = text[place] == '"'
        end = end_of_phrase(text, place) if is_phrase else end_of_word(text, place)
        yield Piece(text[place + is_phrase : end], is_phrase, negative, title)
        place = end + is_phrase


def goes_on(text: str, place: int) -> bool:
    return place < len(text) and not is_blank(text[place])


def is_blank(character: str) -> bool:
    """Whether the character separates words. U+E000 does, since it separates topics and titles."""
    return character.isspace() or character == "\ue000" or unicodedata.category(character) == "Cc"


def end_of_phrase(text: str, place: int) -> int:
    """Return the position of the next quote, or of the end of the text."""
    end = text.find('"', place + 1)
    return len(text) if end < 0 else end


def end_of_word(text: str, place: int) -> int:
    return next(
        (end for end in range(place, len(text)) if is_blank(text[end]) or text[end] == '"'), len(text)
    )
