"""Render facets, including date histograms. Each scans all rows of a list, not only those of the page."""

from typing import Any

from sqlalchemy import FromClause, Select, and_, exists, func, literal_column, select, table

from gqlnews.errors import Code
from gqlnews.query.connection_args import ConnectionShape, PageShape
from gqlnews.query.fields import HistogramFacet, StatsFacet, TermsFacet
from gqlnews.query.sql.connections import ConnectionRow
from gqlnews.query.sql.cte_levels import ParentKey, nest_or_join
from gqlnews.query.sql.dialect import INTEGER, AnySelect, Expression
from gqlnews.query.sql.list_query import ListQuery
from gqlnews.query.sql.objects import render_array, render_object
from gqlnews.query.sql.rows import (
    LIST_DEPTH,
    ZERO,
    Context,
    Row,
    aliased,
    column_ref,
    visible,
)
from gqlnews.query.tree import FieldPlan

ALL_ROWS = ConnectionShape(PageShape(backward=False, after=False, before=False), ())


def render_terms_facet(field: FieldPlan, declaration: TermsFacet, row: Row, context: Context) -> Expression:
    """Render a terms facet.

    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t3.type AS key, count(*) AS count FROM article AS t3 WHERE … GROUP BY t3.type
        ORDER BY count(*) DESC, t3.type LIMIT ?
    ) AS s2)
    """
    if isinstance(row, ConnectionRow):
        return _render_terms(field, declaration, row.list_query)
    entity, match, through = declaration.entity, declaration.match, declaration.through
    assert entity is not None, "a terms facet outside a connection declares its entity"

    def build(parent_key: ParentKey | None) -> Expression:
        list_query = ListQuery(field, context, entity, match, through, ALL_ROWS, parent_key)
        return _render_terms(field, declaration, list_query)

    return nest_or_join(field, match, row, context, build, LIST_DEPTH)


def _render_terms(field: FieldPlan, declaration: TermsFacet, list_query: ListQuery) -> Expression:
    context, parent_key = list_query.context, list_query.parent_key

    def counted() -> Select[Any]:
        key, query = _group_source(declaration, list_query, all_parents=False)
        count = func.count().label("count")
        query = query.add_columns(key.label("key"), count).group_by(key).order_by(count.desc(), key)
        return query.limit(context.bind(field, "limit", INTEGER)) if field.definition.args else query

    def all_keys(column: str) -> Select[Any]:
        """Select the keys of all groups. With several parents, the limit per parent is ignored."""
        assert column == "key", "a group has no other column that a relation can use"
        if parent_key is None:
            alias = f"s{next(context.numbers)}"
            return select(column_ref(alias, "key").label("key")).select_from(counted().subquery(alias))
        key, query = _group_source(declaration, list_query, all_parents=True)
        return query.add_columns(key.label("key")).distinct()

    group = Row(f"s{next(context.numbers)}", parent_key.depth if parent_key else LIST_DEPTH, all_keys)
    return render_array(field.selection, group, context, counted)


def _group_source(
    declaration: TermsFacet, list_query: ListQuery, *, all_parents: bool
) -> tuple[Expression, Select[Any]]:
    """Return the group key, and the query whose rows are counted for each key.

    It selects the rows of the list; if a row can have several values, it selects from their join table.
    """
    values = declaration.values_through
    if values is None:
        scan = list_query.scan(declaration.column)
        key = scan.column(declaration.column)
        return key, list_query.select(scan, all_parents=all_parents).where(key.is_not(None))
    alias = f"i{next(list_query.context.numbers)}"
    key = column_ref(alias, values.target_key)
    query = select().select_from(aliased(values.table, alias))
    if list_query.unfiltered and list_query.parent_key is None and list_query.through is None:
        return key, query.where(visible(values, alias, list_query.context.audience))
    scan = list_query.scan()
    keys = list_query.select(scan, scan.key, all_parents=all_parents)
    return key, query.where(column_ref(alias, values.source_key).in_(keys))


