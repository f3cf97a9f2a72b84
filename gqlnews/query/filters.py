"""Parse a `where` argument into a condition and its bound values.

Operators and fields that are null are ignored.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from gqlnews.errors import Code, RequestError
from gqlnews.query.conditions import RAW_KEY_SUFFIX, Comparison, Condition, Operator, and_, not_, or_
from gqlnews.query.entities import FullTextIndex, NamedObjects
from gqlnews.query.fts_query import to_fts5_query
from gqlnews.text_keys import SearchExpression, escape_list_item, float_key
from gqlnews.time_budget import check_time_budget
from gqlnews.timestamps import parse_duration, parse_instant, sort_key_before

MAX_PARTS = 200  # of one `where`: filters, comparisons and list items
MAX_CHARACTERS = 50_000  # of all texts in one `where`, counted once per comparison
MAX_DEPTH = 16  # of nested filters
FIRST_SURROGATE, AFTER_SURROGATES = 0xD800, 0xE000  # code points in between are surrogates
AFTER_ALL_TEXTS = b""  # SQLite orders every text before every blob


class FilterFieldType(Enum):
    """Type of a filter field."""

    TEXT = auto()
    INTEGER = auto()
    FLOAT = auto()  # compared by `float_key`
    INSTANT = auto()
    IS_POSITIVE = auto()  # a boolean: true means `> 0`, for counts and 0/1 flags
    PATH = auto()  # path of a folder
    ITEMS = auto()
    FULL_TEXT = auto()


@dataclass(frozen=True, slots=True)
class FilterField:
    """A filter field: the column that it compares, and its type. `editor_only`: for no other audience.

    `refers_to`: the objects whose keys the column has.
    """

    column: str
    type: FilterFieldType
    editor_only: bool = False
    refers_to: NamedObjects | None = None


FilterFields = Mapping[str, FilterField]
"""The fields of one filter type by name; every filter also accepts `and`, `or` and `not`."""


@dataclass(slots=True)
class FilterParser:
    """Parser of one `where`.

    `values` are the bound values by name, and `full_text` is the index of the filtered rows. `uses_clock`: a
    value depends on the current time. `restricted` names a field by which only editors may filter.
    """

    filter_fields: FilterFields
    values: dict[str, object] = field(default_factory=dict)
    full_text: FullTextIndex | None = None
    uses_clock: bool = False
    restricted: str | None = None
    _parts: int = 0
    _characters: int = 0

    def parse(self, where: Mapping[str, Any], depth: int = 1) -> Condition:
        """Return the conjunction of all fields."""
        if depth > MAX_DEPTH:
            raise RequestError(
                Code.TOO_DEEP, f"The filter is nested more than {MAX_DEPTH} levels deep: use fewer levels."
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
                filter_field = self.filter_fields[name]
                if filter_field.editor_only:
                    self.restricted = self.restricted or name
                return _PARSERS_BY_TYPE[filter_field.type](self, filter_field, value)

    def compare(self, column: str, operator: Operator, value: object = None) -> Comparison:
        self._count_part()
        if operator is Operator.IS_NULL:
            return Comparison(column, operator)
        name = f"w{self._parts}"
        self.values[name] = self._count_characters(value)
        return Comparison(column, operator, name)

    def contains_item(self, column: str, key: str) -> Comparison:
        """Compare a list column with an item.

        The unescaped key is bound too, under the same name plus `RAW_KEY_SUFFIX`, for the lookup in a join
        table.
        """
        comparison = self.compare(column, Operator.CONTAINS_ITEM, f"\n{escape_list_item(key)}\n")
        self.values[f"{comparison.value}{RAW_KEY_SUFFIX}"] = key
        return comparison

    def _count_characters(self, value: object) -> object:
        """Count the characters of a text once per comparison, because each comparison binds its own copy."""
        if isinstance(value, str):
            self._characters += len(value)
            if self._characters > MAX_CHARACTERS:
                message = (
                    f"The texts of the filter have more than {MAX_CHARACTERS:,} characters: use fewer or "
                    "shorter texts."
                )
                raise RequestError(Code.TOO_WIDE, message)
        return value

    def _count_part(self) -> None:
        check_time_budget()
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise RequestError(
                Code.TOO_WIDE,
                f"The filter has more than {MAX_PARTS} parts (filters, comparisons, list items): use fewer.",
            )

    def parse_operators(
        self, filter_field: FilterField, operators: Mapping[str, Any], parsers: Mapping[str, "ParseOperator"]
    ) -> Condition:
        """Return the conjunction of all operators of a field."""
        parts = (
            parsers[name](self, filter_field.column, value)
            for name, value in operators.items()
            if value is not None
        )
        return and_(parts)


ParseOperator = Callable[[FilterParser, str, Any], Condition]
_ParseFilterField = Callable[[FilterParser, FilterField, Any], Condition]


def _compare(operator: Operator, convert: Callable[[Any], object] = lambda value: value) -> ParseOperator:
    return lambda parser, column, value: parser.compare(column, operator, convert(value))


def _in(parser: FilterParser, column: str, values: Sequence[str]) -> Condition:
    """Compare with all texts at once, bound as one JSON array.

    SQLite truncates JSON strings at a NUL, so values with a NUL are compared one by one.
    """
    without_nul = [value for value in values if "\0" not in value]
    in_set = parser.compare(column, Operator.IN, json.dumps(without_nul, ensure_ascii=False))
    with_nul = (parser.compare(column, Operator.EQ, value) for value in values if "\0" in value)
    return or_([in_set, *with_nul])


def _in_integers(parser: FilterParser, column: str, values: Sequence[int]) -> Condition:
    return parser.compare(column, Operator.IN_INTEGERS, json.dumps(values))


def _in_floats(parser: FilterParser, column: str, values: Sequence[float]) -> Condition:
    return _in_integers(parser, column, [float_key(value) for value in values])


def _not_in(compare: "ParseOperator") -> "ParseOperator":
    return lambda parser, column, values: not_(compare(parser, column, values))


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


def _under(parser: FilterParser, column: str, path: str) -> Condition:
    """Match a path and the paths below it."""
    return or_((parser.compare(column, Operator.EQ, path), _starts_with(parser, column, f"{path}/")))


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
            f"`{text[:40]}` is not a date: pass one such as `2021-04-15T13:00:00Z` or `2021-04-15`.",
        )
    return instant.key


def read_duration(text: str) -> int:
    """Parse a duration argument into seconds."""
    seconds = parse_duration(text)
    if seconds is None:
        raise RequestError(
            Code.BAD_DURATION,
            f"`{text[:40]}` is not a duration: pass one such as `P2D`, `P1W` or `PT6H`, in whole numbers.",
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
    "isNull": _is_null,
}
_TEXT = {
    **_EQUALITY,
    "in": _in,
    "notIn": _not_in(_in),
    "startsWith": _starts_with,
    "contains": _compare(Operator.CONTAINS, str.casefold),
}
_PATH = {"eq": _EQUALITY["eq"], "in": _in, "under": _under}
_INTEGER: dict[str, ParseOperator] = {
    **_EQUALITY,
    **{name: _compare(operator) for name, operator in _COMPARISONS.items()},
    "in": _in_integers,
    "notIn": _not_in(_in_integers),
}
_FLOAT: dict[str, ParseOperator] = {
    **_INTEGER,
    **{name: _compare(operator, float_key) for name, operator in _COMPARISONS.items()},
    "ne": _compare(Operator.NE, float_key),
    "in": _in_floats,
    "notIn": _not_in(_in_floats),
}
_INSTANT: dict[str, ParseOperator] = {
    **{name: _compare(operator, read_instant) for name, operator in _COMPARISONS.items()},
    "withinLast": _within_last,
}


def _compare_items(
    parser: FilterParser, filter_field: FilterField, keys: Iterable[str]
) -> tuple[Condition, ...]:
    return tuple(parser.contains_item(filter_field.column, key) for key in keys)


def _items(parser: FilterParser, filter_field: FilterField, operators: Mapping[str, Any]) -> Condition:
    combine: dict[str, Callable[[tuple[Condition, ...]], Condition]] = {
        "any": or_,
        "all": and_,
        "none": lambda parts: not_(or_(parts)),
    }
    return and_(
        combine[name](_compare_items(parser, filter_field, keys))
        for name, keys in operators.items()
        if keys is not None
    )


def _full_text(parser: FilterParser, filter_field: FilterField, text: str) -> Condition:
    assert parser.full_text is not None, "the filtered rows have a full-text index"
    expression = SearchExpression(to_fts5_query(text, parser.full_text.columns))
    return parser.compare(filter_field.column, Operator.MATCHES, expression)


_PARSERS_BY_TYPE: dict[FilterFieldType, _ParseFilterField] = {
    FilterFieldType.TEXT: lambda parser, filter_field, operators: parser.parse_operators(
        filter_field, operators, _TEXT
    ),
    FilterFieldType.INTEGER: lambda parser, filter_field, operators: parser.parse_operators(
        filter_field, operators, _INTEGER
    ),
    FilterFieldType.FLOAT: lambda parser, filter_field, operators: parser.parse_operators(
        filter_field, operators, _FLOAT
    ),
    FilterFieldType.INSTANT: lambda parser, filter_field, operators: parser.parse_operators(
        filter_field, operators, _INSTANT
    ),
    FilterFieldType.IS_POSITIVE: lambda parser, filter_field, value: parser.compare(
        filter_field.column, Operator.GT if value else Operator.LTE, 0
    ),
    FilterFieldType.PATH: lambda parser, filter_field, operators: parser.parse_operators(
        filter_field, operators, _PATH
    ),
    FilterFieldType.ITEMS: _items,
    FilterFieldType.FULL_TEXT: _full_text,
}
