"""The page of a connection: which rows, for which parent, as a CTE that everything else reads.

    p3 AS MATERIALIZED (SELECT t3.id AS id, t3.published_at AS k0, t3.slug AS k1 FROM article AS t3
                        WHERE … ORDER BY t3.published_at DESC, t3.slug LIMIT ?)

With parents, each key of `kN` has a page of its own:

    p3 AS MATERIALIZED (SELECT k2.key AS parent, t3.id AS id, t3.published_at AS k0, t3.slug AS k1
                        FROM k2 JOIN article AS t3 ON t3.id IN (SELECT … WHERE t4.topic = k2.key … LIMIT ?))
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import FromClause, Select, func, literal_column, select

from gqlnews.plan.declare import Decay
from gqlnews.plan.render.context import Expression
from gqlnews.plan.render.keyset import ByName, ordering
from gqlnews.plan.render.layers import Link
from gqlnews.plan.render.listings import Listing
from gqlnews.plan.render.rows import column_of
from gqlnews.plan.render.scans import Scan

ZERO: Expression = literal_column("0")


@dataclass(frozen=True, slots=True)
class Page:
    """`cte` is called `name`; it has `id`, `parent` where there are parents, and the order's keys."""

    listing: Listing
    cte: FromClause
    name: str

    @property
    def keys(self) -> list[Expression]:
        return [column_of(self.name, f"k{at}") for at in range(len(self.listing.terms))]

    def rows(self, *columns: Expression) -> Select[Any]:
        """Rows of this parent's page."""
        query = select(*columns).select_from(self.cte)
        link = self.listing.link
        return query.where(column_of(self.name, "parent") == link.key) if link else query

    def end(self, *columns: Expression, last: bool) -> Select[Any]:
        """The last, or first, row of the page."""
        order = ordering(self.listing.terms, self.keys, backward=last)
        return self.rows(*columns).order_by(*order).limit(literal_column("1"))

    def cursor(self, column: ByName) -> Expression:
        """lower(hex(json_array(?, s5.k0, s5.k1))), of the page's columns as `column` gives them"""
        keys = [column(name) for name in self.cursor_columns]
        return func.lower(func.hex(func.json_array(self.listing.bound("place"), *keys)))

    @property
    def cursor_columns(self) -> list[str]:
        return [f"{_cursor_letter(term)}{at}" for at, term in enumerate(self.listing.terms)]


def page_of(listing: Listing) -> Page:
    link = listing.link
    if link is None or link.keys is None:
        scan = listing.ordered_scan()
        query = listing.page_keys(scan, scan.key.label("id"), *_columns(listing, scan))
    else:
        query = _page_of_each(listing, link, link.keys)
    name = f"p{next(listing.context.numbers)}"
    return Page(listing, listing.context.materialize(name, query), name)


def _page_of_each(listing: Listing, link: Link, parents: FromClause) -> Select[Any]:
    inner = listing.ordered_scan()
    chosen = listing.page_keys(inner, inner.key)
    scan = Scan(listing.entity, None, None, listing.context, alone=False)
    source = parents.join(scan.source, scan.key.in_(chosen))
    columns = (link.key.label("parent"), scan.key.label("id"), *_columns(listing, scan))
    # The rows chosen are visible. Said again, it would make SQLite index the whole table for it.
    return select(*columns).select_from(source)


def _columns(listing: Listing, scan: Scan) -> list[Expression]:
    """The keys of the order, and where a cursor cannot hold a key, what it holds instead."""
    keys: list[Expression] = [key.label(f"k{at}") for at, key in enumerate(listing.keys(scan))]
    bases: list[Expression] = [
        func.max(func.ifnull(scan.column(term.base), ZERO), ZERO).label(f"c{at}")
        for at, term in enumerate(listing.terms)
        if isinstance(term, Decay)
    ]
    return keys + bases


def _cursor_letter(term: object) -> str:
    return "c" if isinstance(term, Decay) else "k"
