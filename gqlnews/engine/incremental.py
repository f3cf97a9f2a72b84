"""Incremental delivery (`@defer` and `@stream`): turn results into a sequence of payloads.

1. The results of the first increment (`BoundIncrement`) are all fields that are not deferred. They become
   the initial payload, with the first items of streamed lists, and a second payload with the other items, if
   there are any. The initial payload is sent before the statements of other increments run.
2. The results of each further increment, one per deferred fragment, outermost first, become one payload. A
   fragment has one statement for each root field in which it has fields.

All payloads are from the same content. A fragment inside a list is in the document once but in the response
many times, once per path.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import orjson

from gqlnews.database.protocol import Store
from gqlnews.engine.execution import Offload
from gqlnews.errors import GqlnewsError
from gqlnews.query.planner import INITIAL
from gqlnews.query.prepared import BoundIncrement, BoundIncrements
from gqlnews.query.tree import FieldPlan, StreamDirective

# Results up to this size are processed on the event loop, in some milliseconds.
MAX_INLINE_BYTES, MAX_INLINE_OBJECTS = 64 << 10, 500

Path = tuple[str | int, ...]
Encoded = TypeVar("Encoded")


class IncrementalUnavailableError(GqlnewsError):
    """Raised if a non-null root field is null. The caller must execute the query for a single response."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A pending result: a deferred fragment or the rest of a streamed list, at a path of the response."""

    id: str
    path: Path
    label: str | None


@dataclass(frozen=True, slots=True)
class Patch:
    """An addition to delivered data: fields of the object at `path`, or items of the list from `index` on."""

    pending: Pending
    path: Path
    data: Mapping[str, Any] | None = None
    items: Sequence[Any] | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class IncrementalPayload:
    """One payload. Only the initial one has `data`.

    `pending` are the results that later payloads deliver, `completed` those that this payload completes.
    """

    data: Mapping[str, Any] | None = None
    pending: tuple[Pending, ...] = ()
    patches: tuple[Patch, ...] = ()
    completed: tuple[Pending, ...] = ()
    has_next: bool = True


async def incremental_payloads(
    bound: BoundIncrements, store: Store, encode: Callable[[IncrementalPayload], Encoded], offload: Offload
) -> AsyncGenerator[Encoded, None]:
    """Yield the encoded payloads. Large results are processed by `offload`.

    `encode` is called for each payload before the next one is made, which may change the same data. Raises
    IncrementalUnavailableError, LocatedRequestError, and the errors of the store and of `offload`.
    """
    builder, is_large = _PayloadBuilder(bound), False
    statements = [[query.statement for query in one.queries.values()] for one in bound.increments]
    async with aclosing(store.execute_parts(statements)) as all_results:
        number = 0
        async for results in all_results:
            encode_results = partial(_encode, builder, number, results, encode)
            is_large = is_large or _is_large(results)  # fragments are merged into the data before them
            for body in await offload(encode_results) if is_large else encode_results():
                yield body
            number += 1


def _is_large(results: Sequence[bytes | None]) -> bool:
    found = [result for result in results if result is not None]
    is_large = sum(map(len, found)) > MAX_INLINE_BYTES
    return is_large or sum(result.count(b"{") for result in found) > MAX_INLINE_OBJECTS


def _encode(
    builder: "_PayloadBuilder",
    number: int,
    results: Sequence[bytes | None],
    encode: Callable[[IncrementalPayload], Encoded],
) -> list[Encoded]:
    """Encode the payloads for the results of one increment."""
    data = _parse(builder.bound.increments[number], results)
    return [encode(payload) for payload in builder.build(number, data)]


def _parse(increment: BoundIncrement, results: Sequence[bytes | None]) -> dict[str, Any]:
    found = {**increment.constants, **dict(zip(increment.queries, results, strict=True))}
    for key, query in increment.queries.items():
        result = found[key]
        if (error := query.reported_error(result)) is not None:
            raise error
        if result is None and not query.nullable:
            raise IncrementalUnavailableError("a non-null root field is null")
    return {key: None if (result := found[key]) is None else orjson.loads(result) for key in increment.plans}


