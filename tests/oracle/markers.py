"""Markers: placeholders in oracle responses for values that it cannot know exactly.

`matching.matches` compares them with a program's values.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any


class Marker:
    """A placeholder for a value that is not known exactly."""


@dataclass(frozen=True)
class Cursor(Marker):
    """The cursor of `key` in the list at `place`, e.g. `Topic.articles`, in one `order` of it."""

    list_name: str
    key: tuple[Any, ...]
    order: tuple[Any, ...] = ()

    @property
    def meaning(self) -> Hashable:
        """Equal for cursors that may have the same text, such as those of searches with equal meaning."""
        return self.list_name, self.key, order_meaning(self.order)


def order_meaning(order: tuple[Any, ...]) -> Hashable:
    return tuple(getattr(one, "meaning", one) for one in order)


@dataclass(frozen=True)
class Opaque(Marker):
    """Any value of this field."""

    field: str


@dataclass(frozen=True)
class EntryId(Marker):
    """The id of an entry of related coverage: any text, but the same one for the same entry only."""

    listing: str
    url: str
    occurrence: int


@dataclass(frozen=True)
class OneOf(Marker):
    """Any of these words."""

    words: frozenset[str]


@dataclass(frozen=True)
class LooseTail(Marker):
    """A list that begins with `head` in this order, followed by `tail` in any order."""

    head: tuple[str, ...]
    tail: frozenset[str]


@dataclass(frozen=True)
class Approximate(Marker):
    """A number, up to floating-point precision."""

    value: float


@dataclass(frozen=True)
class Version(Marker):
    """The version of a caller that has seen `place` of `total` changes."""

    audience: str
    position: int
    total: int


class Registry:
    """Maps the program's cursors and the ids of its entries to markers one to one, and its versions too.

    Several versions may correspond to the states before the first and after the last article change,
    because not every version changes an article.
    """

    def __init__(self) -> None:
        self._positions: dict[tuple[str, str], int] = {}
        self._versions: dict[tuple[str, int], str] = {}
        self._markers: dict[str, Cursor] = {}
        self._texts: dict[Cursor, str] = {}
        self._entries: dict[str, EntryId] = {}
        self._entry_ids: dict[EntryId, str] = {}

    def matches(self, marker: Cursor, text: str) -> bool:
        """Whether `text` fits `marker`: the same pair as before, or both are new."""
        known = self._markers.get(text, marker)
        if known.meaning != marker.meaning or self._texts.get(marker, text) != text:
            return False
        self._markers[text] = known
        self._texts[marker] = text
        return True

    def entry_matches(self, marker: EntryId, text: str) -> bool:
        """Whether `text` is the entry's id: the same pair as before, or both are new."""
        known, same = self._entries.setdefault(text, marker), self._entry_ids.setdefault(marker, text)
        return (known, same) == (marker, text)

    def marker(self, text: str) -> Cursor | None:
        return self._markers.get(text)

    def texts(self) -> list[str]:
        """Return all cursors in the order of their first occurrence."""
        return list(self._markers)

    def version_matches(self, marker: Version, text: str) -> bool:
        """Whether `text` fits the version: the same place as before, or a new text."""
        if self._positions.setdefault((marker.audience, text), marker.position) != marker.position:
            return False
        inside = 0 < marker.position < marker.total
        return not inside or self._versions.setdefault((marker.audience, marker.position), text) == text

    def version_position(self, audience: str, text: str) -> int | None:
        return self._positions.get((audience, text))

    def versions(self) -> list[str]:
        """Return all versions, for every audience."""
        return list(dict.fromkeys(text for _, text in self._positions))
