"""Render facets over all rows of a listing, independent of the page. Each needs one scan."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, func, select

from gqlnews.query.connection_args import ConnectionShape, PageShape
from gqlnews.query.fields import StatsFacet, TermsFacet
from gqlnews.query.sql.connections import ConnectionRow
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.cte_levels import Link, linked
from gqlnews.query.sql.list_query import ListQuery
from gqlnews.query.sql.objects import render_array, render_object
from gqlnews.query.sql.sql_row import LISTED, Row, aliased, column_of, visible
from gqlnews.query.tree import FieldPlan

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
