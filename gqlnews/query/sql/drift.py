"""Render drift: the columns in which a row differs from the row that it matches.

(SELECT json_group_array(json_object('field', s3.field, …)) FROM (
    SELECT 'title' AS field, t1.title AS listed, t3.title AS stored FROM article AS t3
    WHERE t3.id = t1.target_id AND t3.published = 1 AND t1.title <> t3.title
    UNION ALL …
) AS s3)
"""

from typing import Any

from sqlalchemy import Select, Text, cast, select, union_all

from gqlnews.query.fields import Difference, Differences
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.objects import quoted, render_array
from gqlnews.query.sql.sql_row import Row, aliased, column_of, visible
from gqlnews.query.tree import FieldPlan


def render_differences(field: FieldPlan, row: Row, context: Context) -> Expression:
    declaration = field.declaration
    assert isinstance(declaration, Differences)
    alias = f"s{next(context.numbers)}"
    found = union_all(*(_difference(one, declaration, row, context) for one in declaration.among))
    return render_array(field.selection, Row.leaf(alias), context, lambda: found)


def _difference(one: Difference, declaration: Differences, row: Row, context: Context) -> Select[Any]:
    """Select one row of texts, or none if the values are equal or the first one is null."""
    match, other = declaration.match, f"t{next(context.numbers)}"
    assert match.parent is not None
    query = select(
        quoted(one.field).label("field"),
        cast(row.column(one.shown), Text).label("listed"),
        cast(column_of(other, one.shown), Text).label("stored"),
    ).select_from(aliased(declaration.entity.table, other))
    mine, stored = row.column(one.column), column_of(other, one.column)
    return query.where(
        column_of(other, match.child) == row.column(match.parent),
        visible(declaration.entity, other, context.audience),
        mine.is_not(None),
        mine.is_distinct_from(stored),
    )
