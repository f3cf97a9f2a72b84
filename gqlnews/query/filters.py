"""Parse a `where` argument into a predicate and its bound values.

A null operator or field is ignored.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from gqlnews.errors import Code, RequestError
from gqlnews.query.fts_query import to_fts5_query
from gqlnews.query.predicates import KEY, Comparison, Condition, Operator, either, every, negated
from gqlnews.text_keys import as_item
from gqlnews.time_budget import check_time_budget
from gqlnews.timestamps import key_before, parse_duration, parse_instant

MAX_PARTS = 200  # of one `where`: filters, tests and list items
MAX_CHARACTERS = 50_000  # of all texts in one `where`, counted per test
MAX_DEPTH = 16  # of nested filters
FIRST_SURROGATE, AFTER_SURROGATES = 0xD800, 0xE000  # code points in between are surrogates
PAST_EVERY_TEXT = b""  # SQLite orders every text before every blob


class OperandType(Enum):
    """Operand type of a filter field."""

    TEXT = auto()
    INTEGER = auto()
    INSTANT = auto()
    COUNT = auto()  # boolean operand: true tests `> 0`, also for 0/1 flags
    ITEMS = auto()
    FULL_TEXT = auto()


@dataclass(frozen=True, slots=True)
class Operand:
    """A filter field: the column that it tests and its operand type."""

    column: str
    compared: OperandType


Operands = Mapping[str, Operand]
"""The operands of one filter type by field name; every filter also has `and`, `or` and `not`."""


@dataclass(slots=True)
class FilterParser:
    """Parser of one `where`. `values` are bound by name; `clock`: one of them depends on the current time."""

    operands: Operands
    values: dict[str, object] = field(default_factory=dict)
    clock: bool = False
    _parts: int = 0
    _characters: int = 0

    def read(self, where: Mapping[str, Any], depth: int = 1) -> Condition:
        """Return the conjunction of all given fields."""
        if depth > MAX_DEPTH:
            raise RequestError(
                Code.TOO_DEEP, f"The filter is nested more than {MAX_DEPTH} deep: write it flatter."
            )
        self._count()
        return every(self._field(name, value, depth) for name, value in where.items() if value is not None)

    def _field(self, name: str, value: Any, depth: int) -> Condition:
        match name:
            case "and":
                return every(self.read(part, depth + 1) for part in value)
            case "or":
                return either(self.read(part, depth + 1) for part in value)
            case "not":
                return negated(self.read(value, depth + 1))
            case _:
                operand = self.operands[name]
                return _READERS[operand.compared](self, operand, value)

    def test(self, column: str, operator: Operator, value: object = None) -> Comparison:
        self._count()
        if operator is Operator.MISSING:
            return Comparison(column, operator)
        name = f"w{self._parts}"
        self.values[name] = self._counted(value)
        return Comparison(column, operator, name)

    def item(self, column: str, key: str) -> Comparison:
        """Test a list column for an item.

        The raw key is bound too, under the same name plus `k`, for the lookup in a join table.
        """
        test = self.test(column, Operator.HAS, f"\n{as_item(key)}\n")
        self.values[f"{test.value}{KEY}"] = key
        return test

    def _counted(self, value: object) -> object:
        """Count the characters of a text once per test, because each test binds its own copy."""
        if isinstance(value, str):
            self._characters += len(value)
            if self._characters > MAX_CHARACTERS:
                message = f"The filter's texts have more than {MAX_CHARACTERS:,} characters: ask for less."
                raise RequestError(Code.TOO_WIDE, message)
        return value

    def _count(self) -> None:
        check_time_budget()
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise RequestError(Code.TOO_WIDE, f"The filter has more than {MAX_PARTS} parts: ask for less.")

    def operators(
        self, operand: Operand, given: Mapping[str, Any], known: Mapping[str, "ReadOperator"]
    ) -> Condition:
        """Return the conjunction of all given operators."""
        parts = (
            known[name](self, operand.column, value) for name, value in given.items() if value is not None
        )
        return every(parts)


ReadOperator = Callable[[FilterParser, str, Any], Condition]
_ReadOperand = Callable[[FilterParser, Operand, Any], Condition]


def _compare(operator: Operator, convert: Callable[[Any], object] = lambda value: value) -> ReadOperator:
    return lambda reader, column, value: reader.test(column, operator, convert(value))


def _in(reader: FilterParser, column: str, values: Sequence[object]) -> Condition:
    """Test membership in one JSON array.

    SQLite truncates JSON strings at NUL, so values with a NUL are compared one by one.
    """
    whole = [value for value in values if not _has_nul(value)]
    among = reader.test(column, Operator.AMONG, json.dumps(whole, ensure_ascii=False))
    ended = (reader.test(column, Operator.EQUAL, value) for value in values if _has_nul(value))
    return either([among, *ended])


def _has_nul(value: object) -> bool:
    return isinstance(value, str) and "\0" in value


def _is_null(reader: FilterParser, column: str, value: bool) -> Condition:
    missing = reader.test(column, Operator.MISSING)
    return missing if value else negated(missing)


def _starts_with(reader: FilterParser, column: str, prefix: str) -> Condition:
    """Prefix match as a code point range: from the prefix up to the least text after all matches."""
    return every(
        (
            reader.test(column, Operator.AT_LEAST, prefix),
            reader.test(column, Operator.LESS, _after_all_with(prefix)),
        )
    )


def _after_all_with(prefix: str) -> str | bytes:
    """The least text after all texts with the prefix.

    It is the prefix without trailing U+10FFFF, with its last character replaced by the next code point.
    """
    rest = prefix.rstrip("\U0010ffff")
    if not rest:
        return PAST_EVERY_TEXT
    following = ord(rest[-1]) + 1
    return rest[:-1] + chr(AFTER_SURROGATES if following == FIRST_SURROGATE else following)


def read_instant(text: str) -> str:
    """Parse a date argument into its sort key."""
    instant = parse_instant(text)
    if instant is None:
        raise RequestError(
            Code.BAD_DATE,
            f"`{text[:40]}` is no date: write one such as `2021-04-15T13:00:00Z` or `2021-04-15`.",
        )
    return instant.key


def read_duration(text: str) -> int:
    """Parse a duration argument into seconds."""
    seconds = parse_duration(text)
    if seconds is None:
        raise RequestError(
            Code.BAD_DURATION,
            f"`{text[:40]}` is no duration: write one such as `P2D`, `P1W` or `PT6H`, in whole numbers.",
        )
    return seconds


def now_key(seconds_ago: int = 0) -> str:
    """Return the sort key of the current time minus `seconds_ago`."""
    return key_before(time.time_ns(), seconds_ago)


def _within_last(reader: FilterParser, column: str, text: str) -> Condition:
    reader.clock = True
    return reader.test(column, Operator.AT_LEAST, now_key(read_duration(text)))


_COMPARE: dict[str, Operator] = {
    "eq": Operator.EQUAL,
    "gt": Operator.MORE,
    "gte": Operator.AT_LEAST,
    "lt": Operator.LESS,
    "lte": Operator.AT_MOST,
}
_CHOOSE: dict[str, ReadOperator] = {
    "eq": _compare(Operator.EQUAL),
    "ne": _compare(Operator.UNEQUAL),
    "in": _in,
    "notIn": lambda reader, column, values: negated(_in(reader, column, values)),
    "isNull": _is_null,
}
_TEXT = {
    **_CHOOSE,
    "startsWith": _starts_with,
    "contains": _compare(Operator.CONTAINS, str.casefold),
}
_INTEGER = {**_CHOOSE, **{name: _compare(operator) for name, operator in _COMPARE.items()}}
_INSTANT: dict[str, ReadOperator] = {
    **{name: _compare(operator, read_instant) for name, operator in _COMPARE.items()},
    "withinLast": _within_last,
}


def _has(reader: FilterParser, operand: Operand, slugs: Iterable[str]) -> tuple[Condition, ...]:
    return tuple(reader.item(operand.column, slug) for slug in slugs)


def _items(reader: FilterParser, operand: Operand, given: Mapping[str, Any]) -> Condition:
    known: dict[str, Callable[[tuple[Condition, ...]], Condition]] = {
        "any": either,
        "all": every,
        "none": lambda parts: negated(either(parts)),
    }
    return every(
        known[name](_has(reader, operand, slugs)) for name, slugs in given.items() if slugs is not None
    )


_READERS: dict[OperandType, _ReadOperand] = {
    OperandType.TEXT: lambda reader, operand, given: reader.operators(operand, given, _TEXT),
    OperandType.INTEGER: lambda reader, operand, given: reader.operators(operand, given, _INTEGER),
    OperandType.INSTANT: lambda reader, operand, given: reader.operators(operand, given, _INSTANT),
    OperandType.COUNT: lambda reader, operand, value: reader.test(
        operand.column, Operator.MORE if value else Operator.AT_MOST, 0
    ),
    OperandType.ITEMS: _items,
    OperandType.FULL_TEXT: lambda reader, operand, text: reader.test(
        operand.column, Operator.MATCHES, to_fts5_query(text)
    ),
}
