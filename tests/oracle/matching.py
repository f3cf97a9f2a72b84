"""Whether a program's value matches a marker."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from typing import Any

from .markers import Approximate, Cursor, EntryId, LooseTail, Marker, OneOf, Opaque, Registry, Version
from .snippets import Snippet

CLOSE = 1e-9  # relative


def matches(marker: Marker, actual: Any, registry: Registry) -> bool:
    return RULES[type(marker)](marker, actual, registry)


def is_approximate(marker: Approximate, actual: Any, _registry: Registry) -> bool:
    is_number = isinstance(actual, (int, float)) and not isinstance(actual, bool)
    return is_number and isclose(actual, marker.value, rel_tol=CLOSE, abs_tol=CLOSE / 1000)


def is_loose_tail(marker: LooseTail, actual: Any, _registry: Registry) -> bool:
    head = len(marker.head)
    return (
        isinstance(actual, list)
        and tuple(actual[:head]) == marker.head
        and sorted(actual[head:]) == sorted(marker.tail)
    )


RULES: dict[type[Marker], Callable[[Any, Any, Registry], bool]] = {
    Cursor: lambda marker, actual, registry: isinstance(actual, str) and registry.matches(marker, actual),
    Version: lambda marker, actual, registry: (
        isinstance(actual, str) and registry.version_matches(marker, actual)
    ),
    Snippet: lambda marker, actual, _: isinstance(actual, str) and marker.fault(actual) is None,
    EntryId: lambda marker, actual, registry: (
        isinstance(actual, str) and registry.entry_matches(marker, actual)
    ),
    OneOf: lambda marker, actual, _: actual in marker.words,
    LooseTail: is_loose_tail,
    Approximate: is_approximate,
    Opaque: lambda *_: True,
}
