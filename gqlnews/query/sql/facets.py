"""Render facets and date histograms over all rows of a listing, independent of the page."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import FromClause, Select, and_, exists, func, literal_column, select, table

from gqlnews.errors import Code
from gqlnews.query.connection_args import ConnectionShape, PageShape
from gqlnews.query.fields import HistogramFacet, StatsFacet, TermsFacet
from gqlnews.query.sql.connections import ConnectionRow
from gqlnews.query.sql.cte_levels import Link, linked
from gqlnews.query.sql.list_query import ListQuery
from gqlnews.query.sql.objects import render_array, render_object
from gqlnews.query.sql.rows import LISTED, AnySelect, Context, Expression, Row, aliased, column_of, visible
from gqlnews.query.tree import FieldPlan

# Render facets over all rows of a listing, independent of the page. Each needs one scan.


WHOLE = ConnectionShape(PageShape(backward=False, after=False, before=False), ())


def render_groups(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render a terms facet.

    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t2.type AS key, count(*) AS count FROM article AS t2 WHERE … GROUP BY t2.type
        ORDER BY count(*) DESC, t2.type LIMIT ?
    ) AS s2)
    """
    declaration = field.declaration
    assert isinstance(declaration, TermsFacet)
    if isinstance(row, ConnectionRow):
        return _groups(field, declaration, row.listing, context)
    entity, match, through = declaration.entity, declaration.match, declaration.through
    assert entity is not None, "groups without a connection name their rows"

    def build(link: Link | None) -> Expression:
        listing = ListQuery(field, context, entity, match, through, WHOLE, link)
        return _groups(field, declaration, listing, context)

    return linked(field, match, row, context, build, LISTED)


def _groups(field: FieldPlan, declaration: TermsFacet, listing: ListQuery, context: Context) -> Expression:
    alias = f"s{next(context.numbers)}"
    depth = listing.link.depth if listing.link else LISTED
    group = Row(alias, depth, _everything(field, declaration, listing, context))
    return render_array(
        field.selection, group, context, lambda: _counted(field, declaration, listing, context)
    )


def _counted(field: FieldPlan, declaration: TermsFacet, listing: ListQuery, context: Context) -> Select[Any]:
    key, query = _grouped(declaration, listing, everywhere=False)
    count = func.count().label("count")
    query = query.add_columns(key.label("key"), count).group_by(key).order_by(count.desc(), key)
    return query.limit(context.bind(field, "limit")) if field.definition.args else query


def _everything(
    field: FieldPlan, declaration: TermsFacet, listing: ListQuery, context: Context
) -> Callable[[str], Select[Any]]:
    """Select the keys of all groups; with several parents, without the limit per parent."""

    def of_column(column: str) -> Select[Any]:
        assert column == "key", "a group has no other column that leads on"
        if listing.link is None:
            alias = f"s{next(context.numbers)}"
            counted = _counted(field, declaration, listing, context).subquery(alias)
            return select(column_of(alias, "key").label("key")).select_from(counted)
        key, query = _grouped(declaration, listing, everywhere=True)
        return query.add_columns(key.label("key")).distinct()

    return of_column


def _grouped(
    declaration: TermsFacet, listing: ListQuery, *, everywhere: bool
) -> tuple[Expression, Select[Any]]:
    """Return the group key and the query to count: over the listing's rows, or a join table of values."""
    items = declaration.items
    if items is None:
        scan = listing.scan(declaration.column)
        key = scan.column(declaration.column)
        return key, listing.select(scan, everywhere=everywhere).where(key.is_not(None))
    alias = f"i{next(listing.context.numbers)}"
    key = column_of(alias, items.far)
    query = select().select_from(aliased(items.table, alias))
    if listing.unfiltered and listing.link is None and listing.through is None:
        return key, query.where(visible(items, alias, listing.context.audience))
    scan = listing.scan()
    ids = listing.select(scan, scan.key, everywhere=everywhere)
    return key, query.where(column_of(alias, items.near).in_(ids))


