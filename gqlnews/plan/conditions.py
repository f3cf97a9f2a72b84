"""Conditions on rows: what filters are read to, and SQL is rendered from. Plain frozen data.

A condition is part of a statement's shape: the values that it compares with are bound, by name.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Operator(Enum):
    """How a column is compared with a value. A missing column fails each but those that say otherwise."""

    EQUAL = auto()
    UNEQUAL = auto()  # a missing one passes
    AMONG = auto()  # the value is a JSON array
    NOT_AMONG = auto()  # likewise; a missing one passes
    LESS = auto()
    AT_MOST = auto()
    MORE = auto()
    AT_LEAST = auto()
    CONTAINS = auto()  # text within text, both without case
    HAS = auto()  # an item among items, see keys.py
    MATCHES = auto()  # full text; the column names the index
    MISSING = auto()  # takes no value


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
    """Holds exactly where its part does not."""

    part: "Condition"


Condition = Test | All | AnyOf | Not

EVERYTHING = All()
