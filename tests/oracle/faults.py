"""Error codes for invalid values of arguments."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from .durations import read_duration
from .filters import given
from .instants import read_instant

UNDETERMINED = "UNDETERMINED"  # not a code of the contract: the contract leaves the result open
MAX_DEPTH = 32
MAX_TESTS = 200
DATES = frozenset({"publishedDateTime", "modifiedDateTime", "updatedAt"})


def value_error(args: Mapping[str, Any], dates: Collection[str] = DATES) -> str | None:
    """Return the code for an invalid filter, date or duration in the arguments, or None.

    `dates` are the fields of filters that are dates.
    """
    where = args.get("where")
    codes = (*filter_errors(where or {}, dates), *own_errors(args))
    return next((code for code in codes if code is not None), None)


def own_errors(args: Mapping[str, Any]) -> Iterator[str | None]:
    yield date_error(args.get("asOf"))
    yield duration_error(args.get("halfLife"))


def filter_errors(where: Mapping[str, Any], dates: Collection[str]) -> Iterator[str | None]:
    if depth(where) > MAX_DEPTH:
        yield "TOO_DEEP"
    if tests(where) > MAX_TESTS:
        yield "TOO_WIDE"
    for name, operators in each_field(where):
        if name in dates:
            for operator, written in given(operators).items():
                yield duration_error(written) if operator == "withinLast" else date_error(written)


def each_field(where: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a filter that test something, including those of nested filters."""
    for name, value in given(where).items():
        if name in {"and", "or"}:
            for one in value:
                yield from each_field(one)
        elif name == "not":
            yield from each_field(value)
        else:
            yield name, value


def depth(where: Mapping[str, Any]) -> int:
    """Return the nesting depth of filters, counting this one."""
    asked = given(where)
    inside = [*asked.get("and", ()), *asked.get("or", ()), *([asked["not"]] if "not" in asked else ())]
    return 1 + max((depth(one) for one in inside), default=0)


def tests(where: Mapping[str, Any]) -> int:
    """Count the operators in a filter; a boolean counts as one."""
    return sum(len(given(value)) if isinstance(value, dict) else 1 for _, value in each_field(where))


def date_error(written: str | None) -> str | None:
    return reading_error(read_instant, written, "BAD_DATE")


def duration_error(written: str | None) -> str | None:
    return reading_error(read_duration, written, "BAD_DURATION")


def reading_error(read: Callable[[str], Any], written: str | None, code: str) -> str | None:
    if written is None:
        return None
    try:
        read(written)
    except ValueError:
        return code
    return None
