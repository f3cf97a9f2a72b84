"""Connections: edges, nodes, page info and counts, all read from the page's CTE."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, exists, false, func, literal_column, select

from gqlnews.plan.declare import Connection, Kind, Part
from gqlnews.plan.nodes import FieldPlan
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.keyset import Value, beyond, ordering
from gqlnews.plan.render.layers import Link, layered
from gqlnews.plan.render.objects import render_object
from gqlnews.plan.render.pages import Listing, columns_of, keys_of, page_of
from gqlnews.plan.render.rows import Row, aliased, as_json, column_of, visible


def render_connection(field: FieldPlan, row: Row, context: Context) -> Expression:
    """A connection with parents is always a layer, so its pages are made for all of them at once."""
    match = field.declaration.match if isinstance(field.declaration, Connection) else None
    if match is None:
        return _connection(field, context, None)
    assert match.parent is not None
    return layered(match.parent, row, context, lambda link: _connection(field, context, link))


def _connection(field: FieldPlan, context: Context, link: Link | None) -> Expression:
    listing = Listing(field, context, link.key if link else None)
    return render_object(field.selection, ConnectionRow(listing, link), context)


class ConnectionRow(Row):
    """The connection object itself: no columns, but a listing and, once a part asks for it, a page."""

    def __init__(self, listing: Listing, link: Link | None) -> None:
        super().__init__("", 1, _no_columns)
        self.listing, self.link = listing, link
        self._page: tuple[FromClause, str] | None = None

    @property
    def page(self) -> tuple[FromClause, str]:
        if self._page is None:
            self._page = page_of(self.listing, self.link)
        return self._page

    def from_page(self, *columns: Expression) -> Select[Any]:
        """Rows of this parent's page."""
        cte, name = self.page
        query = select(*columns).select_from(cte)
        return query.where(column_of(name, "parent") == self.link.key) if self.link else query

    def end(self, *, last: bool) -> Callable[..., Select[Any]]:
        """The last, or first, row of the page."""
        _, name = self.page
        order = ordering(self.listing.terms, keys_of(name), backward=last)
        return lambda *columns: self.from_page(*columns).order_by(*order).limit(literal_column("1"))


