"""Conditions on rows: what filters are read to, and SQL is rendered from. Plain frozen data.

A condition is part of a statement's shape: the values that it compares with are bound, by name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto


class Operator(Enum):
    """How a column is compared with a value. A missing column fails each but those that say otherwise."""

    EQUAL = auto()
    UNEQUAL = auto()  # a missing one passes
    AMONG = auto()  # the value is a JSON array
    LESS = auto()
    AT_MOST = auto()
    MORE = auto()
    AT_LEAST = auto()
    CONTAINS = auto()  # text within text, both without case
    HAS = auto()  # an item among items, see keys.py
    MATCHES = auto()  # full text; the column names the index
    MISSING = auto()  # takes no value


_DEAR = frozenset({Operator.CONTAINS, Operator.HAS, Operator.MATCHES})


@dataclass(frozen=True, slots=True)
class Test:
    column: str
    operator: Operator
    value: str = ""


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; everything, where there is none."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds; nothing, where there is none."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """Holds exactly where its test does not, so also where a column is missing."""

    test: Test


Condition = Test | All | AnyOf | Not

EVERYTHING = All()
KEY = "k"  # ends the name of what an item among items was made of
NESTS = 2


def every(parts: Iterable[Condition]) -> Condition:
    """Every part holds. No `All` stands in an `All`, nor alone, and what nests most comes first.

    So SQLite's parser has least to remember, of 100 things at most: `((a OR b) AND c) OR d` is one for each
    parenthesis, `d OR (c AND (a OR b))` three.
    """
    return _joined(All, parts)


def either(parts: Iterable[Condition]) -> Condition:
    """At least one part holds; likewise."""
    return _joined(AnyOf, parts)


def negated(condition: Condition) -> Condition:
    """What holds exactly where the condition does not, with each `Not` at its test."""
    match condition:
        case All(parts):
            return either(negated(part) for part in parts)
        case AnyOf(parts):
            return every(negated(part) for part in parts)
        case Not(test):
            return test
        case Test():
            return Not(condition)


def columns_of(condition: Condition) -> frozenset[str]:
    """The columns that it tests, by the names that its tests have for them."""
    match condition:
        case All(parts) | AnyOf(parts):
            return frozenset[str]().union(*map(columns_of, parts))
        case Not(test):
            return columns_of(test)
        case Test(column, operator):
            return frozenset({column if operator not in _DEAR else f"{column} by {operator}"})


def item_asked(condition: Condition, column: str) -> tuple[Test, Condition] | None:
    """A test that every row passes for one item of the column, and all else that the rows pass."""
    parts = condition.parts if isinstance(condition, All) else (condition,)
    for part in parts:
        if isinstance(part, Test) and part.operator is Operator.HAS and part.column == column:
            return part, every(other for other in parts if other is not part)
    return None


def _joined(kind: type[All] | type[AnyOf], parts: Iterable[Condition]) -> Condition:
    flat = (one for part in parts for one in (part.parts if isinstance(part, kind) else (part,)))
    ordered = _deepest_first(flat)
    return ordered[0] if len(ordered) == 1 else kind(ordered)


def _deepest_first(parts: Iterable[Condition]) -> tuple[Condition, ...]:
    """What nests no deeper than `NESTS` by what it costs: where one test fails, SQLite runs no other."""
    return tuple(sorted(parts, key=lambda part: (-max(_depth(part), NESTS), _is_dear(part))))


def _is_dear(part: Condition) -> bool:
    """Whether it searches texts."""
    match part:
        case All(parts) | AnyOf(parts):
            return any(map(_is_dear, parts))
        case Not(test):
            return _is_dear(test)
        case Test(operator=operator):
            return operator in _DEAR


def _depth(condition: Condition) -> int:
    if isinstance(condition, All | AnyOf):
        return 1 + max(map(_depth, condition.parts), default=0)
    return 0
