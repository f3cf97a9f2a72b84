"""Render connections: the page as a CTE, and the edges, nodes, page info and counts that read it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
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
    true,
)

from gqlnews.query.conditions import EVERYTHING, RAW_KEY_SUFFIX, extract_item_comparison
from gqlnews.query.connection_args import ConnectionShape
from gqlnews.query.entities import DecayedScore, JoinTable, OrderTerm
from gqlnews.query.fields import Connection, ConnectionField
from gqlnews.query.sql.conditions import GetExpression, after_cursor, ordering
from gqlnews.query.sql.cte_levels import ParentKey, via_cte
from gqlnews.query.sql.dialect import TEXT, Dialect, Expression
from gqlnews.query.sql.fts import materialize_hits, render_snippets
from gqlnews.query.sql.list_query import JoinTableScan, ListQuery
from gqlnews.query.sql.objects import columns_for, render_array, render_object
from gqlnews.query.sql.rows import (
    LIST_DEPTH,
    ZERO,
    Context,
    Row,
    TableScan,
    aliased,
    column_ref,
    visible,
)
from gqlnews.query.tree import FieldPlan

# Render the page of a connection as a CTE of row keys, parent keys and sort keys, which the other parts read.
#
#     p3 AS MATERIALIZED (SELECT t3.id AS id, t3.published_at AS k0, t3.slug AS k1 FROM article AS t3
#                         WHERE … ORDER BY t3.published_at DESC, t3.slug LIMIT ?)
#
# If the request selects whether there are more rows, one extra row is fetched and the rows are numbered:
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

    `has_lookahead`: it also has `number`, and one extra row if there are more rows after the page.
    """

    query: ListQuery
    cte: FromClause
    name: str
    has_lookahead: bool

    @property
    def keys(self) -> list[Expression]:
        return [column_ref(self.name, f"k{at}") for at in range(len(self.query.terms))]

    def rows(self, *columns: Expression) -> Select[Any]:
        """Select from this parent's page."""
        return self._of_parent(self.all_pages(*columns))

    def all_pages(self, *columns: Expression) -> Select[Any]:
        """Select from the pages of all parents."""
        query = select(*columns).select_from(self.cte)
        return query.where(self._number <= self.query.limit) if self.has_lookahead else query

    @property
    def has_more(self) -> ColumnElement[bool]:
        """Whether this parent's page has the extra row."""
        more = select(self._number).select_from(self.cte).where(self._number > self.query.limit)
        return exists(self._of_parent(more))

    @property
    def _number(self) -> Expression:
        return column_ref(self.name, "number")

    def _of_parent(self, query: Select[Any]) -> Select[Any]:
        parent_key = self.query.parent_key
        return query.where(column_ref(self.name, "parent") == parent_key.key) if parent_key else query

    def edge_row(self, *columns: Expression, last: bool) -> Select[Any]:
        """Select the last or first row of the page."""
        order = ordering(self.query.terms, self.keys, backward=last)
        return self.rows(*columns).order_by(*order).limit(literal_column("1"))

    def cursor(self, column: GetExpression) -> Expression:
        """Render the cursor of a row. `column` returns a page column."""
        dialect = self.query.context.dialect
        named = zip(self.cursor_columns, self.query.terms, strict=True)
        keys = (dialect.cursor_item(column(name), term) for name, term in named)
        return dialect.cursor(self.query.bound("list_id", TEXT), *keys)

    @property
    def cursor_columns(self) -> list[str]:
        dialect = self.query.context.dialect
        return [f"{_cursor_letter(term, dialect)}{at}" for at, term in enumerate(self.query.terms)]


def build_page(list_query: ListQuery, *, lookahead: bool) -> Page:
    parent_key = list_query.parent_key
    limit = list_query.limit + literal_column("1") if lookahead else list_query.limit
    if parent_key is None or parent_key.keys is None:
        scan = list_query.ordered_scan()
        query = list_query.page_keys(
            scan, limit, scan.key.label("id"), *_columns(list_query, scan), labelled=True
        )
    else:
        query = _page_per_parent(list_query, parent_key, parent_key.keys, limit)
    number = next(list_query.context.numbers)
    if lookahead:
        list_query.context.materialize(f"f{number}", query)
        query = _numbered(list_query, f"f{number}")
    name = f"p{number}"
    return Page(list_query, list_query.context.materialize(name, query), name, lookahead)