def render_statistics(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render a stats facet.

    (SELECT json_object('min', s2.min, …) FROM (SELECT min(t2.heat) AS min, … FROM …) AS s2)
    """
    declaration = field.declaration
    assert isinstance(declaration, StatsFacet)
    assert isinstance(row, ConnectionRow)
    alias = f"s{next(context.numbers)}"
    scan = row.listing.scan(declaration.column)
    column = scan.column(declaration.column)
    figures = row.listing.select(
        scan,
        func.min(column).label("min"),
        func.max(column).label("max"),
        func.avg(column).label("average"),
    )
    body = render_object(field.selection, Row.leaf(alias), context)
    return select(body).select_from(figures.subquery(alias)).scalar_subquery()


# Render a date histogram: row counts of a listing per interval, including empty intervals.
#
#     g4 AS MATERIALIZED (SELECT substr(t3.published_at, 1, 7) || '-01' AS start, count(*) AS count …)
#     i4 AS MATERIALIZED (SELECT min(g4.start) AS start, max(g4.start) AS last, 1 AS number FROM g4
#                         UNION ALL SELECT date(i4.start, '+1 month'), i4.last, i4.number + 1 FROM i4 WHERE …)
#
# With parents, both CTEs have a column `parent`. Too long a series fails the request.


MAX_INTERVALS = 1_000

# SQL for the first day of the interval that contains a timestamp key, and the step to the next interval.
FIRST_DAY = {
    "DAY": "substr({key}, 1, 10)",
    "WEEK": "date(substr({key}, 1, 10), '-6 days', 'weekday 1')",
    "MONTH": "substr({key}, 1, 7) || '-01'",
    "YEAR": "substr({key}, 1, 4) || '-01-01'",
}
STEP = {"DAY": "+1 day", "WEEK": "+7 days", "MONTH": "+1 month", "YEAR": "+1 year"}


def render_intervals(field: FieldPlan, row: Row, context: Context) -> Expression:
    declaration = field.declaration
    assert isinstance(declaration, HistogramFacet)
    assert isinstance(row, ConnectionRow)
    listing, number = row.listing, next(context.numbers)
    counts, series, alias = f"g{number}", f"i{number}", f"s{number}"
    by = str(context.shapes[field.number])
    grouped = context.materialize(counts, _counts(declaration, listing, by))
    intervals = context.materialize(series, _series(counts, series, listing, STEP[by]))
    _refuse_long(field, series, intervals, context)
    shared = ("start", "parent") if listing.link else ("start",)
    same = and_(*(column_of(counts, name) == column_of(series, name) for name in shared))
    start = column_of(series, "start")
    columns = (
        start.concat("T00:00:00Z").label("start"),
        func.ifnull(column_of(counts, "count"), literal_column("0")).label("count"),
    )
    rows = select(*columns).select_from(intervals.outerjoin(grouped, same))
    if listing.link:
        rows = rows.where(column_of(series, "parent") == listing.link.key)
    return render_array(field.selection, Row.leaf(alias), context, lambda: rows.order_by(start))


def _counts(declaration: HistogramFacet, listing: ListQuery, by: str) -> Select[Any]:
    scan = listing.scan(declaration.column)
    start: Expression = literal_column(FIRST_DAY[by].format(key=scan.column(declaration.column)))
    query = listing.select(scan, start.label("start"), func.count().label("count")).group_by(start)
    if listing.link is None:
        return query
    assert listing.link.keys is not None, "a connection with parents is a layer"
    parent = listing.link.key
    return query.select_from(listing.link.keys).add_columns(parent.label("parent")).group_by(parent)


def _series(counts: str, series: str, listing: ListQuery, step: str) -> AnySelect:
    start, last, number = (column_of(series, name) for name in ("start", "last", "number"))
    counted = column_of(counts, "start")
    first: Select[Any] = select(  # type: ignore[assignment]  # SQLAlchemy's types count the columns
        func.min(counted).label("start"), func.max(counted).label("last"), literal_column("1").label("number")
    ).select_from(table(counts))
    following = (
        select(func.date(start, literal_column(f"'{step}'")), last, number + literal_column("1"))
        .select_from(table(series))
        .where(start < last, number <= literal_column(str(MAX_INTERVALS)))
    )
    if listing.link:
        parent = column_of(counts, "parent")
        first = first.add_columns(parent.label("parent")).group_by(parent)
        following = following.add_columns(column_of(series, "parent"))
    return first.having(func.count() > literal_column("0")).union_all(following)


def _refuse_long(field: FieldPlan, series: str, intervals: FromClause, context: Context) -> None:
    long = select(column_of(series, "number")).select_from(intervals)
    too_long = exists(long.where(column_of(series, "number") > literal_column(str(MAX_INTERVALS))))
    context.refuse_where(
        too_long,
        field,
        Code.TOO_MANY_INTERVALS,
        f"`published` has more than {MAX_INTERVALS} intervals: choose longer ones, or ask for less time.",
    )
