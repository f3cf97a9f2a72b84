"""Conditions on rows: parsed from filters and rendered to SQL. Plain frozen data.

A condition is a tree of conjunctions, disjunctions and comparisons. It is part of a statement's shape; the
values that it compares with are not, because they are bound by name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto


class Operator(Enum):
    """Comparison operators. With a null column, a comparison is not true, except where noted."""

    EQ = auto()
    NE = auto()  # also true for null
    IN = auto()  # the value is a JSON array of texts
    IN_INTEGERS = auto()  # the value is a JSON array of integers
    LT = auto()
    LTE = auto()
    GT = auto()
    GTE = auto()
    CONTAINS = auto()  # case-insensitive substring
    CONTAINS_ITEM = auto()  # the list column contains the item (text_keys.py)
    MATCHES = auto()  # the row matches a full-text expression; the column is not used
    IS_NULL = auto()  # true for null only; has no value


_EXPENSIVE = frozenset({Operator.CONTAINS, Operator.CONTAINS_ITEM, Operator.MATCHES})


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of a column with a value; `value` is the name that the value is bound to."""

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
    """Negation: true wherever the comparison is not true, including for a null column."""

    comparison: Comparison


Condition = Comparison | All | AnyOf | Not

EVERYTHING = All()
RAW_KEY_SUFFIX = "k"  # added to the name of a bound list item; the result is the name of its unescaped key
SHALLOW_DEPTH = 2  # conditions up to this depth are ordered by their cost alone


def and_(parts: Iterable[Condition]) -> Condition:
    """Return the conjunction of the parts, deepest first.

    Nested `All`s are flattened, and a single part is returned as it is. With the deepest part first, SQLite's
    parser stack (100 entries) stays small: `((a OR b) AND c) OR d` takes one entry per parenthesis,
    `d OR (c AND (a OR b))` three.
    """
    return _combine(All, parts)


def or_(parts: Iterable[Condition]) -> Condition:
    """Return the disjunction of the parts, flattened and ordered as by `and_`."""
    return _combine(AnyOf, parts)


def not_(condition: Condition) -> Condition:
    """Negate the condition, and push each `Not` down to a comparison (De Morgan)."""
    match condition:
        case All(parts):
            return or_(not_(part) for part in parts)
        case AnyOf(parts):
            return and_(not_(part) for part in parts)
        case Not(comparison):
            return comparison
        case Comparison():
            return Not(condition)


def compared_columns(condition: Condition) -> frozenset[str]:
    """Return the columns that the condition compares.

    For an expensive operator it is `column by operator` instead, which no join table has as a column.
    """
    match condition:
        case All(parts) | AnyOf(parts):
            return frozenset[str]().union(*map(compared_columns, parts))
        case Not(comparison):
            return compared_columns(comparison)
        case Comparison(column, operator):
            return frozenset({column if operator not in _EXPENSIVE else f"{column} by {operator}"})


def extract_item_comparison(condition: Condition, column: str) -> tuple[Comparison, Condition] | None:
    """Split off a comparison that every row must satisfy: that the list column `column` contains an item.

    Returns the comparison and the rest of the condition, or None if there is no such comparison.
    """
    parts = condition.parts if isinstance(condition, All) else (condition,)
    for part in parts:
        if isinstance(part, Comparison) and part.operator is Operator.CONTAINS_ITEM and part.column == column:
            return part, and_(other for other in parts if other is not part)
    return None


def _combine(kind: type[All] | type[AnyOf], parts: Iterable[Condition]) -> Condition:
    flat = (item for part in parts for item in (part.parts if isinstance(part, kind) else (part,)))
    ordered = _deepest_first(flat)
    return ordered[0] if len(ordered) == 1 else kind(ordered)


def _deepest_first(parts: Iterable[Condition]) -> tuple[Condition, ...]:
    """Order by depth, deepest first; at equal depth (all up to `SHALLOW_DEPTH` are equal), cheap parts first.

    SQLite short-circuits, so an expensive comparison runs only if the cheap ones leave the result open.
    """
    return tuple(sorted(parts, key=lambda part: (-max(_depth(part), SHALLOW_DEPTH), _is_expensive(part))))


def _is_expensive(part: Condition) -> bool:
    """Whether the condition searches a text, which is expensive."""
    match part:
        case All(parts) | AnyOf(parts):
            return any(map(_is_expensive, parts))
        case Not(comparison):
            return _is_expensive(comparison)
        case Comparison(operator=operator):
            return operator in _EXPENSIVE


def _depth(condition: Condition) -> int:
    if isinstance(condition, All | AnyOf):
        return 1 + max(map(_depth, condition.parts), default=0)
    return 0
