"""Render connections: the page as a CTE, and the edges, nodes, page info and counts that read it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    case,
    exists,
    false,
    func,
    literal_column,
    not_,
    select,
    table,
)

from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.fields import Connection, ConnectionField, DecayedScore, JoinTable, Kind, OrderTerm
from gqlnews.query.predicates import EVERYTHING, KEY, extract_item_test
from gqlnews.query.sql.conditions import ByName, beyond, ordering
from gqlnews.query.sql.cte_levels import Link, via_cte
from gqlnews.query.sql.fts import hits_of, render_snippets, score_of
from gqlnews.query.sql.list_query import JoinTableScan, ListQuery
from gqlnews.query.sql.objects import columns_for, render_array, render_object
from gqlnews.query.sql.rows import (
    LISTED,
    ZERO,
    Context,
    Expression,
    Row,
    TableScan,
    aliased,
    as_json,
    column_of,
    no_relation,
    visible,
)
from gqlnews.query.tree import FieldPlan

# Render the page of a connection as a CTE of row and parent keys, which the other parts read.
#
#     p3 AS MATERIALIZED (SELECT t3.id AS id, t3.published_at AS k0, t3.slug AS k1 FROM article AS t3
#                         WHERE … ORDER BY t3.published_at DESC, t3.slug LIMIT ?)
#
# If the request needs to know whether there are more rows, one extra row is fetched and rows are numbered:
#
#     f3 AS MATERIALIZED (… LIMIT ? + 1),
#     p3 AS MATERIALIZED (SELECT f3.*, row_number() OVER (ORDER BY f3.k0 DESC, f3.k1) AS number FROM f3)
#
# With parents, each key of `kN` has its own page:
#
#     p3 AS MATERIALIZED (SELECT k2.key AS parent, t3.id AS id, t3.published_at AS k0, t3.slug AS k1
#                         FROM k2 JOIN article AS t3 ON t3.id IN (SELECT … WHERE t4.topic = k2.key … LIMIT ?))


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


# Render connections: edges, nodes, page info and counts, all read from the page's CTE.


def render_connection(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render a connection. With parents it is always a layer, which builds all their pages at once."""
    declaration = field.declaration
    assert isinstance(declaration, Connection)
    if declaration.match is None:
        return _connection(field, context, None)
    assert declaration.match.parent is not None
    as_items = declaration.through is not None and declaration.through.items is not None
    return via_cte(
        declaration.match.parent,
        row,
        context,
        lambda link: _connection(field, context, link),
        LISTED,
        as_items=as_items,
    )


def _connection(field: FieldPlan, context: Context, link: Link | None) -> Expression:
    declaration, shape = field.declaration, context.shapes[field.number]
    assert isinstance(declaration, Connection)
    assert isinstance(shape, ConnectionShape)
    entity, match, hits = declaration.entity, declaration.match, None
    if declaration.hits is not None:
        hits = hits_of(declaration.hits, entity, shape, field, context)
        shape = replace(shape, where=EVERYTHING)  # the hits are filtered already
    shortcut = _shortcut(declaration.shortcut, shape) if hits is None else None
    listing = ListQuery(
        field, context, entity, match, hits or declaration.through, shape, link, hits, shortcut
    )
    return render_object(field.selection, ConnectionRow(listing), context)


def _shortcut(junction: JoinTable | None, shape: ConnectionShape) -> JoinTableScan | None:
    """Return a scan of the join table, if the filter requires one of its items; None otherwise."""
    if junction is None or junction.items is None or shape.alike is not None:
        return None
    found = extract_item_test(shape.where, junction.items)
    return JoinTableScan(junction, found[0].value + KEY, found[1]) if found else None


class ConnectionRow(Row):
    """The connection object: it has no columns, but a listing and, built on first use, a page."""

    def __init__(self, listing: ListQuery) -> None:
        super().__init__("", 1, no_relation)
        self.listing = listing
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        if self._page is None:
            self._page = page_of(self.listing, one_more=self._asks_on())
        return self._page

    def _asks_on(self) -> bool:
        """Whether `hasNextPage` (`hasPreviousPage` if backward) is selected and no cursor bounds that side.

        Beyond such a cursor the list may continue, so an extra row of the page would not answer it.
        """
        page = self.listing.shape.page
        if page.after if page.backward else page.before:
            return False
        asked = ConnectionField.HAS_PREVIOUS_PAGE if page.backward else ConnectionField.HAS_NEXT_PAGE
        infos = (
            one for one in self.listing.field.selection.fields if one.declaration is ConnectionField.PAGE_INFO
        )
        return any(one.declaration is asked for info in infos for one in info.selection.fields)


class EdgeRow(Row):
    """An edge and its node: a row of the ordered subquery `s5`. `of_page`: the page columns it includes."""

    def __init__(self, alias: str, connection: ConnectionRow) -> None:
        super().__init__(alias, LISTED, _nodes_everything(connection))
        self.connection = connection
        self.of_page: dict[str, None] = {}

    def page_column(self, name: str) -> Expression:
        self.of_page[name] = None
        return column_of(self.alias, f"page_{name}")


def render_part(field: FieldPlan, row: Row, context: Context) -> Expression:
    part = field.declaration
    assert isinstance(part, ConnectionField)
    return PARTS[part](field, row, context)


