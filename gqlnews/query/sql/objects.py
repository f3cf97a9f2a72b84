"""Render JSON objects: rows, their plain fields, and the objects of a JSON array column."""

from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    cast,
    literal_column,
    select,
    union_all,
)

from gqlnews.query.entities import Audience
from gqlnews.query.fields import Column, Difference, Differences, JsonArray, Literal
from gqlnews.query.sql.dialect import INTEGER, AnySelect, Dialect, Expression
from gqlnews.query.sql.rows import (
    LIST_DEPTH,
    ONE,
    ZERO,
    Context,
    Row,
    aliased,
    column_ref,
    visible,
)
from gqlnews.query.tree import FieldPlan, ObjectPlan

# JSON objects and their plain fields: `json_object('title', t1.title, …)`.


def render_object(plan: ObjectPlan, row: Row, context: Context) -> Expression:
    """Render the JSON object of a row."""
    pairs = [(field.key, context.render(field, row)) for field in plan.fields]
    return context.dialect.json_object(pairs)


def render_array(
    plan: ObjectPlan, row: Row, context: Context, ordered: Callable[[], AnySelect]
) -> Expression:
    """Render a JSON array of objects from an ordered subquery.

    (SELECT json_group_array(json_object('title', s2.title, …)) FROM (<ordered>) AS s2)

    The rows are ordered in a subquery, because aggregate functions of SQLite 3.40 have no ORDER BY. The
    object is built outside of it, because JSON loses its subtype in a subquery. `ordered` is called after the
    object is rendered, because only then are the columns known that `row` reads from the subquery.
    """
    array = context.dialect.json_collect(render_object(plan, row, context))
    return select(array).select_from(ordered().subquery(row.alias)).scalar_subquery()


def columns_for(row: Row, source: str) -> list[Expression]:
    """Return the columns used through `row`, selected from the alias `source`."""
    return [column_ref(source, name).label(name) for name in row.used_columns] or [literal_column("1")]


def quoted(name: str) -> ColumnElement[Any]:
    """Quote a name of the document or schema as an SQL string. It has only letters, digits and `_`."""
    return literal_column(f"'{name}'")


def render_column(_field: FieldPlan, column: Column, row: Row, context: Context) -> Expression:
    if column.editor_only and context.audience is not Audience.EDITOR:
        return context.dialect.json_null()
    return row.value(column, context.dialect)


def render_literal(_field: FieldPlan, literal: Literal, _row: Row, context: Context) -> Expression:
    return context.dialect.json_string(literal.text)


# JSON array columns.

_EMPTY: Expression = literal_column("'[]'")


class ItemRow(Row):
    """An object in a JSON array, whose members are returned as stored.

    `member` returns the SQL of a member: `e2.value -> '$.url'`.
    """

    def __init__(self, row: Row, alias: str, member: Callable[[str], Expression]) -> None:
        super().__init__(alias, row.depth, row.all_rows)
        self._member = member

    def value(self, column: Column, dialect: Dialect) -> ColumnElement[object]:
        return self._member(column.name)


def render_json_array(field: FieldPlan, declaration: JsonArray, row: Row, context: Context) -> Expression:
    """Render a JSON array, with a fast path for empty and single-item arrays.

    Most arrays have at most one item, and `json_each` takes longer than rendering that item.

    CASE WHEN t1.images = '[]' THEN json_array()
        WHEN json_array_length(t1.images) = 1 THEN json_array(json_object('url', t1.images -> '$[0].url'))
        ELSE (SELECT json_group_array(json_object('url', e2.value -> '$.url')) FROM json_each(t1.images) e2)
    END
    """
    items, dialect = row.column(declaration.column), context.dialect
    item = ItemRow(row, row.alias, partial(dialect.first_item, str(items)))
    first = render_object(field.selection, item, context)
    if declaration.single:
        return case((items != _EMPTY, first))
    has_one: Expression = dialect.json_length(items) == ONE
    if field.definition.args:
        start, end = context.bind(field, "start", INTEGER), context.bind(field, "end", INTEGER)
        has_one = and_(start == ZERO, end > ZERO, has_one)
    return case(
        (items == _EMPTY, dialect.json_array()),
        (has_one, dialect.json_array(first)),
        else_=_unnest(field, items, row, context),
    )


def _unnest(field: FieldPlan, items: Expression, row: Row, context: Context) -> Expression:
    alias, dialect = f"e{next(context.numbers)}", context.dialect
    item = render_object(field.selection, ItemRow(row, alias, partial(dialect.item_member, alias)), context)
    query = select(dialect.json_collect(item)).select_from(dialect.json_items(items, alias))
    if field.definition.args:
        position = dialect.item_position(alias)
        start, end = context.bind(field, "start", INTEGER), context.bind(field, "end", INTEGER)
        query = query.where(position >= start, position < end)
    return query.scalar_subquery()


# Drift: the columns in which a row differs from the row that it matches.
#
# (SELECT json_group_array(json_object('field', s3.field, …)) FROM (
#     SELECT 'title' AS field, t1.title AS listed, t3.title AS stored FROM article AS t3
#     WHERE t3.id = t1.target_id AND t3.published = 1 AND t1.title <> t3.title
#     UNION ALL …
# ) AS s3)


def render_differences(field: FieldPlan, declaration: Differences, row: Row, context: Context) -> Expression:
    alias = f"s{next(context.numbers)}"
    rows = union_all(*(_difference(one, declaration, row, context) for one in declaration.compared))
    return render_array(field.selection, Row(alias, LIST_DEPTH), context, lambda: rows)


def _difference(one: Difference, declaration: Differences, row: Row, context: Context) -> Select[Any]:
    """Select one row of texts, or none if the values are equal or the first one is null."""
    match, other = declaration.match, f"t{next(context.numbers)}"
    assert match.parent is not None
    name, value, other_value = declaration.columns
    query = select(
        quoted(one.field).label(name),
        cast(row.column(one.display_column), Text).label(value),
        cast(column_ref(other, one.display_column), Text).label(other_value),
    ).select_from(aliased(declaration.entity.table, other))
    mine, theirs = row.column(one.column), column_ref(other, one.column)
    return query.where(
        column_ref(other, match.child) == row.column(match.parent),
        visible(declaration.entity, other, context.audience),
        mine.is_not(None),
        mine.is_distinct_from(theirs),
    )
