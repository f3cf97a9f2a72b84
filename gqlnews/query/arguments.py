"""Resolve the arguments of a field into the shape of its SQL and the values that are bound to it.

An argument reader takes the coerced arguments and returns `ResolvedArguments` or raises a `RequestError`.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gqlnews.errors import Code, RequestError

Arguments = Mapping[str, Any]

UNBOUNDED = 2**62  # `end` of a slice without a limit: greater than every position


@dataclass(frozen=True, slots=True)
class ResolvedArguments:
    """Resolved arguments of one field.

    `shape` determines the SQL text; `values` are bound to it by name, so the text is the same for all values.
    `uses_clock`: a value depends on the current time, so the result is not cacheable. `restricted` names a
    field by which only editors may filter or sort.
    """

    shape: Hashable = None
    values: Mapping[str, object] = field(default_factory=dict)
    uses_clock: bool = False
    restricted: str | None = None


ReadArguments = Callable[[Arguments], ResolvedArguments]


def no_arguments(_arguments: Arguments) -> ResolvedArguments:
    return ResolvedArguments()


def key_arguments(arguments: Arguments) -> ResolvedArguments:
    """Bind every argument as a lookup key."""
    return ResolvedArguments(values=dict(arguments))


def read_slice(arguments: Arguments, *, default: int | None = None) -> ResolvedArguments:
    """Read `first` and `offset` of a plain list as the values `start` and `end` (exclusive).

    `default` is that of `first`; None means no limit.
    """
    first = arguments.get("first")
    first = default if first is None else first
    start = arguments.get("offset") or 0
    for name, value in (("first", first or 0), ("offset", start)):
        if value < 0:
            raise RequestError(Code.BAD_PAGE, f"`{name}` is {value}: pass 0 or more.")
    return ResolvedArguments(values={"start": start, "end": UNBOUNDED if first is None else start + first})
