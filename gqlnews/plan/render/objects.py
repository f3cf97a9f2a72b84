"""Objects and their plain fields: `json_object('title', t1.title, …)`."""

from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, null

from gqlnews.plan.audience import Audience
from gqlnews.plan.declare import Column, Literal
from gqlnews.plan.nodes import FieldPlan, ObjectPlan
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.rows import Row

MOST_PAIRS = 60  # SQLite's functions take 127 arguments


def render_object(plan: ObjectPlan, row: Row, context: Context) -> Expression:
    """The JSON object of a row. One too wide for a `json_object` is made of several, joined as text."""
    pairs = [(quoted(field.key), context.render(field, row)) for field in plan.fields]
    pieces = [_json_object(pairs[at : at + MOST_PAIRS]) for at in range(0, len(pairs), MOST_PAIRS)]
    if len(pieces) <= 1:
        return pieces[0] if pieces else _json_object([])
    return func.json(_joined(pieces))


def _json_object(pairs: list[tuple[Expression, Expression]]) -> Expression:
    return func.json_object(*(part for pair in pairs for part in pair))


def _joined(pieces: list[Expression]) -> Expression:
    """`'{"a":1}'` and `'{"b":2}'` to `'{"a":1,"b":2}'`: the braces between become a comma."""
    first, *others = pieces
    text: Expression = func.substr(first, 1, func.length(first) - 1)
    for piece in others:
        text = text.concat(",").concat(func.substr(piece, 2, func.length(piece) - 2))
    return text.concat("}")


def quoted(name: str) -> ColumnElement[Any]:
    """A name of the document or of the schema as SQL text: these hold letters, digits and `_` only."""
    return literal_column(f"'{name}'")


def render_column(field: FieldPlan, row: Row, context: Context) -> Expression:
    column = field.declaration
    assert isinstance(column, Column)
    if column.sealed and context.audience is not Audience.EDITOR:
        return null()
    return row.value(column)


def render_literal(field: FieldPlan, _row: Row, _context: Context) -> Expression:
    assert isinstance(field.declaration, Literal)
    return quoted(field.declaration.text)
