"""Arguments of a field to what its SQL depends on, and the values that are bound to it.

A reader takes the coerced arguments and gives `Inputs`, or refuses the request with a `RequestError`.
`shape` decides the text of the SQL; `values` are bound, so the text is the same for any of them.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gqlnews.errors import Code, RequestError
from gqlnews.plan.cursors import decode_cursor

Arguments = Mapping[str, Any]

MOST_ON_A_PAGE = 100
DEFAULT_PAGE = 20
NO_END = 2**62  # past every position


@dataclass(frozen=True, slots=True)
class Inputs:
    shape: Hashable = None
    values: Mapping[str, object] = field(default_factory=dict)


ReadArguments = Callable[[Arguments], Inputs]


@dataclass(frozen=True, slots=True)
class PageShape:
    """How a page is walked; the bounds are bound by these names followed by the key's number."""

    backward: bool
    after: bool
    before: bool


def no_arguments(_arguments: Arguments) -> Inputs:
    return Inputs()


def key_arguments(arguments: Arguments) -> Inputs:
    """Every argument is a key to look up."""
    return Inputs(values=dict(arguments))


def slice_arguments(arguments: Arguments) -> Inputs:
    """`first` and `offset` of a plain list: values `start` and `end`, the end excluded."""
    return read_slice(arguments, default=None)


def read_slice(arguments: Arguments, *, default: int | None) -> Inputs:
    first = arguments.get("first")
    first = default if first is None else first
    start = arguments.get("offset") or 0
    for name, value in (("first", first or 0), ("offset", start)):
        if value < 0:
            raise RequestError(Code.BAD_PAGE, f"`{name}` is {value}: give 0 or more.")
    return Inputs(values={"start": start, "end": NO_END if first is None else start + first})


def page_arguments(place: str, keys: int) -> ReadArguments:
    """`first`, `after`, `last`, `before` of a connection whose cursors hold `keys` values for `place`.

    Values: `limit`; `after0`… and `before0`… where the shape has them.
    """

    def read(arguments: Arguments) -> Inputs:
        size, backward = page_size(arguments.get("first"), arguments.get("last"))
        values: dict[str, object] = {"limit": size}
        given = {}
        for name in ("after", "before"):
            cursor = arguments.get(name)
            given[name] = cursor is not None
            if cursor is not None:
                bounds = decode_cursor(cursor, place, keys, argument=name)
                values.update((f"{name}{number}", value) for number, value in enumerate(bounds))
        return Inputs(PageShape(backward, given["after"], given["before"]), values)

    return read


def page_size(first: int | None, last: int | None) -> tuple[int, bool]:
    """How many, and whether they are counted from the end."""
    if first is not None and last is not None:
        raise RequestError(Code.BAD_PAGE, "`first` and `last` are both given: give one of them.")
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return DEFAULT_PAGE, False
    if not 0 <= size <= MOST_ON_A_PAGE:
        raise RequestError(Code.BAD_PAGE, f"`{name}` is {size}: give 0 to {MOST_ON_A_PAGE}.")
    return size, name == "last"
