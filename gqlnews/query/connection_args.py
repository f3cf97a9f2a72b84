"""Arguments of connections (pagination, order, filter, collapse) and their cursors."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gqlnews.errors import Code, RequestError
from gqlnews.query.arguments import Arguments, ResolvedArguments, read_slice
from gqlnews.query.conditions import EVERYTHING, Condition
from gqlnews.query.entities import HIGH_TEXT, FullTextIndex, OrderTerm
from gqlnews.query.fields import CollapseBy
from gqlnews.query.filters import FilterFields, FilterParser

# Keyset pagination cursors, encoded in SQL and validated in Python.
#
# A cursor is the hex encoding of the JSON array `[list_id, key, …]`. It is hex and not base64 because `hex()`
# is built into SQLite: a Python callback per edge would contend for the GIL. The list ID names the field and
# its order (`Topic.articles` for every topic), so cursors of another field or order are rejected.

Key = str | int

_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_MAX_INTEGER = 2**63  # exclusive upper bound of SQLite's integers


def decode_cursor(
    cursor: str, list_id: str, terms: Sequence[OrderTerm], *, argument: str
) -> list[Key | bytes]:
    """Decode a cursor issued for `list_id` into one key per order term. Raises RequestError."""
    values = _parse(cursor)
    if values is None:
        raise bad_cursor(argument)
    if values[0] != list_id or len(values) != len(terms) + 1:
        raise RequestError(
            Code.BAD_CURSOR,
            f"`{argument}` is a cursor of another list or order: pass a cursor that this list returned.",
        )
    keys = values[1:]
    if not all(_fits(key, term) for key, term in zip(keys, terms, strict=True)):
        raise bad_cursor(argument)
    return [
        HIGH_TEXT if term.is_high_text and key == term.missing else key
        for key, term in zip(keys, terms, strict=True)
    ]


def _fits(key: Key, term: OrderTerm) -> bool:
    """Return whether a key has the type of the term; the key of a null is a number."""
    return isinstance(key, int) is term.numeric or (not term.numeric and key == term.missing)


def bad_cursor(argument: str) -> RequestError:
    return RequestError(
        Code.BAD_CURSOR,
        f"`{argument}` is not a cursor: pass a cursor from `pageInfo` or from an edge of this list.",
    )


def _parse(cursor: str) -> list[Key] | None:
    if not _HEX.fullmatch(cursor):
        return None
    try:
        values = json.loads(bytes.fromhex(cursor))
    except (ValueError, RecursionError):
        return None
    if isinstance(values, list) and values and all(_is_key(value) for value in values):
        return values
    return None


def _is_key(value: object) -> bool:
    """Whether SQLite can store the value: JSON allows larger integers and lone surrogates (`\\ud800`)."""
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    return isinstance(value, int) and not isinstance(value, bool) and -_MAX_INTEGER <= value < _MAX_INTEGER


# Connection arguments. The bound values are `limit`; `list_id`; `after0`, `after1`, … and `before0`, …, the
# keys of the `after` and `before` cursors; and the values of the filter, `w2` and so on, not contiguous.

MAX_PAGE_SIZE = 100
DEFAULT_PAGE_SIZE = 20
NULL_LOW, NULL_HIGH = -(2**63) + 1, 2**63 - 1  # substitutes for null, below and above all other keys


@dataclass(frozen=True, slots=True)
class PageShape:
    """Direction of pagination, and which cursors bound the page."""

    backward: bool
    after: bool
    before: bool


@dataclass(frozen=True, slots=True)
class ConnectionShape:
    """The arguments that determine the SQL of a connection. `collapse`: how duplicates are recognized."""

    page: PageShape
    order: tuple[OrderTerm, ...]
    where: Condition = EVERYTHING
    collapse: CollapseBy | None = None


@dataclass(frozen=True, slots=True)
class ConnectionArguments:
    """Argument reader of a connection.

    `filter_fields` are the fields of its `where`, `order_terms` the sort terms by `orderBy` field, and
    `collapse_rules` the rules by `collapse` value. `full_text` is the index of the listed rows.
    """

    list_id: str
    default_order: tuple[OrderTerm, ...]
    filter_fields: FilterFields = field(default_factory=dict)
    order_terms: Mapping[str, OrderTerm] = field(default_factory=dict)
    collapse_rules: Mapping[str, CollapseBy] = field(default_factory=dict)
    full_text: FullTextIndex | None = None

    def __call__(self, arguments: Arguments) -> ResolvedArguments:
        order = read_order(arguments.get("orderBy"), self.order_terms, self.default_order)
        list_id = self.list_id if order == self.default_order else f"{self.list_id} by {_order_key(order)}"
        page, values = read_page(arguments, list_id, order)
        parser = FilterParser(self.filter_fields, values, self.full_text)
        where = read_where(parser, arguments)
        shape = ConnectionShape(page, order, where, read_collapse(arguments, self.collapse_rules))
        restricted = parser.restricted or next((term.restricted for term in order if term.restricted), None)
        return ResolvedArguments(shape, values, parser.uses_clock, restricted)


def read_where(parser: FilterParser, arguments: Arguments) -> Condition:
    where = arguments.get("where")
    return EVERYTHING if where is None else parser.parse(where)


def read_collapse(arguments: Arguments, rules: Mapping[str, CollapseBy]) -> CollapseBy | None:
    collapse = arguments.get("collapse")
    return None if collapse is None else rules[collapse.name]


def read_order(
    requested: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None,
    order_terms: Mapping[str, OrderTerm],
    default: tuple[OrderTerm, ...],
) -> tuple[OrderTerm, ...]:
    """Return the requested sort terms, each column once, and the default's last term, for a total order."""
    terms: dict[str, OrderTerm] = {}
    for item in [requested] if isinstance(requested, Mapping) else requested or ():
        term = order_terms[item["field"].name]
        nulls = item["nulls"].name if "nulls" in item else "LAST"
        terms.setdefault(term.column, _directed(term, item["direction"].name, nulls))
    if not terms:
        return default
    terms.setdefault(default[-1].column, default[-1])
    return tuple(terms.values())