def _numbered(list_query: ListQuery, fetched: str) -> Select[Any]:
    keys = [column_ref(fetched, f"k{at}") for at in range(len(list_query.terms))]
    number = func.row_number().over(
        partition_by=column_ref(fetched, "parent") if list_query.parent_key else None,
        order_by=ordering(list_query.terms, keys, backward=list_query.shape.page.backward),
    )
    return select(literal_column(f"{fetched}.*"), number.label("number")).select_from(table(fetched))


def _page_per_parent(
    list_query: ListQuery, parent_key: ParentKey, parents: FromClause, limit: Expression
) -> Select[Any]:
    inner = list_query.ordered_scan()
    if list_query.context.dialect.has_lateral:
        columns = (inner.key.label("id"), *_columns(list_query, inner))
        page = list_query.page_keys(inner, limit, *columns, labelled=True)
        name = f"y{next(list_query.context.numbers)}"
        parent = parent_key.key.label("parent")
        pages: Select[Any] = select(parent)
        pages = pages.add_columns(literal_column(f"{name}.*"))
        return pages.select_from(parents.join(page.lateral(name), true()))
    chosen = list_query.page_keys(inner, limit, inner.key)
    scan = TableScan(list_query.entity, None, None, list_query.context, covered=False)
    source = parents.join(scan.entity_table, scan.key.in_(chosen))
    columns = (parent_key.key.label("parent"), scan.key.label("id"), *_columns(list_query, scan))
    # `chosen` has visible rows only. Repeating that condition would make SQLite build an index of the table.
    return select(*columns).select_from(source)


def _columns(list_query: ListQuery, scan: TableScan) -> list[Expression]:
    """Return the sort keys, and for keys that a cursor cannot contain, the value that it contains instead."""
    dialect = list_query.context.dialect
    keys: list[Expression] = [key.label(f"k{at}") for at, key in enumerate(list_query.keys(scan))]
    bases: list[Expression] = [
        _cursor_key(term, scan, dialect).label(f"c{at}")
        for at, term in enumerate(list_query.terms)
        if _cursor_letter(term, dialect) == "c"
    ]
    return keys + bases


def _cursor_key(term: OrderTerm, scan: TableScan, dialect: Dialect) -> Expression:
    if isinstance(term, DecayedScore):
        return dialect.greatest(dialect.if_null(scan.column(term.base_column), ZERO), ZERO)
    assert term.missing is not None, "the sort key of a text that is never null is the text"
    return dialect.cursor_column(scan.column(term.column), term.missing)


def _cursor_letter(term: OrderTerm, dialect: Dialect) -> str:
    return "c" if isinstance(term, DecayedScore) or dialect.has_cursor_column(term) else "k"


# Edges, nodes, page info and counts, all read from the page's CTE.


def render_connection(field: FieldPlan, declaration: Connection, row: Row, context: Context) -> Expression:
    """Render a connection. With parents it is always in a layer, which builds the pages of all parents."""
    match, through = declaration.match, declaration.through
    build = partial(_connection, field, declaration, context)
    if match is None:
        return build(None)
    assert match.parent is not None
    as_items = through is not None and through.list_column is not None
    return via_cte(match.parent, row, context, build, LIST_DEPTH, as_items=as_items)


def _connection(
    field: FieldPlan, declaration: Connection, context: Context, parent_key: ParentKey | None
) -> Expression:
    shape, entity, hits = context.shapes[field.number], declaration.entity, None
    assert isinstance(shape, ConnectionShape)
    if declaration.is_search:
        hits = materialize_hits(entity, shape, field, context)
        shape = replace(shape, where=EVERYTHING)  # the hits are filtered already
    match, through, shortcut = declaration.match, declaration.through, _shortcut(declaration.shortcut, shape)
    list_query = ListQuery(field, context, entity, match, hits or through, shape, parent_key, hits, shortcut)
    return render_object(field.selection, ConnectionRow(list_query), context)