def _edges(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render edges or nodes as an ordered join of the page with its rows.

    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t5.title AS title, … FROM p3 JOIN article AS t5 ON t5.id = p3.id ORDER BY p3.k0 DESC, p3.k1
    ) AS s5)
    """
    assert isinstance(row, ConnectionRow)
    listing, page = row.listing, row.page
    number = next(context.numbers)
    table, alias = f"t{number}", f"s{number}"
    edge = EdgeRow(alias, row)
    source = page.cte.join(
        aliased(listing.entity.table, table),
        column_of(table, listing.entity.key) == column_of(page.name, "id"),
    )

    def ordered() -> Select[Any]:
        of_page = [column_of(page.name, name).label(f"page_{name}") for name in edge.of_page]
        rows = page.rows(*columns_for(edge, table), *of_page).select_from(source)
        rows = rows.where(visible(listing.entity, table, context.audience))
        return rows.order_by(*ordering(listing.terms, page.keys))

    return render_array(field.selection, edge, context, ordered)


def _nodes_everything(row: ConnectionRow) -> Callable[[str], Select[Any]]:
    """Select a column of the pages of all parents.

    SELECT t7.id FROM article AS t7 WHERE t7.id IN (SELECT p3.id FROM p3)
    """

    def of_column(column: str) -> Select[Any]:
        entity, page, context = row.listing.entity, row.page, row.listing.context
        alias = f"t{next(context.numbers)}"
        ids = page.everywhere(column_of(page.name, "id"))
        return (
            select(column_of(alias, column).label("key"))
            .select_from(aliased(entity.table, alias))
            .where(column_of(alias, entity.key).in_(ids), visible(entity, alias, context.audience))
        )

    return of_column


def _edge_cursor(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    assert isinstance(row, EdgeRow)
    return row.connection.page.cursor(row.page_column)


def _edge_score(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    assert isinstance(row, EdgeRow)
    return score_of(row.page_column("k0"))


def _edge_snippet(_field: FieldPlan, row: Row, context: Context) -> Expression:
    assert isinstance(row, EdgeRow)
    search, page = row.connection.listing.field, row.connection.page
    assert isinstance(search.declaration, Connection)
    assert search.declaration.hits is not None
    ids = page.everywhere(column_of(page.name, "id"))
    passages = render_snippets(search.declaration.hits, search, ids, context)
    passage = select(column_of(passages, "passage")).select_from(table(passages))
    return passage.where(column_of(passages, "id") == row.page_column("id")).scalar_subquery()


def _itself(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render an object backed by the same row: a connection's page info and facets, an edge's node."""
    return render_object(field.selection, row, context)


def _total_count(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    assert isinstance(row, ConnectionRow)
    return row.listing.count()


def _goes_on(row: Row, *, last: bool) -> Expression:
    """Whether the list has rows beyond the page on that side, or beyond the position of an empty page."""
    assert isinstance(row, ConnectionRow)
    filled = exists(row.page.rows(column_of(row.page.name, "id")))
    boolean = case((filled, _past_edge(row, last=last)), else_=_past_bound(row.listing, last=last))
    return as_json(boolean, Kind.BOOLEAN)


def _past_edge(row: ConnectionRow, *, last: bool) -> ColumnElement[bool]:
    """Whether there is a row beyond the first or last row of the page.

    EXISTS (SELECT 1 FROM article AS t9 WHERE … AND t9.published_at <= (SELECT p3.k0 FROM p3 … LIMIT 1) …)
    """
    listing, page = row.listing, row.page
    if page.one_more and last is not listing.shape.page.backward:
        return page.has_more
    scan = listing.ordered_scan()
    edge: list[Expression] = [page.end(key, last=last).scalar_subquery() for key in page.keys]
    return listing.any_row(scan, beyond(listing.terms, listing.keys(scan), edge, backward=not last))


def _past_bound(listing: ListQuery, *, last: bool) -> ColumnElement[bool]:
    """Whether there is a row beyond an empty page.

    Its position is `after` or the start of the list; if backward, `before` or the end.
    """
    page, terms = listing.shape.page, listing.terms
    stands_at, side = "before" if page.backward else "after", "before" if last else "after"
    scan = listing.ordered_scan()
    if not getattr(page, stands_at):
        return listing.any_row(scan, None) if side != stands_at else false()
    outward = beyond(terms, listing.keys(scan), listing.cursor_keys(stands_at), backward=page.backward)
    return listing.any_row(scan, outward if side != stands_at else not_(outward))


def _end_cursor(row: Row, *, last: bool) -> Expression:
    assert isinstance(row, ConnectionRow)
    page = row.page
    return page.end(page.cursor(lambda name: column_of(page.name, name)), last=last).scalar_subquery()


PARTS: dict[ConnectionField, Callable[[FieldPlan, Row, Context], Expression]] = {
    ConnectionField.EDGES: _edges,
    ConnectionField.NODES: _edges,
    ConnectionField.PAGE_INFO: _itself,
    ConnectionField.FACETS: _itself,
    ConnectionField.TOTAL_COUNT: _total_count,
    ConnectionField.EDGE_CURSOR: _edge_cursor,
    ConnectionField.EDGE_NODE: _itself,
    ConnectionField.HAS_NEXT_PAGE: lambda _field, row, _context: _goes_on(row, last=True),
    ConnectionField.HAS_PREVIOUS_PAGE: lambda _field, row, _context: _goes_on(row, last=False),
    ConnectionField.START_CURSOR: lambda _field, row, _context: _end_cursor(row, last=False),
    ConnectionField.END_CURSOR: lambda _field, row, _context: _end_cursor(row, last=True),
    ConnectionField.SCORE: _edge_score,
    ConnectionField.SNIPPET: _edge_snippet,
}