def _directed(term: OrderTerm, direction: str, nulls: str) -> OrderTerm:
    descending = direction == "DESC"
    nulls_low = (nulls == "LAST") is descending
    missing = None if term.missing is None else NULL_LOW if nulls_low else NULL_HIGH
    return replace(term, descending=descending, missing=missing)


def _order_key(order: Sequence[OrderTerm]) -> str:
    """Encode an order as text, such as `-quality_ slug`: `_` stands for nulls low and `^` for nulls high."""
    nulls = {None: "", NULL_LOW: "_", NULL_HIGH: "^"}
    return " ".join(f"{'-' if term.descending else ''}{term.column}{nulls[term.missing]}" for term in order)


@dataclass(frozen=True, slots=True)
class SliceArguments:
    """Argument reader of a plain list with `first` and `orderBy`; the shape is the order."""

    default_order: tuple[OrderTerm, ...]
    order_terms: Mapping[str, OrderTerm]

    def __call__(self, arguments: Arguments) -> ResolvedArguments:
        order = read_order(arguments.get("orderBy"), self.order_terms, self.default_order)
        return ResolvedArguments(order, read_slice(arguments).values)


ReadKeys = Callable[[list[Key | bytes], str], Sequence[object]]


def _identity(keys: list[Key | bytes], _argument: str) -> Sequence[object]:
    return keys


def read_page(
    arguments: Arguments, list_id: str, order: Sequence[OrderTerm], read_keys: ReadKeys = _identity
) -> tuple[PageShape, dict[str, object]]:
    """Read `first`, `after`, `last` and `before` into the page's shape and bound values.

    `read_keys` converts the keys of a cursor to the values that the sort keys are compared with.
    """
    size, backward = page_size(arguments.get("first"), arguments.get("last"))
    values: dict[str, object] = {"limit": size, "list_id": list_id}
    bounded = {}
    for name in ("after", "before"):
        cursor = arguments.get(name)
        bounded[name] = cursor is not None
        if cursor is not None:
            keys = read_keys(decode_cursor(cursor, list_id, order, argument=name), name)
            values.update((f"{name}{number}", key) for number, key in enumerate(keys))
    return PageShape(backward, bounded["after"], bounded["before"]), values


def page_size(first: int | None, last: int | None) -> tuple[int, bool]:
    """Return the page size and whether to paginate backward."""
    if first is not None and last is not None:
        raise RequestError(Code.BAD_PAGE, "`first` and `last` are both set: pass only one of them.")
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return DEFAULT_PAGE_SIZE, False
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise RequestError(Code.BAD_PAGE, f"`{name}` is {size}: pass 0 to {MAX_PAGE_SIZE}.")
    return size, name == "last"
