"""Render the page of a connection as a CTE of row and parent keys, which the other parts read.

    p3 AS MATERIALIZED (SELECT t3.id AS id, t3.published_at AS k0, t3.slug AS k1 FROM article AS t3
                        WHERE … ORDER BY t3.published_at DESC, t3.slug LIMIT ?)

If the request needs to know whether there are more rows, one extra row is fetched and rows are numbered:

    f3 AS MATERIALIZED (… LIMIT ? + 1),
    p3 AS MATERIALIZED (SELECT f3.*, row_number() OVER (ORDER BY f3.k0 DESC, f3.k1) AS number FROM f3)

With parents, each key of `kN` has its own page:

    p3 AS MATERIALIZED (SELECT k2.key AS parent, t3.id AS id, t3.published_at AS k0, t3.slug AS k1
                        FROM k2 JOIN article AS t3 ON t3.id IN (SELECT … WHERE t4.topic = k2.key … LIMIT ?))
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, literal_column, select, table

from gqlnews.query.fields import DecayedScore, OrderTerm
from gqlnews.query.sql.access_path import ZERO, TableScan
from gqlnews.query.sql.context import Expression
from gqlnews.query.sql.cte_levels import Link
from gqlnews.query.sql.keyset import ByName, ordering
from gqlnews.query.sql.list_query import ListQuery
from gqlnews.query.sql.sql_row import column_of


@dataclass(frozen=True, slots=True)
class Page:
    """The page CTE, called `name`. It has the columns `id`, `parent` if there are parents, and the sort keys.

    `one_more`: it also has `number`, and one extra row if there are more rows after the page.
    """

    listing: ListQuery
    cte: FromClause
    name: str
    one_more: bool

    @property
    def keys(self) -> list[Expression]:
        return [column_of(self.name, f"k{at}") for at in range(len(self.listing.terms))]

    def rows(self, *columns: Expression) -> Select[Any]:
        """Select from this parent's page."""
        return self._of_parent(self.everywhere(*columns))

    def everywhere(self, *columns: Expression) -> Select[Any]:
        """Select from the pages of all parents."""
        query = select(*columns).select_from(self.cte)
        return query.where(self._number <= self.listing.bound("limit")) if self.one_more else query

    @property
    def has_more(self) -> ColumnElement[bool]:
        """Whether this parent's page has the extra row."""
        more = select(self._number).select_from(self.cte).where(self._number > self.listing.bound("limit"))
        return exists(self._of_parent(more))

    @property
    def _number(self) -> Expression:
        return column_of(self.name, "number")

    def _of_parent(self, query: Select[Any]) -> Select[Any]:
        link = self.listing.link
        return query.where(column_of(self.name, "parent") == link.key) if link else query

    def end(self, *columns: Expression, last: bool) -> Select[Any]:
        """Select the last or first row of the page."""
        order = ordering(self.listing.terms, self.keys, backward=last)
        return self.rows(*columns).order_by(*order).limit(literal_column("1"))

    def cursor(self, column: ByName) -> Expression:
        """Render the cursor: lower(hex(json_array(?, s5.k0, s5.k1))). `column` returns a page column."""
        keys = [column(name) for name in self.cursor_columns]
        return func.lower(func.hex(func.json_array(self.listing.bound("place"), *keys)))

    @property
    def cursor_columns(self) -> list[str]:
        return [f"{_cursor_letter(term)}{at}" for at, term in enumerate(self.listing.terms)]


def page_of(listing: ListQuery, *, one_more: bool) -> Page:
    link = listing.link
    limit = listing.bound("limit") + literal_column("1") if one_more else listing.bound("limit")
    if link is None or link.keys is None:
        scan = listing.ordered_scan()
        query = listing.page_keys(scan, limit, scan.key.label("id"), *_columns(listing, scan), named=True)
    else:
        query = _page_of_each(listing, link, link.keys, limit)
    number = next(listing.context.numbers)
    if one_more:
        listing.context.materialize(f"f{number}", query)
        query = _numbered(listing, f"f{number}")
    name = f"p{number}"
    return Page(listing, listing.context.materialize(name, query), name, one_more)


def _numbered(listing: ListQuery, fetched: str) -> Select[Any]:
    keys = [column_of(fetched, f"k{at}") for at in range(len(listing.terms))]
    number = func.row_number().over(
        partition_by=column_of(fetched, "parent") if listing.link else None,
        order_by=ordering(listing.terms, keys, backward=listing.shape.page.backward),
    )
    return select(literal_column(f"{fetched}.*"), number.label("number")).select_from(table(fetched))


def _page_of_each(listing: ListQuery, link: Link, parents: FromClause, limit: Expression) -> Select[Any]:
    inner = listing.ordered_scan()
    chosen = listing.page_keys(inner, limit, inner.key)
    scan = TableScan(listing.entity, None, None, listing.context, alone=False)
    source = parents.join(scan.source, scan.key.in_(chosen))
    columns = (link.key.label("parent"), scan.key.label("id"), *_columns(listing, scan))
    # The chosen rows are visible. Repeating that condition makes SQLite build an index of the whole table.
    return select(*columns).select_from(source)


def _columns(listing: ListQuery, scan: TableScan) -> list[Expression]:
    """Return the sort keys, and for keys that a cursor cannot hold, the value that it holds instead."""
    keys: list[Expression] = [key.label(f"k{at}") for at, key in enumerate(listing.keys(scan))]
    bases: list[Expression] = [
        func.max(func.ifnull(scan.column(term.base), ZERO), ZERO).label(f"c{at}")
        for at, term in enumerate(listing.terms)
        if isinstance(term, DecayedScore)
    ]
    return keys + bases


def _cursor_letter(term: OrderTerm) -> str:
    return "c" if isinstance(term, DecayedScore) else "k"
