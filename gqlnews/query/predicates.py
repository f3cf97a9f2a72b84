"""Predicates on rows: parsed from filters and rendered to SQL. Plain frozen data.

A predicate is part of a statement's shape. The values it compares with are not: they are bound by name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto


class Operator(Enum):
    """Comparison operators. A null column fails every comparison except where noted."""

    EQ = auto()
    NE = auto()  # null passes
    IN = auto()  # the value is a JSON array
    LT = auto()
    LTE = auto()
    GT = auto()
    GTE = auto()
    CONTAINS = auto()  # case-insensitive substring
    CONTAINS_ITEM = auto()  # the list column contains the item (text_keys.py)
    MATCHES = auto()  # full-text match; the column names the index
    IS_NULL = auto()  # is null; takes no value


_EXPENSIVE = frozenset({Operator.CONTAINS, Operator.CONTAINS_ITEM, Operator.MATCHES})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of a column; `value` is the name of the bound value."""

    column: str
    operator: Operator
    value: str = ""


@dataclass(frozen=True, slots=True)
class All:
    """Conjunction; true if it has no parts."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Disjunction; false if it has no parts."""

    parts: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """Two-valued negation: true wherever the test is not, including for a null column."""

    test: Comparison


Condition = Comparison | All | AnyOf | Not

EVERYTHING = All()
RAW_KEY_SUFFIX = "k"  # suffix of the bound name of the raw key behind a list item
SHALLOW_DEPTH = 2


def and_(parts: Iterable[Condition]) -> Condition:
    """Conjunction of the parts, deepest first. Nested `All`s are flattened, a single part is returned as is.

    Deepest first keeps SQLite's parser stack (100 entries) small: `((a OR b) AND c) OR d` takes one entry
    per parenthesis, `d OR (c AND (a OR b))` three.
    """
    return _combine(All, parts)


def or_(parts: Iterable[Condition]) -> Condition:
    """Disjunction of the parts, flattened and ordered like `and_`."""
    return _combine(AnyOf, parts)


def not_(condition: Condition) -> Condition:
    """Negate the predicate, pushing each `Not` down to a test (De Morgan)."""
    match condition:
        case All(parts):
            return or_(not_(part) for part in parts)
        case AnyOf(parts):
            return and_(not_(part) for part in parts)
        case Not(test):
            return test
        case Comparison():
            return Not(condition)


def tested_columns(condition: Condition) -> frozenset[str]:
    """Return the columns that the predicate tests.

    An expensive operator adds `column by operator` instead, which no join table holds.
    """
    match condition:
        case All(parts) | AnyOf(parts):
            return frozenset[str]().union(*map(tested_columns, parts))
        case Not(test):
            return tested_columns(test)
        case Comparison(column, operator):
            return frozenset({column if operator not in _EXPENSIVE else f"{column} by {operator}"})


def extract_item_test(condition: Condition, column: str) -> tuple[Comparison, Condition] | None:
    """Split off a list-item test on `column` that every row must pass.

    Returns the test and the remaining predicate, or None if there is no such test.
    """
    parts = condition.parts if isinstance(condition, All) else (condition,)
    for part in parts:
        if isinstance(part, Comparison) and part.operator is Operator.CONTAINS_ITEM and part.column == column:
            return part, and_(other for other in parts if other is not part)
    return None


def _combine(kind: type[All] | type[AnyOf], parts: Iterable[Condition]) -> Condition:
    flat = (one for part in parts for one in (part.parts if isinstance(part, kind) else (part,)))
    ordered = _deepest_first(flat)
    return ordered[0] if len(ordered) == 1 else kind(ordered)


def _deepest_first(parts: Iterable[Condition]) -> tuple[Condition, ...]:
    """Order by depth, deepest first; at equal depth (all up to `SHALLOW_DEPTH` are equal), cheap tests first.

    SQLite short-circuits, so an expensive test only runs if the cheap ones do not decide.
    """
    return tuple(sorted(parts, key=lambda part: (-max(_depth(part), SHALLOW_DEPTH), _is_expensive(part))))


def _is_expensive(part: Condition) -> bool:
    """Whether the predicate searches text, which is expensive."""
    match part:
        case All(parts) | AnyOf(parts):
            return any(map(_is_expensive, parts))
        case Not(test):
            return _is_expensive(test)
        case Comparison(operator=operator):
            return operator in _EXPENSIVE


def _depth(condition: Condition) -> int:
    if isinstance(condition, All | AnyOf):
        return 1 + max(map(_depth, condition.parts), default=0)
    return 0
