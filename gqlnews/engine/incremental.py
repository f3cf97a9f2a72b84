"""Incremental delivery (`@defer` and `@stream`): turn results into a sequence of payloads.

1. The initial payload has everything that is not deferred, and the first items of streamed lists. It is sent
   before the other statements run.
2. Then come the remaining items of the lists, then each deferred fragment, outermost first. A fragment runs
   one statement for each root field that it has fields in. All payloads see the same content.

A fragment in a list appears once in the document but many times in the response, once per path.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import orjson

from gqlnews.database.sqlite.connection import Statements
from gqlnews.errors import GqlnewsError
from gqlnews.query.planner import INITIAL
from gqlnews.query.prepared import BoundIncrement, BoundIncrements
from gqlnews.query.tree import FieldPlan, ObjectPlan, StreamDirective

MAX_INLINE_BYTES = 64 << 10  # of results processed on the event loop, which takes some milliseconds

Path = tuple[str | int, ...]
Encoded = TypeVar("Encoded")
Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
ReadParts = Callable[[Sequence[Statements]], AsyncGenerator[Sequence[bytes | None], None]]


class IncrementalUnavailableError(GqlnewsError):
    """Raised if the response has an error, which only a single response can report."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A pending result: a deferred fragment or the rest of a streamed list, at a path of the response."""

    id: str
    path: Path
    label: str | None


@dataclass(frozen=True, slots=True)
class Patch:
    """Part of a pending result: fields of the object at `path`, or items of the list from `index` on."""

    pending: Pending
    path: Path
    data: Mapping[str, Any] | None = None
    items: Sequence[Any] | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class IncrementalPayload:
    """One payload. Only the initial one has `data`; `completed` lists pending results that are finished."""

    data: Mapping[str, Any] | None = None
    pending: tuple[Pending, ...] = ()
    patches: tuple[Patch, ...] = ()
    completed: tuple[Pending, ...] = ()
    has_next: bool = True


async def incremental_payloads(
    bound: BoundIncrements, read: ReadParts, encode: Callable[[IncrementalPayload], Encoded], offload: Offload
) -> AsyncGenerator[Encoded, None]:
    """Yield the encoded payloads. Large results are processed by `offload`.

    Raises IncrementalUnavailableError and RequestRefusedError, and what the store and `offload` raise.
    """
    builder = _PayloadBuilder(bound)
    statements = [[one.statement for one in part.queries.values()] for part in bound.parts]
    async with aclosing(read(statements)) as results:
        number = 0
        async for part_results in results:
            encoded = partial(_encode, builder, number, part_results, encode)
            is_large = sum(map(len, filter(None, part_results))) > MAX_INLINE_BYTES
            for body in await offload(encoded) if is_large else encoded():
                yield body
            number += 1


def _encode(
    builder: "_PayloadBuilder",
    number: int,
    results: Sequence[bytes | None],
    encode: Callable[[IncrementalPayload], Encoded],
) -> list[Encoded]:
    """Encode the payloads for the results of one bound part."""
    part = _parse(builder.bound.parts[number], results)
    return [encode(payload) for payload in builder.build(number, part)]


def _parse(part: BoundIncrement, results: Sequence[bytes | None]) -> dict[str, Any]:
    for query, result in zip(part.queries.values(), results, strict=True):
        if (error := query.reported_error(result)) is not None:
            raise error
        if result is None and not query.nullable:
            raise IncrementalUnavailableError("a non-null root field is null")
    return {
        key: None if result is None else orjson.loads(result)
        for key, result in zip(part.queries, results, strict=True)
    }


