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
from gqlnews.query.predicates import RAW_KEY_SUFFIX, Comparison, Condition, Operator, and_, not_, or_
from gqlnews.text_keys import escape_list_item
from gqlnews.time_budget import check_time_budget
from gqlnews.timestamps import parse_duration, parse_instant, sort_key_before

MAX_PARTS = 200  # of one `where`: filters, tests and list items
MAX_CHARACTERS = 50_000  # of all texts in one `where`, counted per test
MAX_DEPTH = 16  # of nested filters
FIRST_SURROGATE, AFTER_SURROGATES = 0xD800, 0xE000  # code points in between are surrogates
AFTER_ALL_TEXTS = b""  # SQLite orders every text before every blob


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
    type: OperandType


Operands = Mapping[str, Operand]
"""The operands of one filter type by field name; every filter also has `and`, `or` and `not`."""


@dataclass(slots=True)
class FilterParser:
    """Parser of one `where`. `values` are bound by name; `uses_clock`: one depends on the current time."""

    operands: Operands
    values: dict[str, object] = field(default_factory=dict)
    uses_clock: bool = False
    _parts: int = 0
    _characters: int = 0

    def parse(self, where: Mapping[str, Any], depth: int = 1) -> Condition:
        """Return the conjunction of all fields."""
        if depth > MAX_DEPTH:
            raise RequestError(
                Code.TOO_DEEP, f"The filter is nested more than {MAX_DEPTH} deep: write it flatter."
            )
        self._count_part()
        return and_(
            self._parse_field(name, value, depth) for name, value in where.items() if value is not None
        )

    def _parse_field(self, name: str, value: Any, depth: int) -> Condition:
        match name:
            case "and":
                return and_(self.parse(part, depth + 1) for part in value)
            case "or":
                return or_(self.parse(part, depth + 1) for part in value)
            case "not":
                return not_(self.parse(value, depth + 1))
            case _:
                operand = self.operands[name]
                return _OPERAND_PARSERS[operand.type](self, operand, value)

    def compare(self, column: str, operator: Operator, value: object = None) -> Comparison:
        self._count_part()
        if operator is Operator.IS_NULL:
            return Comparison(column, operator)
        name = f"w{self._parts}"
        self.values[name] = self._count_characters(value)
        return Comparison(column, operator, name)

    def contains_item(self, column: str, key: str) -> Comparison:
        """Test a list column for an item.

        The raw key is bound too, under the same name plus `k`, for the lookup in a join table.
        """
        test = self.compare(column, Operator.CONTAINS_ITEM, f"\n{escape_list_item(key)}\n")
        self.values[f"{test.value}{RAW_KEY_SUFFIX}"] = key
        return test

    def _count_characters(self, value: object) -> object:
        """Count the characters of a text once per test, because each test binds its own copy."""
        if isinstance(value, str):
            self._characters += len(value)
            if self._characters > MAX_CHARACTERS:
                message = f"The filter's texts have more than {MAX_CHARACTERS:,} characters: ask for less."
                raise RequestError(Code.TOO_WIDE, message)
        return value

    def _count_part(self) -> None:
        check_time_budget()
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise RequestError(Code.TOO_WIDE, f"The filter has more than {MAX_PARTS} parts: ask for less.")

    def parse_operators(
        self, operand: Operand, operators: Mapping[str, Any], known: Mapping[str, "ParseOperator"]
    ) -> Condition:
        """Return the conjunction of all operators of a field."""
        parts = (
            known[name](self, operand.column, value) for name, value in operators.items() if value is not None
        )
        return and_(parts)


ParseOperator = Callable[[FilterParser, str, Any], Condition]
_ParseOperand = Callable[[FilterParser, Operand, Any], Condition]


def _compare(operator: Operator, convert: Callable[[Any], object] = lambda value: value) -> ParseOperator:
    return lambda parser, column, value: parser.compare(column, operator, convert(value))


