"""Render connections: edges, nodes, page info and counts, all read from the page's CTE."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, false, not_, select, table

from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.fields import Connection, ConnectionField, JoinTable, Kind
from gqlnews.query.predicates import EVERYTHING, KEY, extract_item_test
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.cte_levels import Link, via_cte
from gqlnews.query.sql.fts import hits_of, render_snippets, score_of
from gqlnews.query.sql.keyset import beyond, ordering
from gqlnews.query.sql.list_query import JoinTableScan, ListQuery
from gqlnews.query.sql.objects import columns_for, render_array, render_object
from gqlnews.query.sql.page_cte import Page, page_of
from gqlnews.query.sql.sql_row import LISTED, Row, aliased, as_json, column_of, no_relation, visible
from gqlnews.query.tree import FieldPlan


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