@dataclass(slots=True)
class _PayloadBuilder:
    """State of the response: the data `delivered` so far, and results `announced`, by fragment and path.

    Delivered objects are copied and not changed again, because they may not have been sent yet.
    """

    bound: BoundIncrements
    delivered: dict[str, Any] = field(default_factory=dict)
    announced: dict[int, dict[Path, Pending]] = field(default_factory=dict)
    _ids: int = 0

    def build(self, number: int, data: dict[str, Any]) -> Iterator[IncrementalPayload]:
        last = number == len(self.bound.parts) - 1
        return (
            self.build_initial(data, last)
            if number == INITIAL
            else iter([self.build_fragment(number, data, last=last)])
        )

    def build_initial(self, data: dict[str, Any], last: bool) -> Iterator[IncrementalPayload]:
        self.delivered = _copy(data)
        streams = list(_split_streams(self.bound.parts[INITIAL].plans.values(), data, ()))
        rests = [
            Patch(self._new_pending(path, stream.label), path, items=rest, index=stream.initial_count)
            for path, stream, rest in streams
        ]
        completed = tuple(one.pending for one in rests)
        announced = self._announce(INITIAL)
        now = [one for one in announced if _has_path(data, one.path)]
        later = tuple(one for one in announced if not _has_path(data, one.path))  # they are in streamed items
        yield IncrementalPayload(data=data, pending=(*completed, *now), has_next=bool(rests) or not last)
        if rests:
            yield IncrementalPayload(
                pending=later, patches=tuple(rests), completed=completed, has_next=not last
            )

    def build_fragment(self, number: int, data: dict[str, Any], *, last: bool) -> IncrementalPayload:
        pending_by_path = self.announced.pop(number, {})
        keys = len(self.bound.fragments[number - 1].path)
        patches = []
        for path, fields in _patches(self.bound.parts[number].plans.values(), data, number, ()):
            pending_here = pending_by_path.get(_fragment_path(path, keys))
            if pending_here is not None:
                patches.append(Patch(pending_here, path, data=fields))
                _get(self.delivered, path).update(_copy(fields))
        pending = self._announce(number)
        return IncrementalPayload(
            pending=pending,
            patches=tuple(patches),
            completed=tuple(pending_by_path.values()),
            has_next=not last,
        )

    def _announce(self, parent: int) -> tuple[Pending, ...]:
        """Announce the fragments that are nested directly in `parent`, which was just delivered."""
        announced: list[Pending] = []
        for number, fragment in enumerate(self.bound.fragments, start=1):
            if fragment.parent == parent:
                pending_by_path = {
                    path: self._new_pending(path, fragment.label)
                    for path in _match_paths(self.delivered, fragment.path)
                }
                self.announced[number] = pending_by_path
                announced += pending_by_path.values()
        return tuple(announced)

    def _new_pending(self, path: Path, label: str | None) -> Pending:
        self._ids += 1
        return Pending(str(self._ids - 1), path, label)


def _copy(data: dict[str, Any]) -> dict[str, Any]:
    """Deep-copy JSON data, many times faster than `deepcopy`."""
    copied: dict[str, Any] = orjson.loads(orjson.dumps(data))
    return copied


def _match_paths(value: Any, keys: Sequence[str], path: Path = ()) -> Iterator[Path]:
    """Yield the path of each object that these keys reach."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _match_paths(item, keys, (*path, index))
    elif isinstance(value, dict):
        if not keys:
            yield path
        elif keys[0] in value:
            yield from _match_paths(value[keys[0]], keys[1:], (*path, keys[0]))


def _fragment_path(path: Path, keys: int) -> Path:
    """Return the prefix of a path up to its `keys`-th key and the indices that follow it."""
    end = 0
    while end < len(path) and (keys or isinstance(path[end], int)):
        keys -= isinstance(path[end], str)
        end += 1
    return path[:end]


def _patches(
    fields: Iterable[FieldPlan], value: Mapping[str, Any], fragment: int, path: Path
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the fields that belong to a deferred fragment, by path. Other fields only lead to these."""
    here = [plan for plan in fields if plan.key in value]
    if selected := {plan.key: value[plan.key] for plan in here if plan.fragment == fragment}:
        yield path, selected
    for plan in here:
        if plan.fragment != fragment:
            yield from _patches_below(plan, value[plan.key], fragment, (*path, plan.key))


def _patches_below(
    plan: FieldPlan, value: Any, fragment: int, path: Path
) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _patches_below(plan, item, fragment, (*path, index))
    elif isinstance(value, dict):
        yield from _patches(_fields(plan.objects.values()), value, fragment, path)


def _fields(objects: Iterable[ObjectPlan]) -> Iterator[FieldPlan]:
    """Yield the fields of all possible types of an object, each response key once."""
    seen = set()
    for one in objects:
        for plan in one.fields:
            if plan.key not in seen:
                seen.add(plan.key)
                yield plan


def _split_streams(
    fields: Iterable[FieldPlan], value: dict[str, Any], path: Path
) -> Iterator[tuple[Path, StreamDirective, list[Any]]]:
    """Remove the remaining items of streamed lists from `value`, and yield them."""
    for plan in fields:
        below = value.get(plan.key)
        here = (*path, plan.key)
        if plan.stream is not None and isinstance(below, list) and len(below) > plan.stream.initial_count:
            value[plan.key], rest = below[: plan.stream.initial_count], below[plan.stream.initial_count :]
            yield here, plan.stream, rest
        yield from _split_streams_below(plan, value.get(plan.key), here)


def _split_streams_below(
    plan: FieldPlan, value: Any, path: Path
) -> Iterator[tuple[Path, StreamDirective, list[Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _split_streams_below(plan, item, (*path, index))
    elif isinstance(value, dict):
        yield from _split_streams(_fields(plan.objects.values()), value, path)


def _has_path(value: Any, path: Path) -> bool:
    """Whether the path exists."""
    for step in path:
        if isinstance(value, list) and isinstance(step, int) and step >= len(value):
            return False
        value = value[step]
    return True


def _get(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