def _in(parser: FilterParser, column: str, values: Sequence[object]) -> Condition:
    """Test membership in one JSON array.

    SQLite truncates JSON strings at NUL, so values with a NUL are compared one by one.
    """
    without_nul = [value for value in values if not _has_nul(value)]
    in_set = parser.compare(column, Operator.IN, json.dumps(without_nul, ensure_ascii=False))
    with_nul = (parser.compare(column, Operator.EQ, value) for value in values if _has_nul(value))
    return or_([in_set, *with_nul])


def _has_nul(value: object) -> bool:
    return isinstance(value, str) and "\0" in value


def _is_null(parser: FilterParser, column: str, value: bool) -> Condition:
    is_null = parser.compare(column, Operator.IS_NULL)
    return is_null if value else not_(is_null)


def _starts_with(parser: FilterParser, column: str, prefix: str) -> Condition:
    """Prefix match as a code point range, from the prefix to the smallest text after all matches."""
    return and_(
        (
            parser.compare(column, Operator.GTE, prefix),
            parser.compare(column, Operator.LT, _prefix_end(prefix)),
        )
    )


def _prefix_end(prefix: str) -> str | bytes:
    """Return the smallest text after all texts with the prefix.

    It is the prefix without trailing U+10FFFF, with its last character replaced by the next code point.
    """
    rest = prefix.rstrip("\U0010ffff")
    if not rest:
        return AFTER_ALL_TEXTS
    next_code = ord(rest[-1]) + 1
    return rest[:-1] + chr(AFTER_SURROGATES if next_code == FIRST_SURROGATE else next_code)


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
    return sort_key_before(time.time_ns(), seconds_ago)


def _within_last(parser: FilterParser, column: str, text: str) -> Condition:
    parser.uses_clock = True
    return parser.compare(column, Operator.GTE, now_key(read_duration(text)))


_COMPARISONS: dict[str, Operator] = {
    "eq": Operator.EQ,
    "gt": Operator.GT,
    "gte": Operator.GTE,
    "lt": Operator.LT,
    "lte": Operator.LTE,
}
_EQUALITY: dict[str, ParseOperator] = {
    "eq": _compare(Operator.EQ),
    "ne": _compare(Operator.NE),
    "in": _in,
    "notIn": lambda parser, column, values: not_(_in(parser, column, values)),
    "isNull": _is_null,
}
_TEXT = {
    **_EQUALITY,
    "startsWith": _starts_with,
    "contains": _compare(Operator.CONTAINS, str.casefold),
}
_INTEGER = {**_EQUALITY, **{name: _compare(operator) for name, operator in _COMPARISONS.items()}}
_INSTANT: dict[str, ParseOperator] = {
    **{name: _compare(operator, read_instant) for name, operator in _COMPARISONS.items()},
    "withinLast": _within_last,
}


def _item_tests(parser: FilterParser, operand: Operand, slugs: Iterable[str]) -> tuple[Condition, ...]:
    return tuple(parser.contains_item(operand.column, slug) for slug in slugs)


def _items(parser: FilterParser, operand: Operand, operators: Mapping[str, Any]) -> Condition:
    known: dict[str, Callable[[tuple[Condition, ...]], Condition]] = {
        "any": or_,
        "all": and_,
        "none": lambda parts: not_(or_(parts)),
    }
    return and_(
        known[name](_item_tests(parser, operand, slugs))
        for name, slugs in operators.items()
        if slugs is not None
    )


_OPERAND_PARSERS: dict[OperandType, _ParseOperand] = {
    OperandType.TEXT: lambda parser, operand, operators: parser.parse_operators(operand, operators, _TEXT),
    OperandType.INTEGER: lambda parser, operand, operators: parser.parse_operators(
        operand, operators, _INTEGER
    ),
    OperandType.INSTANT: lambda parser, operand, operators: parser.parse_operators(
        operand, operators, _INSTANT
    ),
    OperandType.COUNT: lambda parser, operand, value: parser.compare(
        operand.column, Operator.GT if value else Operator.LTE, 0
    ),
    OperandType.ITEMS: _items,
    OperandType.FULL_TEXT: lambda parser, operand, text: parser.compare(
        operand.column, Operator.MATCHES, to_fts5_query(text)
    ),
}