def _shortcut(join_table: JoinTable | None, shape: ConnectionShape) -> JoinTableScan | None:
    """Return a scan of the join table if the filter requires an item of its list column, else None."""
    if join_table is None or join_table.list_column is None or shape.collapse is not None:
        return None
    found = extract_item_comparison(shape.where, join_table.list_column)
    return JoinTableScan(join_table, found[0].value + RAW_KEY_SUFFIX, found[1]) if found else None


class ConnectionRow(Row):
    """The connection object. It has no columns, but a list query and a page, which is built on first use."""

    def __init__(self, list_query: ListQuery) -> None:
        super().__init__("", 1)
        self.list_query = list_query
        self._page: Page | None = None

    @property
    def page(self) -> Page:
        if self._page is None:
            self._page = build_page(self.list_query, lookahead=self._needs_lookahead())
        return self._page

    def _needs_lookahead(self) -> bool:
        """Whether `hasNextPage` (`hasPreviousPage` if backward) is selected and no cursor bounds that side.

        The list may continue beyond such a cursor, which an extra row of the page cannot show.
        """
        page = self.list_query.shape.page
        if page.after if page.backward else page.before:
            return False
        wanted = ConnectionField.HAS_PREVIOUS_PAGE if page.backward else ConnectionField.HAS_NEXT_PAGE
        infos = self.list_query.field.selection.below(ConnectionField.PAGE_INFO)
        return any(field.declaration is wanted for field in infos)


class EdgeRow(Row):
    """An edge and its node: a row of an ordered subquery, which includes the page columns `page_columns`."""

    def __init__(self, alias: str, connection: ConnectionRow) -> None:
        super().__init__(alias, LIST_DEPTH, _select_all_nodes(connection))
        self.connection = connection
        self.page_columns: dict[str, None] = {}

    def page_column(self, name: str) -> Expression:
        self.page_columns[name] = None
        return column_ref(self.alias, f"page_{name}")


def render_connection_field(
    field: FieldPlan, part: ConnectionField, row: Row, context: Context
) -> Expression:
    return FIELD_RENDERERS[part](field, row, context)


def _edges(field: FieldPlan, row: ConnectionRow, context: Context) -> Expression:
    """Render edges or nodes as an ordered join of the page with its rows.

    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t5.title AS title, … FROM p3 JOIN article AS t5 ON t5.id = p3.id ORDER BY p3.k0 DESC, p3.k1
    ) AS s5)
    """
    list_query, page = row.list_query, row.page
    number = next(context.numbers)
    table, alias = f"t{number}", f"s{number}"
    edge = EdgeRow(alias, row)
    source = page.cte.join(
        aliased(list_query.entity.table, table),
        column_ref(table, list_query.entity.key) == column_ref(page.name, "id"),
    )

    def ordered() -> Select[Any]:
        page_columns = [column_ref(page.name, name).label(f"page_{name}") for name in edge.page_columns]
        rows = page.rows(*columns_for(edge, table), *page_columns).select_from(source)
        rows = rows.where(visible(list_query.entity, table, context.audience))
        return rows.order_by(*ordering(list_query.terms, page.keys))

    return render_array(field.selection, edge, context, ordered)


def _select_all_nodes(row: ConnectionRow) -> Callable[[str], Select[Any]]:
    """Select a column of the pages of all parents.

    SELECT t7.id FROM article AS t7 WHERE t7.id IN (SELECT p3.id FROM p3)
    """

    def of_column(column: str) -> Select[Any]:
        entity, page, context = row.list_query.entity, row.page, row.list_query.context
        alias = f"t{next(context.numbers)}"
        keys = page.all_pages(column_ref(page.name, "id"))
        return (
            select(column_ref(alias, column).label("key"))
            .select_from(aliased(entity.table, alias))
            .where(column_ref(alias, entity.key).in_(keys), visible(entity, alias, context.audience))
        )

    return of_column


