"""Arguments of a field to what its SQL depends on, and the values that are bound to it.

A reader takes the coerced arguments and gives `Inputs`, or refuses the request with a `RequestError`.
`shape` decides the text of the SQL; `values` are bound, so the text is the same for any of them.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gqlnews.errors import Code, RequestError

Arguments = Mapping[str, Any]

NO_END = 2**62  # past every position


@dataclass(frozen=True, slots=True)
class Inputs:
    """`clock`: a value is of the clock, so that the same arguments mean something else a moment later."""

    shape: Hashable = None
    values: Mapping[str, object] = field(default_factory=dict)
    clock: bool = False


ReadArguments = Callable[[Arguments], Inputs]


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