@dataclass(slots=True)
class _PayloadBuilder:
    """State of the response.

    `delivered` is the data so far; later fragments are merged into it. `pending` has the pending results of
    deferred fragments, by fragment number and path.
    """

    bound: BoundIncrements
    delivered: dict[str, Any] = field(default_factory=dict)
    pending: dict[int, dict[Path, Pending]] = field(default_factory=dict)
    _next_id: int = 0

    def build(self, number: int, data: dict[str, Any]) -> Iterator[IncrementalPayload]:
        """Yield the payloads for the data of one increment."""
        last = number == len(self.bound.increments) - 1
        if number == INITIAL:
            yield from self.build_initial(data, last)
        else:
            yield self.build_fragment(number, data, last)

    def build_initial(self, data: dict[str, Any], last: bool) -> Iterator[IncrementalPayload]:
        self.delivered = data
        streams = list(_find_streams(self.bound.increments[INITIAL].plans.values(), data, ()))
        streamed = tuple(self._new_pending(path, stream.label) for path, stream, _ in streams)
        fragments = self._add_pending(INITIAL)
        rests = [items[stream.initial_count :] for _, stream, items in streams]
        for _, stream, items in streams:
            del items[stream.initial_count :]
        now = [pending for pending in fragments if _has_path(data, pending.path)]
        in_streamed_items = tuple(pending for pending in fragments if not _has_path(data, pending.path))
        yield IncrementalPayload(data=data, pending=(*streamed, *now), has_next=bool(streams) or not last)
        if not streams:
            return
        patches = tuple(
            Patch(pending, path, items=rest, index=stream.initial_count)
            for pending, (path, stream, _), rest in zip(streamed, streams, rests, strict=True)
        )
        yield IncrementalPayload(
            pending=in_streamed_items, patches=patches, completed=streamed, has_next=not last
        )
        for (_, _, items), rest in zip(streams, rests, strict=True):
            items.extend(rest)

    def build_fragment(self, number: int, data: dict[str, Any], last: bool) -> IncrementalPayload:
        pending_by_path = self.pending.pop(number, {})
        key_count = len(self.bound.fragments[number - 1].path)
        patches = []
        plans = self.bound.increments[number].plans.values()
        for path, fields in _fields_by_path(plans, data, number, ()):
            pending_here = pending_by_path.get(_fragment_path(path, key_count))
            if pending_here is not None:
                patches.append(Patch(pending_here, path, data=fields))
                _get(self.delivered, path).update(fields)
        pending = self._add_pending(number)
        return IncrementalPayload(
            pending=pending,
            patches=tuple(patches),
            completed=tuple(pending_by_path.values()),
            has_next=not last,
        )

    def _add_pending(self, parent: int) -> tuple[Pending, ...]:
        """Add the fragments that are nested directly in the fragment `parent`, now that it is delivered."""
        added: list[Pending] = []
        for number, fragment in enumerate(self.bound.fragments, start=1):
            if fragment.parent == parent:
                pending_by_path = {
                    path: self._new_pending(path, fragment.label)
                    for path in _match_paths(self.delivered, fragment.path)
                }
                self.pending[number] = pending_by_path
                added += pending_by_path.values()
        return tuple(added)

    def _new_pending(self, path: Path, label: str | None) -> Pending:
        self._next_id += 1
        return Pending(str(self._next_id - 1), path, label)


def _objects(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield an object or the objects of a list, with their paths."""
    if isinstance(value, dict):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _objects(item, (*path, index))


def _match_paths(value: Any, keys: Sequence[str], path: Path = ()) -> Iterator[Path]:
    """Yield the path of each object at these keys, with the indices of lists in between."""
    for at, item in _objects(value, path):
        if not keys:
            yield at
        elif keys[0] in item:
            yield from _match_paths(item[keys[0]], keys[1:], (*at, keys[0]))


def _fragment_path(path: Path, key_count: int) -> Path:
    """Return the beginning of a path with its first `key_count` keys and the indices that follow them."""
    end = 0
    while end < len(path) and (key_count or isinstance(path[end], int)):
        key_count -= isinstance(path[end], str)
        end += 1
    return path[:end]


def _fields_by_path(
    fields: Iterable[FieldPlan], value: Mapping[str, Any], fragment: int, path: Path
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the path of each object with fields of a deferred fragment, and the values of these fields."""
    here = [plan for plan in fields if plan.key in value]
    if selected := {plan.key: value[plan.key] for plan in here if plan.fragment == fragment}:
        yield path, selected
    for plan in here:
        if plan.fragment != fragment:
            for at, item in _objects(value[plan.key], (*path, plan.key)):
                yield from _fields_by_path(_fields(plan), item, fragment, at)


def _fields(plan: FieldPlan) -> Collection[FieldPlan]:
    """Return the selected fields of all possible types, each response key once."""
    fields: dict[str, FieldPlan] = {}
    for selection in plan.objects.values():
        for below in selection.fields:
            fields.setdefault(below.key, below)
    return fields.values()


def _find_streams(
    fields: Iterable[FieldPlan], value: dict[str, Any], path: Path
) -> Iterator[tuple[Path, StreamDirective, list[Any]]]:
    """Yield the streamed lists in `value` that have more than `initialCount` items."""
    for plan in fields:
        below, here, stream = value.get(plan.key), (*path, plan.key), plan.stream
        if stream is not None and isinstance(below, list) and len(below) > stream.initial_count:
            yield here, stream, below
            below = below[: stream.initial_count]  # lists in the other items are not streamed
        for at, item in _objects(below, here):
            yield from _find_streams(_fields(plan), item, at)


def _has_path(value: Any, path: Path) -> bool:
    """Whether the path exists. Only list indices can be missing."""
    for step in path:
        if isinstance(value, list) and isinstance(step, int) and step >= len(value):
            return False
        value = value[step]
    return True


def _get(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
