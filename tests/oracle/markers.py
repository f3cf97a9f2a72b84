"""Values that the oracle cannot know to the letter. They stand in its answers in place of the text.

`matching.matches` knows what to make of each.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any


class Marker:
    """Stands in an answer for a value that is not known to the letter."""


@dataclass(frozen=True)
class Cursor(Marker):
    """Where `key` stands in the list at `place`, e.g. `Topic.articles`, under one `order` of it."""

    place: str
    key: tuple[Any, ...]
    order: tuple[Any, ...] = ()

    @property
    def meaning(self) -> Hashable:
        """Equal for cursors that may have one text: of searches that only their characters tell apart."""
        return self.place, self.key, order_meaning(self.order)


def order_meaning(order: tuple[Any, ...]) -> Hashable:
    return tuple(getattr(one, "meaning", one) for one in order)


@dataclass(frozen=True)
class Opaque(Marker):
    """Any value, of the field named."""

    field: str


@dataclass(frozen=True)
class OneOf(Marker):
    """Any of these words."""

    words: frozenset[str]


@dataclass(frozen=True)
class LooseTail(Marker):
    """A list that begins with `head`, in this order, and goes on with `tail` in any order."""

    head: tuple[str, ...]
    tail: frozenset[str]


@dataclass(frozen=True)
class Near(Marker):
    """A number, as exactly as floating point gives it."""

    value: float


@dataclass(frozen=True)
class Version(Marker):
    """Where a caller of the audience stands who has seen `place` of the `total` changes that there are."""

    audience: str
    place: int
    total: int


class Registry:
    """Which cursor text of the program stands for which marker, one to one; versions likewise.

    But several versions may stand for nothing seen, and for everything: not each change of a version is one
    of an article.
    """

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], int] = {}
        self._versions: dict[tuple[str, int], str] = {}
        self._markers: dict[str, Cursor] = {}
        self._texts: dict[Cursor, str] = {}

    def matches(self, marker: Cursor, text: str) -> bool:
        """Whether `text` can stand for `marker`: as before, or where neither was seen yet."""
        known = self._markers.get(text, marker)
        if known.meaning != marker.meaning or self._texts.get(marker, text) != text:
            return False
        self._markers[text] = known
        self._texts[marker] = text
        return True

    def marker(self, text: str) -> Cursor | None:
        return self._markers.get(text)

    def texts(self) -> list[str]:
        """Every cursor seen, in the order of being seen."""
        return list(self._markers)

    def version_matches(self, marker: Version, text: str) -> bool:
        """Whether `text` can stand for the version: the same place as before, or one not seen yet."""
        if self._places.setdefault((marker.audience, text), marker.place) != marker.place:
            return False
        inside = 0 < marker.place < marker.total
        return not inside or self._versions.setdefault((marker.audience, marker.place), text) == text

    def version_place(self, audience: str, text: str) -> int | None:
        return self._places.get((audience, text))

    def versions(self) -> list[str]:
        """Every version seen, whoever saw it."""
        return list(dict.fromkeys(text for _, text in self._places))
