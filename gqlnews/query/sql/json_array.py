"""Render the objects of a JSON array column."""

from sqlalchemy import ColumnElement, and_, case, func, literal_column, select

from gqlnews.query.fields import Column, JsonArray
from gqlnews.query.sql.access_path import ONE, ZERO
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.objects import render_object
from gqlnews.query.sql.sql_row import Row, column_of
from gqlnews.query.tree import FieldPlan

_NONE: Expression = literal_column("'[]'")
_LENGTH = func.json_array_length


class ItemRow(Row):
    """An object in a JSON array, whose members are returned as stored. `place` is its SQL path prefix."""

    def __init__(self, row: Row, alias: str, place: str) -> None:
        super().__init__(alias, row.depth, row.everything)
        self._place = place

    def value(self, column: Column) -> ColumnElement[object]:
        # e2.value -> '$.url'
        return literal_column(f"{self._place}.{column.name}'")


def render_items(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render a JSON array, with a fast path for empty and single-item arrays.

    Most arrays have at most one item, and `json_each` takes longer than rendering it.

    CASE WHEN t1.images = '[]' THEN json_array()
        WHEN json_array_length(t1.images) = 1 THEN json_array(json_object('url', t1.images -> '$[0].url'))
        ELSE (SELECT json_group_array(json_object('url', e2.value -> '$.url')) FROM json_each(t1.images) e2)
    END
    """
    declaration = field.declaration
    assert isinstance(declaration, JsonArray)
    items = row.column(declaration.column)
    first = render_object(field.selection, ItemRow(row, row.alias, f"{items.name} -> '$[0]"), context)
    if declaration.single:
        return case((items != _NONE, first))
    alone: Expression = _LENGTH(items) == ONE
    if field.definition.args:
        start, end = context.bind(field, "start"), context.bind(field, "end")
        alone = and_(start == ZERO, end > ZERO, alone)
    return case(
        (items == _NONE, func.json_array()),
        (alone, func.json_array(first)),
        else_=_opened(field, row, context),
    )


def _opened(field: FieldPlan, row: Row, context: Context) -> Expression:
    declaration = field.declaration
    assert isinstance(declaration, JsonArray)
    alias = f"e{next(context.numbers)}"
    body = render_object(field.selection, ItemRow(row, alias, f"{alias}.value -> '$"), context)
    source = func.json_each(row.column(declaration.column)).alias(alias)
    query = select(func.json_group_array(body)).select_from(source)
    if field.definition.args:
        key = column_of(alias, "key")
        query = query.where(key >= context.bind(field, "start"), key < context.bind(field, "end"))
    return query.scalar_subquery()
