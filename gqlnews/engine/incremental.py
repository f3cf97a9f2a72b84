"""Incremental delivery (`@defer` and `@stream`): turn results into a sequence of payloads.

1. The initial payload has everything that is not deferred, and the first items of streamed lists. It is sent
   before the other statements run.
2. Then come the remaining items of the lists, then each deferred fragment, outermost first. A fragment runs
   one statement for each root field that it has fields in. All payloads see the same content.

A fragment in a list appears once in the document but many times in the response, once per *place*.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import orjson

from gqlnews.database.sqlite.connection import Statements
from gqlnews.errors import GqlnewsError
from gqlnews.query.planner import AT_ONCE
from gqlnews.query.prepared import BoundIncrement, BoundIncrements
from gqlnews.query.tree import FieldPlan, ObjectPlan, StreamDirective

MAX_INLINE_BYTES = 64 << 10  # of results processed on the event loop, which takes some milliseconds

Path = tuple[str | int, ...]
Encoded = TypeVar("Encoded")
Offload = Callable[[Callable[[], Any]], Awaitable[Any]]
ReadParts = Callable[[Sequence[Statements]], AsyncGenerator[Sequence[bytes | None], None]]


class IncrementalUnavailableError(GqlnewsError):
    """Raised if the response has an error, which only a response in one piece can report."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A pending result: a deferred fragment or the rest of a streamed list, at a path of the response."""

    id: str
    path: Path
    label: str | None


@dataclass(frozen=True, slots=True)
class Patch:
    """Part of a pending result: fields of the object at `path`, or items of the list from index `at` on."""

    pending: Pending
    path: Path
    data: Mapping[str, Any] | None = None
    items: Sequence[Any] | None = None
    at: int = 0


@dataclass(frozen=True, slots=True)
class IncrementalPayload:
    """One payload. Only the initial one has `data`; `completed` lists pending results that are finished."""

    data: Mapping[str, Any] | None = None
    pending: tuple[Pending, ...] = ()
    pieces: tuple[Patch, ...] = ()
    completed: tuple[Pending, ...] = ()
    more: bool = True


async def deliveries(
    bound: BoundIncrements, read: ReadParts, encode: Callable[[IncrementalPayload], Encoded], offload: Offload
) -> AsyncGenerator[Encoded, None]:
    """Yield the encoded payloads. Large results are processed by `offload`.

    Raises IncrementalUnavailableError and RequestRefusedError, and what the store and `offload` raise.
    """
    assembly = _PayloadBuilder(bound)
    statements = [[one.statement for one in part.queries.values()] for part in bound.parts]
    async with aclosing(read(statements)) as answers:
        number = 0
        async for some in answers:
            encoded = partial(_encoded, assembly, number, some, encode)
            is_large = sum(map(len, filter(None, some))) > MAX_INLINE_BYTES
            for body in await offload(encoded) if is_large else encoded():
                yield body
            number += 1


def _encoded(
    assembly: "_PayloadBuilder",
    number: int,
    answers: Sequence[bytes | None],
    encode: Callable[[IncrementalPayload], Encoded],
) -> list[Encoded]:
    """Encode the payloads for the results of one bound part."""
    part = _parsed(assembly.bound.parts[number], answers)
    return [encode(delivery) for delivery in assembly.deliveries(number, part)]


def _parsed(part: BoundIncrement, answers: Sequence[bytes | None]) -> dict[str, Any]:
    for query, answer in zip(part.queries.values(), answers, strict=True):
        if (refusal := query.refusal(answer)) is not None:
            raise refusal
        if answer is None and not query.nullable:
            raise IncrementalUnavailableError("a root field that must not be null is")
    return {
        key: None if answer is None else orjson.loads(answer)
        for key, answer in zip(part.queries, answers, strict=True)
    }


