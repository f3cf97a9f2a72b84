"""Arguments of connections: the page, the order, the filter, and what is kept of rows alike.

The values that a reader gives: `limit`; `place`, the name of the list and its order in cursors; `after0`… and
`before0`…, the keys of the cursors given; `w0`…, what the filter compares with.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gqlnews.errors import Code, RequestError
from gqlnews.plan.arguments import Arguments, Inputs
from gqlnews.plan.conditions import EVERYTHING, Condition
from gqlnews.plan.cursors import Key, decode_cursor
from gqlnews.plan.declare import Alike, OrderTerm
from gqlnews.plan.filters import FilterReader, Operands

MOST_ON_A_PAGE = 100
DEFAULT_PAGE = 20
BELOW, ABOVE = -(2**40), 2**40  # what stands for null: beyond every 32-bit integer


@dataclass(frozen=True, slots=True)
class PageShape:
    """How a page is walked, and which bounds it has."""

    backward: bool
    after: bool
    before: bool


@dataclass(frozen=True, slots=True)
class ListShape:
    """What decides the SQL of a connection. `alike`: of several rows alike the first is kept."""

    page: PageShape
    order: tuple[OrderTerm, ...]
    where: Condition = EVERYTHING
    alike: Alike | None = None


@dataclass(frozen=True, slots=True)
class ReadList:
    """Reads the arguments of a connection that has the default order `order`.

    `operands` are what its `where` can test, `orders` the terms of its `orderBy` by field, `alike` what its
    `collapse` means.
    """

    place: str
    order: tuple[OrderTerm, ...]
    operands: Operands = field(default_factory=dict)
    orders: Mapping[str, OrderTerm] = field(default_factory=dict)
    alike: Mapping[str, Alike] = field(default_factory=dict)

    def __call__(self, arguments: Arguments) -> Inputs:
        order = read_order(arguments.get("orderBy"), self.orders, self.order)
        place = self.place if order == self.order else f"{self.place} by {_spelled(order)}"
        page, values = read_page(arguments, place, order)
        reader = FilterReader(self.operands, values)
        where = read_where(reader, arguments)
        shape = ListShape(page, order, where, read_alike(arguments, self.alike))
        return Inputs(shape, values, reader.clock)


def read_where(reader: FilterReader, arguments: Arguments) -> Condition:
    where = arguments.get("where")
    return EVERYTHING if where is None else reader.read(where)


def read_alike(arguments: Arguments, known: Mapping[str, Alike]) -> Alike | None:
    collapse = arguments.get("collapse")
    return None if collapse is None else known[collapse.name]


def read_order(
    given: Sequence[Mapping[str, Any]] | None,
    known: Mapping[str, OrderTerm],
    default: tuple[OrderTerm, ...],
) -> tuple[OrderTerm, ...]:
    """The terms asked for, each column once, then the default's last, which makes the order total."""
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


def _spelled(order: Sequence[OrderTerm]) -> str:
    """An order as text: `-quality_ slug`, with `_` where null is least and `^` where it is greatest."""
    nulls = {None: "", BELOW: "_", ABOVE: "^"}
    return " ".join(f"{'-' if term.descending else ''}{term.column}{nulls[term.missing]}" for term in order)


ReadKeys = Callable[[list[Key], str], Sequence[object]]


def _as_they_are(keys: list[Key], _argument: str) -> Sequence[object]:
    return keys


def read_page(
    arguments: Arguments, place: str, order: Sequence[OrderTerm], read_keys: ReadKeys = _as_they_are
) -> tuple[PageShape, dict[str, object]]:
    """`first`, `after`, `last` and `before`; `read_keys` makes what is compared of the keys of a cursor."""
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
    """How many, and whether they are counted from the end."""
    if first is not None and last is not None:
        raise RequestError(Code.BAD_PAGE, "`first` and `last` are both given: give one of them.")
    name, size = ("last", last) if last is not None else ("first", first)
    if size is None:
        return DEFAULT_PAGE, False
    if not 0 <= size <= MOST_ON_A_PAGE:
        raise RequestError(Code.BAD_PAGE, f"`{name}` is {size}: give 0 to {MOST_ON_A_PAGE}.")
    return size, name == "last"
