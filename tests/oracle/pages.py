"""Relay pages of sorted lists, and the errors of their arguments."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .faults import UNDETERMINED
from .markers import Cursor, Registry, order_meaning

MOST = 100
USUAL = 20

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Edge:
    cursor: Cursor
    node: Any


@dataclass(frozen=True)
class Page:
    """A page. `elements` is the whole list, of which the page begins at `start`."""

    edges: tuple[Edge, ...]
    elements: tuple[Any, ...]
    start: int
    has_next: bool
    has_previous: bool

    @property
    def nodes(self) -> list[Any]:
        return [edge.node for edge in self.edges]


def page_error(place: str, order: tuple[Any, ...], args: Mapping[str, Any], registry: Registry) -> str | None:
    """Return the error code of a connection's arguments, or None."""
    first, last = args.get("first"), args.get("last")
    if first is not None and last is not None:
        return "BAD_PAGE"
    if any(count is not None and not 0 <= count <= MOST for count in (first, last)):
        return "BAD_PAGE"
    for text in (args.get("after"), args.get("before")):
        if text is not None:
            cursor = registry.marker(text)
            if cursor is None or cursor.list_name != place:
                return "BAD_CURSOR"
            if cursor.order != order:
                alike = order_meaning(cursor.order) == order_meaning(order)
                return UNDETERMINED if alike else "BAD_CURSOR"
    return None


def list_error(args: Mapping[str, Any]) -> str | None:
    """Return the error code of a plain list's arguments, or None."""
    counts = (args.get("first"), args.get("offset"))
    return "BAD_PAGE" if any(count is not None and count < 0 for count in counts) else None


def page(
    place: str,
    order: tuple[Any, ...],
    keyed: Sequence[tuple[Key, Any]],
    args: Mapping[str, Any],
    registry: Registry,
) -> Page:
    """Return the page for valid `args` of elements whose keys ascend."""
    keys = [key for key, _ in keyed]
    after, before = (bound(args.get(name), registry) for name in ("after", "before"))
    start = 0 if after is None else bisect_right(keys, after)
    stop = len(keys) if before is None else max(start, bisect_left(keys, before))
    last = args.get("last")
    if last is None:
        first = args.get("first")
        stop = min(stop, start + (USUAL if first is None else first))
    else:
        start = max(start, stop - last)
    shown = range(start, stop)
    has_previous, has_next = around(keys, shown, after, before, backward=last is not None)
    edges = tuple(Edge(Cursor(place, keys[number], order), keyed[number][1]) for number in shown)
    elements = tuple(element for _, element in keyed)
    return Page(edges, elements, start, has_next=has_next, has_previous=has_previous)


def bound(text: str | None, registry: Registry) -> Key | None:
    """Return the key of a valid cursor."""
    if text is None:
        return None
    cursor = registry.marker(text)
    assert cursor is not None
    return cursor.key


def around(
    keys: list[Key], shown: range, after: Key | None, before: Key | None, *, backward: bool
) -> tuple[bool, bool]:
    """Whether there are elements before the page, and after it.

    An empty page is located where its walk begins: right after `after` or at the start; for a backward
    walk right before `before` or at the end.
    """
    if shown:
        return shown[0] > 0, shown[-1] < len(keys) - 1
    if backward:
        return (
            any(before is None or key < before for key in keys),
            any(before is not None and key >= before for key in keys),
        )
    return (
        any(after is not None and key <= after for key in keys),
        any(after is None or key > after for key in keys),
    )