def render_stats_facet(
    field: FieldPlan, declaration: StatsFacet, row: ConnectionRow, context: Context
) -> Expression:
    """Render a stats facet.

    (SELECT json_object('min', s2.min, …) FROM (SELECT min(t3.heat) AS min, … FROM …) AS s2)
    """
    alias = f"s{next(context.numbers)}"
    scan = row.list_query.scan(declaration.column)
    column = scan.column(declaration.column)
    statistics = row.list_query.select(
        scan,
        func.min(column).label("min"),
        func.max(column).label("max"),
        context.dialect.average(column).label("average"),
    )
    json = render_object(field.selection, Row(alias, LIST_DEPTH), context)
    return select(json).select_from(statistics.subquery(alias)).scalar_subquery()


# Date histogram: the number of rows of a list in each interval, including empty intervals.
#
#     g4 AS MATERIALIZED (SELECT substr(t5.published_at, 1, 7) || '-01' AS start, count(*) AS count …)
#     i4 AS MATERIALIZED (SELECT min(g4.start) AS start, max(g4.start) AS last, 1 AS number FROM g4
#                         UNION ALL SELECT date(i4.start, '+1 month'), i4.last, i4.number + 1 FROM i4 WHERE …)
#
# With parents, both CTEs also have a column `parent`. A request with more than `MAX_INTERVALS` fails.

MAX_INTERVALS = 1_000


def render_histogram(
    field: FieldPlan, declaration: HistogramFacet, row: ConnectionRow, context: Context
) -> Expression:
    list_query, number = row.list_query, next(context.numbers)
    counts, series, alias = f"g{number}", f"i{number}", f"s{number}"
    by = str(context.shapes[field.number])
    grouped = context.materialize(counts, _counts(declaration, list_query, by))
    intervals = context.materialize(series, _series(counts, series, list_query, by))
    _limit_intervals(field, series, intervals, context)
    shared = ("start", "parent") if list_query.parent_key else ("start",)
    same = and_(*(column_ref(counts, name) == column_ref(series, name) for name in shared))
    start = column_ref(series, "start")
    columns: tuple[Expression, ...] = (
        start.concat("T00:00:00Z").label("start"),
        context.dialect.if_null(column_ref(counts, "count"), ZERO).label("count"),
    )
    rows: Select[Any] = select(*columns).select_from(intervals.outerjoin(grouped, same))
    if list_query.parent_key:
        rows = rows.where(column_ref(series, "parent") == list_query.parent_key.key)
    return render_array(field.selection, Row(alias, LIST_DEPTH), context, lambda: rows.order_by(start))


def _counts(declaration: HistogramFacet, list_query: ListQuery, by: str) -> Select[Any]:
    scan = list_query.scan(declaration.column)
    start = list_query.context.dialect.first_day(by, scan.column(declaration.column))
    query = list_query.select(scan, start.label("start"), func.count().label("count")).group_by(start)
    if list_query.parent_key is None:
        return query
    assert list_query.parent_key.keys is not None, "a connection with parents has a CTE of its parent keys"
    parent = list_query.parent_key.key
    return query.select_from(list_query.parent_key.keys).add_columns(parent.label("parent")).group_by(parent)


def _series(counts: str, series: str, list_query: ListQuery, by: str) -> AnySelect:
    start, last, number = (column_ref(series, name) for name in ("start", "last", "number"))
    counted = column_ref(counts, "start")
    first: Select[Any] = select(  # type: ignore[assignment]  # SQLAlchemy's types count the columns
        func.min(counted).label("start"), func.max(counted).label("last"), literal_column("1").label("number")
    ).select_from(table(counts))
    following = (
        select(list_query.context.dialect.next_day(by, start), last, number + literal_column("1"))
        .select_from(table(series))
        .where(start < last, number <= literal_column(str(MAX_INTERVALS)))
    )
    if list_query.parent_key:
        parent = column_ref(counts, "parent")
        first = first.add_columns(parent.label("parent")).group_by(parent)
        following = following.add_columns(column_ref(series, "parent"))
    return first.having(func.count() > literal_column("0")).union_all(following)


def _limit_intervals(field: FieldPlan, series: str, intervals: FromClause, context: Context) -> None:
    long = select(column_ref(series, "number")).select_from(intervals)
    too_long = exists(long.where(column_ref(series, "number") > literal_column(str(MAX_INTERVALS))))
    name = field.node.name.value
    message = (
        f"`{name}` has more than {MAX_INTERVALS:,} intervals: request longer intervals, or a shorter time "
        "range in `where`."
    )
    context.fail_if(too_long, field, Code.TOO_MANY_INTERVALS, message)
