"""Values that the oracle cannot know to the letter. They stand in its answers in place of the text.

`harness.compare` knows what to make of each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True)
class Cursor:
    """Where `key` stands in the list at `place`, e.g. `Topic.articles`, under one `order` of it."""

    place: str
    key: tuple[Any, ...]
    order: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Opaque:
    """Any value, of the field named."""

    field: str


@dataclass(frozen=True)
class OneOf:
    """Any of these words."""

    words: frozenset[str]


@dataclass(frozen=True)
class LooseTail:
    """A list that begins with `head`, in this order, and goes on with `tail` in any order."""

    head: tuple[str, ...]
    tail: frozenset[str]


@dataclass(frozen=True)
class Near:
    """A number, as exactly as floating point gives it."""

    value: float


Marker: TypeAlias = Cursor | Opaque | OneOf | LooseTail | Near
MARKERS = (Cursor, Opaque, OneOf, LooseTail, Near)


class Registry:
    """Which cursor text of the program stands for which marker, one to one."""

    def __init__(self) -> None:
        self._markers: dict[str, Cursor] = {}
        self._texts: dict[Cursor, str] = {}

    def matches(self, marker: Cursor, text: str) -> bool:
        """Whether `text` can stand for `marker`: the same text as before, or both seen for the first time."""
        if marker not in self._texts and text not in self._markers:
            self._texts[marker] = text
            self._markers[text] = marker
        return self._texts.get(marker) == text and self._markers.get(text) == marker

    def marker(self, text: str) -> Cursor | None:
        return self._markers.get(text)

    def texts(self) -> list[str]:
        """Every cursor seen, in the order of being seen."""
        return list(self._markers)
