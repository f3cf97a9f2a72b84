"""Oracle responses as a program would give them: each marker is replaced by a value."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from html import escape
from typing import Any

from .fulltext import columns
from .markers import Approximate, Cursor, EntryId, LooseTail, Marker, OneOf, Opaque, Version
from .records import Article
from .similar import may_be
from .snippets import Snippet, has
from .terms import parse
from .tokens import tokens
from .world import World


def resolve_markers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: resolve_markers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve_markers(item) for item in value]
    return REPLACEMENTS[type(value)](value) if isinstance(value, Marker) else value


def text_of(marker: Marker) -> str:
    return b64encode(repr(marker).encode()).decode()


def snippet(marker: Snippet) -> str:
    """Return a column up to its first matching word; prefixes and phrases match word by word."""
    terms = parse(marker.query).terms
    for column in columns(marker.article):
        for word in re.finditer(r"\w+", column):
            found = tokens(word[0])
            if found and all(any(has(term, token) for term in terms) for token in found):
                return f"{escape(column[: word.start()])}<mark>{escape(word[0])}</mark>"
    raise AssertionError(f"nothing matches: {marker}")


def likely_similar(world: World, article: Article, first: int) -> list[Article]:
    """Return articles that a program may consider similar to another one."""
    return [one for one in world.articles if may_be(world, article, one.slug)][:first]


REPLACEMENTS: dict[type[Marker], Callable[[Any], Any]] = {
    Cursor: text_of,
    EntryId: text_of,
    Version: text_of,
    Snippet: snippet,
    LooseTail: lambda marker: [*marker.head, *sorted(marker.tail)],
    OneOf: lambda marker: min(marker.words),
    Approximate: lambda marker: marker.value,
    Opaque: lambda _: "anything",
}