class NodeRow(Row):
    """A node on its page, as a row of the ordered subquery `s5`."""

    connection: ConnectionRow


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a page: where it lies, and what the request bounded it by."""

    last: bool

    @property
    def bound(self) -> str:
        return "before" if self.last else "after"


def render_part(field: FieldPlan, row: Row, context: Context) -> Expression:
    part = field.declaration
    assert isinstance(part, Part)
    return PARTS[part](field, row, context)


def _edges(field: FieldPlan, row: Row, context: Context) -> Expression:
    """
    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t5.title AS title, … FROM p3 JOIN article AS t5 ON t5.id = p3.id ORDER BY p3.k0 DESC, p3.k1
    ) AS s5)
    """
    assert isinstance(row, ConnectionRow)
    listing, (cte, page) = row.listing, row.page
    number = next(context.numbers)
    table, alias = f"t{number}", f"s{number}"
    node = NodeRow(alias, 1, _nodes_everything(row))
    node.connection = row
    body = func.json_group_array(render_object(field.selection, node, context))
    source = cte.join(
        aliased(listing.entity.table, table),
        column_of(table, listing.entity.key) == column_of(page, "id"),
    )
    columns: list[Expression] = [column_of(table, name).label(name) for name in node.used] or [
        column_of(page, "id")
    ]
    ordered = (
        row.from_page(*columns).select_from(source).where(visible(listing.entity, table, context.audience))
    )
    ordered = ordered.order_by(*ordering(listing.terms, keys_of(page)))
    return select(body).select_from(ordered.subquery(alias)).scalar_subquery()


def _nodes_everything(row: ConnectionRow) -> Callable[[str], Select[Any]]:
    """`SELECT t7.id FROM article AS t7 WHERE t7.id IN (SELECT p3.id FROM p3)`: the pages of all parents."""

    def of_column(column: str) -> Select[Any]:
        entity, (cte, page) = row.listing.entity, row.page
        alias = f"t{next(row.listing.context.numbers)}"
        ids = select(column_of(page, "id")).select_from(cte)
        return (
            select(column_of(alias, column).label("key"))
            .select_from(aliased(entity.table, alias))
            .where(
                column_of(alias, entity.key).in_(ids), visible(entity, alias, row.listing.context.audience)
            )
        )

    return of_column


def _edge_node(field: FieldPlan, row: Row, context: Context) -> Expression:
    return render_object(field.selection, row, context)


def _edge_cursor(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    assert isinstance(row, NodeRow)
    terms = row.connection.listing.terms
    return _cursor(row.connection.listing, [row.column(term.column) for term in terms])


def _cursor(listing: Listing, keys: list[Expression]) -> Expression:
    """lower(hex(json_array('Topic.articles', s5.published_at, s5.slug)))"""
    place: Expression = literal_column(f"'{listing.declaration.place}'")
    return func.lower(func.hex(func.json_array(place, *keys)))


def _page_info(field: FieldPlan, row: Row, context: Context) -> Expression:
    return render_object(field.selection, row, context)


def _total_count(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    assert isinstance(row, ConnectionRow)
    return row.listing.count()


def _has_next_page(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    return _goes_on(row, Side(last=True))


def _has_previous_page(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    return _goes_on(row, Side(last=False))


def _goes_on(row: Row, side: Side) -> Expression:
    """Whether the list has rows past the page on that side; past where it would stand, if it is empty."""
    assert isinstance(row, ConnectionRow)
    filled = exists(row.from_page(column_of(row.page[1], "id")))
    boolean = case((filled, _past_edge(row, side)), else_=_past_bound(row.listing, side))
    return as_json(boolean, Kind.BOOLEAN)


def _past_edge(row: ConnectionRow, side: Side) -> ColumnElement[bool]:
    """
    EXISTS (SELECT t9.id FROM article AS t9 WHERE … AND t9.published_at <= (SELECT p3.k0 FROM p3 … LIMIT 1) …)
    """
    listing = row.listing
    alias = f"t{next(listing.context.numbers)}"
    edge = row.end(last=side.last)
    value: Value = lambda at, _term: edge(column_of(row.page[1], f"k{at}")).scalar_subquery()  # noqa: E731
    return listing.any_row(beyond(listing.terms, columns_of(alias), value, backward=not side.last), alias)


def _past_bound(listing: Listing, side: Side) -> ColumnElement[bool]:
    """An empty page stands at `after`, or the start; walked backward at `before`, or the end."""
    shape, terms = listing.shape, listing.terms
    stands_at = "before" if shape.backward else "after"
    alias = f"t{next(listing.context.numbers)}"
    if not getattr(shape, stands_at):
        return listing.any_row(None, alias) if side.bound != stands_at else false()
    place, values = listing.bound(stands_at), columns_of(alias)
    outward = beyond(terms, values, place, backward=shape.backward)
    if side.bound != stands_at:
        return listing.any_row(outward, alias)
    return listing.any_row(~outward, alias)


def _start_cursor(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    return _end_cursor_of(row, last=False)


def _end_cursor(_field: FieldPlan, row: Row, _context: Context) -> Expression:
    return _end_cursor_of(row, last=True)


def _end_cursor_of(row: Row, *, last: bool) -> Expression:
    assert isinstance(row, ConnectionRow)
    keys = [column_of(row.page[1], f"k{at}") for at in range(len(row.listing.terms))]
    return row.end(last=last)(_cursor(row.listing, keys)).scalar_subquery()


def _no_columns(_column: str) -> Select[Any]:
    raise LookupError("a connection has no columns")


PARTS: dict[Part, Callable[[FieldPlan, Row, Context], Expression]] = {
    Part.EDGES: _edges,
    Part.NODES: _edges,
    Part.PAGE_INFO: _page_info,
    Part.TOTAL_COUNT: _total_count,
    Part.EDGE_CURSOR: _edge_cursor,
    Part.EDGE_NODE: _edge_node,
    Part.HAS_NEXT_PAGE: _has_next_page,
    Part.HAS_PREVIOUS_PAGE: _has_previous_page,
    Part.START_CURSOR: _start_cursor,
    Part.END_CURSOR: _end_cursor,
}