@dataclass(slots=True)
class _PayloadBuilder:
    """State of the response: `whole` is what was delivered so far, `waiting` the announced pending results.

    Delivered objects are copied and not changed again, because they may not have been sent yet.
    """

    bound: BoundIncrements
    whole: dict[str, Any] = field(default_factory=dict)
    waiting: dict[int, dict[Path, Pending]] = field(default_factory=dict)
    _ids: int = 0

    def deliveries(self, number: int, data: dict[str, Any]) -> Iterator[IncrementalPayload]:
        last = number == len(self.bound.parts) - 1
        return self.first(data, last) if number == AT_ONCE else iter([self.parcel(number, data, last=last)])

    def first(self, data: dict[str, Any], last: bool) -> Iterator[IncrementalPayload]:
        self.whole = _copy(data)
        cuts = list(_cut(self.bound.parts[AT_ONCE].plans.values(), data, ()))
        rests = [
            Patch(self._pending(path, stream.label), path, items=rest, at=stream.initial)
            for path, stream, rest in cuts
        ]
        completed = tuple(one.pending for one in rests)
        announced = self._announced(AT_ONCE)
        now = [one for one in announced if _is_in(data, one.path)]
        later = tuple(one for one in announced if not _is_in(data, one.path))  # they are in streamed items
        yield IncrementalPayload(data=data, pending=(*completed, *now), more=bool(rests) or not last)
        if rests:
            yield IncrementalPayload(pending=later, pieces=tuple(rests), completed=completed, more=not last)

    def parcel(self, number: int, data: dict[str, Any], *, last: bool) -> IncrementalPayload:
        places = self.waiting.pop(number, {})
        keys = len(self.bound.parcels[number - 1].path)
        pieces = []
        for path, fields in _own(self.bound.parts[number].plans.values(), data, number, ()):
            place = places.get(_place(path, keys))
            if place is not None:
                pieces.append(Patch(place, path, data=fields))
                _at(self.whole, path).update(_copy(fields))
        pending = self._announced(number)
        return IncrementalPayload(
            pending=pending, pieces=tuple(pieces), completed=tuple(places.values()), more=not last
        )

    def _announced(self, parent: int) -> tuple[Pending, ...]:
        """Announce the fragments that are nested directly in `parent`, which was just delivered."""
        announced: list[Pending] = []
        for number, parcel in enumerate(self.bound.parcels, start=1):
            if parcel.parent == parent:
                places = {
                    path: self._pending(path, parcel.label) for path in _places(self.whole, parcel.path)
                }
                self.waiting[number] = places
                announced += places.values()
        return tuple(announced)

    def _pending(self, path: Path, label: str | None) -> Pending:
        self._ids += 1
        return Pending(str(self._ids - 1), path, label)


def _copy(data: dict[str, Any]) -> dict[str, Any]:
    """Deep-copy JSON data, many times faster than `deepcopy`."""
    copied: dict[str, Any] = orjson.loads(orjson.dumps(data))
    return copied


def _places(value: Any, keys: Sequence[str], path: Path = ()) -> Iterator[Path]:
    """Yield the path of each object that these keys lead to."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _places(item, keys, (*path, index))
    elif isinstance(value, dict):
        if not keys:
            yield path
        elif keys[0] in value:
            yield from _places(value[keys[0]], keys[1:], (*path, keys[0]))


def _place(path: Path, keys: int) -> Path:
    """Return the prefix of a path up to its `keys`-th key and the indices that follow it."""
    at = 0
    while at < len(path) and (keys or isinstance(path[at], int)):
        keys -= isinstance(path[at], str)
        at += 1
    return path[:at]


def _own(
    fields: Iterable[FieldPlan], value: Mapping[str, Any], parcel: int, path: Path
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the fields that belong to a deferred fragment, by path. Other fields only lead to these."""
    here = [plan for plan in fields if plan.key in value]
    if own := {plan.key: value[plan.key] for plan in here if plan.parcel == parcel}:
        yield path, own
    for plan in here:
        if plan.parcel != parcel:
            yield from _own_below(plan, value[plan.key], parcel, (*path, plan.key))


def _own_below(plan: FieldPlan, value: Any, parcel: int, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _own_below(plan, item, parcel, (*path, index))
    elif isinstance(value, dict):
        yield from _own(_fields(plan.objects.values()), value, parcel, path)


def _fields(objects: Iterable[ObjectPlan]) -> Iterator[FieldPlan]:
    """Yield the fields of all possible types of an object, each response key once."""
    seen = set()
    for one in objects:
        for plan in one.fields:
            if plan.key not in seen:
                seen.add(plan.key)
                yield plan


def _cut(
    fields: Iterable[FieldPlan], value: dict[str, Any], path: Path
) -> Iterator[tuple[Path, StreamDirective, list[Any]]]:
    """Remove the remaining items of streamed lists from `value`, and yield them."""
    for plan in fields:
        below = value.get(plan.key)
        here = (*path, plan.key)
        if plan.stream is not None and isinstance(below, list) and len(below) > plan.stream.initial:
            value[plan.key], rest = below[: plan.stream.initial], below[plan.stream.initial :]
            yield here, plan.stream, rest
        yield from _cut_below(plan, value.get(plan.key), here)


def _cut_below(plan: FieldPlan, value: Any, path: Path) -> Iterator[tuple[Path, StreamDirective, list[Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _cut_below(plan, item, (*path, index))
    elif isinstance(value, dict):
        yield from _cut(_fields(plan.objects.values()), value, path)


def _is_in(value: Any, path: Path) -> bool:
    """Whether the path leads to something."""
    for step in path:
        if isinstance(value, list) and isinstance(step, int) and step >= len(value):
            return False
        value = value[step]
    return True


def _at(whole: Any, path: Path) -> Any:
    for step in path:
        whole = whole[step]
    return whole
