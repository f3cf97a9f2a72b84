"""Objects and their plain fields: `json_object('title', t1.title, …)`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnClause, ColumnElement, func, literal_column, null, select

from gqlnews.plan.audience import Audience
from gqlnews.plan.declare import Column, Literal
from gqlnews.plan.nodes import FieldPlan, ObjectPlan
from gqlnews.plan.render.context import AnySelect, Context, Expression
from gqlnews.plan.render.rows import Row, column_of

MOST_PAIRS = 60  # SQLite's functions take 127 arguments


def render_object(plan: ObjectPlan, row: Row, context: Context) -> Expression:
    """The JSON object of a row. What one `json_object` cannot hold is put into it afterwards, in order."""
    pairs = [(field.key, context.render(field, row)) for field in plan.fields]
    first, others = pairs[:MOST_PAIRS], pairs[MOST_PAIRS:]
    made: Expression = func.json_object(*_listed(first))
    for at in range(0, len(others), MOST_PAIRS):
        some = others[at : at + MOST_PAIRS]
        made = func.json_insert(made, *_listed((f"$.{key}", value) for key, value in some))
    return made


def nestings(plan: ObjectPlan) -> int:
    """How often the object's JSON is put into a function once more."""
    return (len(plan.fields) - 1) // MOST_PAIRS if plan.fields else 0


def _listed(pairs: Iterable[tuple[str, Expression]]) -> Iterator[Expression]:
    """Keys and values in turn; what is text already as one, which compiles several times faster."""
    texts: list[str] = []
    for key, value in pairs:
        if isinstance(value, ColumnClause) and value.is_literal:
            texts.append(f"'{key}', {value.name}")
            continue
        if texts:
            yield literal_column(", ".join(texts))
            texts = []
        yield from (quoted(key), value)
    if texts:
        yield literal_column(", ".join(texts))


def render_array(
    plan: ObjectPlan, row: Row, context: Context, ordered: Callable[[], AnySelect]
) -> Expression:
    """(SELECT json_group_array(json_object('title', s2.title, …)) FROM (<ordered>) AS s2)

    The rows are ordered in a subquery, because SQLite's aggregates take no ORDER BY; the object is made
    outside of it, because JSON loses its subtype there. `ordered` is asked for when it is known which columns
    `row`, an alias of the subquery, has to have.
    """
    body = func.json_group_array(render_object(plan, row, context))
    return select(body).select_from(ordered().subquery(row.alias)).scalar_subquery()


def columns_for(row: Row, source: str) -> list[Expression]:
    """The columns that `row` was asked for, of the alias `source`."""
    return [column_of(source, name).label(name) for name in row.used] or [literal_column("1")]


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
