"""Arguments of connections: pagination, order, filter and collapse.

The bound values are `limit`; `place`, the cursor scope (list and order); `after0`… and `before0`…, the keys
of the `after` and `before` cursors; `w0`…, the operands of the filter.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gqlnews.errors import Code, RequestError
from gqlnews.query.arguments import Arguments, ResolvedArguments
from gqlnews.query.cursors import Key, decode_cursor
from gqlnews.query.fields import CollapseBy, OrderTerm
from gqlnews.query.filters import FilterParser, Operands
from gqlnews.query.predicates import EVERYTHING, Condition

MAX_PAGE_SIZE = 100
DEFAULT_PAGE = 20
BELOW, ABOVE = -(2**40), 2**40  # substitutes for null: outside the 32-bit integers


@dataclass(frozen=True, slots=True)
class PageShape:
    """Direction of pagination, and which cursors bound the page."""

    backward: bool
    after: bool
    before: bool


@dataclass(frozen=True, slots=True)
class ConnectionShape:
    """The arguments that determine the SQL of a connection. `alike`: how duplicates are collapsed."""

    page: PageShape
    order: tuple[OrderTerm, ...]
    where: Condition = EVERYTHING
    alike: CollapseBy | None = None


@dataclass(frozen=True, slots=True)
class ConnectionArguments:
    """Argument reader of a connection with the default order `order`.

    `operands` are the filter fields of its `where`, `orders` the sort terms of its `orderBy` by field, and
    `alike` the collapse rules by the name of its `collapse` value.
    """

    place: str
    order: tuple[OrderTerm, ...]
    operands: Operands = field(default_factory=dict)
    orders: Mapping[str, OrderTerm] = field(default_factory=dict)
    alike: Mapping[str, CollapseBy] = field(default_factory=dict)

    def __call__(self, arguments: Arguments) -> ResolvedArguments:
        order = read_order(arguments.get("orderBy"), self.orders, self.order)
        place = self.place if order == self.order else f"{self.place} by {_order_key(order)}"
        page, values = read_page(arguments, place, order)
        reader = FilterParser(self.operands, values)
        where = read_where(reader, arguments)
        shape = ConnectionShape(page, order, where, read_collapse(arguments, self.alike))
        return ResolvedArguments(shape, values, reader.clock)


def read_where(reader: FilterParser, arguments: Arguments) -> Condition:
    where = arguments.get("where")
    return EVERYTHING if where is None else reader.read(where)


def read_collapse(arguments: Arguments, known: Mapping[str, CollapseBy]) -> CollapseBy | None:
    collapse = arguments.get("collapse")
    return None if collapse is None else known[collapse.name]


def read_order(
    given: Sequence[Mapping[str, Any]] | None,
    known: Mapping[str, OrderTerm],
    default: tuple[OrderTerm, ...],
) -> tuple[OrderTerm, ...]:
    """The requested sort terms, each column once, plus the default's last term, for a total order."""
    terms: dict[str, OrderTerm] = {}
    for item in given or ():
        term = known[item["field"].name]
        terms.setdefault(term.column, _directed(term, item["direction"].name, item["nulls"].name))
    return (*terms.values(), default[-1]) if terms else default


def _directed(term: OrderTerm, direction: str, nulls: str) -> OrderTerm:
    descending = direction == "DESC"
    nulls_low = (nulls == "LAST") is descending
    missing = None if term.missing is None else BELOW if nulls_low else ABOVE
    return OrderTerm(term.column, descending, missing, term.number)


def _order_key(order: Sequence[OrderTerm]) -> str:
    """Encode an order as text: `-quality_ slug`, with `_` for nulls low and `^` for nulls high."""
    nulls = {None: "", BELOW: "_", ABOVE: "^"}
    return " ".join(f"{'-' if term.descending else ''}{term.column}{nulls[term.missing]}" for term in order)


ReadKeys = Callable[[list[Key], str], Sequence[object]]


def _as_they_are(keys: list[Key], _argument: str) -> Sequence[object]:
    return keys


def read_page(
    arguments: Arguments, place: str, order: Sequence[OrderTerm], read_keys: ReadKeys = _as_they_are
) -> tuple[PageShape, dict[str, object]]:
    """Read `first`, `after`, `last` and `before`; `read_keys` converts cursor keys to compared values."""
    size, backward = page_size(arguments.get("first"), arguments.get("last"))
    values: dict[str, object] = {"limit": size, "place": place}
    given = {}
    for name in ("after", "before"):
        cursor = arguments.get(name)
        given[name] = cursor is not None
        if cursor is not None:
            keys = read_keys(decode_cursor(cursor, place, order, argument=name), name)
            values.update((f"{name}{number}", key) for number, key in enumerate(keys))
    return PageShape(backward, given["after"], given["before"]), values


def page_size(first: int | None, last: int | None) -> tuple[int, bool]:
    """Return the page size and whether to paginate backward."""
    if first is not None and last is not None:
        raise RequestError(Code.BAD_PAGE, "`first` and `last` are both given: give one of them.")
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return DEFAULT_PAGE, False
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise RequestError(Code.BAD_PAGE, f"`{name}` is {size}: give 0 to {MAX_PAGE_SIZE}.")
    return size, name == "last"