def _edge_cursor(_field: FieldPlan, row: EdgeRow, _context: Context) -> Expression:
    return row.connection.page.cursor(row.page_column)


def _edge_score(_field: FieldPlan, row: EdgeRow, context: Context) -> Expression:
    return context.dialect.score(row.page_column("k0"))


def _edge_snippet(_field: FieldPlan, row: EdgeRow, context: Context) -> Expression:
    search, page = row.connection.list_query, row.connection.page
    keys = page.all_pages(column_ref(page.name, "id"))
    passages = render_snippets(search.entity, search.field, keys, context)
    passage = select(column_ref(passages, "passage")).select_from(table(passages))
    return passage.where(column_ref(passages, "id") == row.page_column("id")).scalar_subquery()


def _same_row(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render an object backed by the same row: a connection's page info and facets, an edge's node."""
    return render_object(field.selection, row, context)


def _has_more(row: ConnectionRow, *, last: bool) -> Expression:
    """Whether the list has rows after the page (`last`) or before it. An empty page has a position too."""
    not_empty = exists(row.page.rows(column_ref(row.page.name, "id")))
    boolean = case((not_empty, _past_edge(row, last=last)), else_=_past_bound(row.list_query, last=last))
    return row.list_query.context.dialect.json_boolean(boolean)


def _past_edge(row: ConnectionRow, *, last: bool) -> ColumnElement[bool]:
    """Whether there is a row before the first or after the last row of the page.

    EXISTS (SELECT 1 FROM article AS t9 WHERE … AND t9.published_at <= (SELECT p3.k0 FROM p3 … LIMIT 1) …)
    """
    list_query, page = row.list_query, row.page
    if page.has_lookahead and last is not list_query.shape.page.backward:
        return page.has_more
    scan = list_query.ordered_scan()
    edge: list[Expression] = [page.edge_row(key, last=last).scalar_subquery() for key in page.keys]
    return list_query.any_row(
        scan, after_cursor(list_query.terms, list_query.keys(scan), edge, backward=not last)
    )


def _past_bound(list_query: ListQuery, *, last: bool) -> ColumnElement[bool]:
    """Whether there is a row before or after the position of an empty page.

    The position is `after` or the start of the list; if backward, `before` or the end.
    """
    page, terms = list_query.shape.page, list_query.terms
    start, side = "before" if page.backward else "after", "before" if last else "after"
    scan = list_query.ordered_scan()
    if not getattr(page, start):
        return list_query.any_row(scan, None) if side != start else false()
    outward = after_cursor(
        terms, list_query.keys(scan), list_query.cursor_keys(start), backward=page.backward
    )
    return list_query.any_row(scan, outward if side != start else not_(outward))


def _end_cursor(page: Page, *, last: bool) -> Expression:
    return page.edge_row(page.cursor(partial(column_ref, page.name)), last=last).scalar_subquery()


FIELD_RENDERERS: dict[ConnectionField, Callable[[FieldPlan, Any, Context], Expression]] = {
    ConnectionField.EDGES: _edges,
    ConnectionField.NODES: _edges,
    ConnectionField.PAGE_INFO: _same_row,
    ConnectionField.FACETS: _same_row,
    ConnectionField.TOTAL_COUNT: lambda _field, row, _context: row.list_query.count(),
    ConnectionField.EDGE_CURSOR: _edge_cursor,
    ConnectionField.EDGE_NODE: _same_row,
    ConnectionField.HAS_NEXT_PAGE: lambda _field, row, _context: _has_more(row, last=True),
    ConnectionField.HAS_PREVIOUS_PAGE: lambda _field, row, _context: _has_more(row, last=False),
    ConnectionField.START_CURSOR: lambda _field, row, _context: _end_cursor(row.page, last=False),
    ConnectionField.END_CURSOR: lambda _field, row, _context: _end_cursor(row.page, last=True),
    ConnectionField.SCORE: _edge_score,
    ConnectionField.SNIPPET: _edge_snippet,
}
