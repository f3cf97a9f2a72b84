"""Render JSON objects and their plain fields: `json_object('title', t1.title, …)`."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnClause, ColumnElement, func, literal_column, null, select

from gqlnews.query.audience import Audience
from gqlnews.query.fields import Column, Literal
from gqlnews.query.sql.context import AnySelect, Context, Expression
from gqlnews.query.sql.sql_row import Row, column_of
from gqlnews.query.tree import FieldPlan, ObjectPlan

MAX_PAIRS = 60  # SQLite functions take at most 127 arguments


def render_object(plan: ObjectPlan, row: Row, context: Context) -> Expression:
    """Render the JSON object of a row. Fields beyond `MAX_PAIRS` are added with `json_insert`, in order."""
    pairs = [(field.key, context.render(field, row)) for field in plan.fields]
    first, others = pairs[:MAX_PAIRS], pairs[MAX_PAIRS:]
    made: Expression = func.json_object(*_listed(first))
    for at in range(0, len(others), MAX_PAIRS):
        some = others[at : at + MAX_PAIRS]
        made = func.json_insert(made, *_listed((f"$.{key}", value) for key, value in some))
    return made


def nestings(plan: ObjectPlan) -> int:
    """Return the number of `json_insert` calls around the object, each a nesting level."""
    return (len(plan.fields) - 1) // MAX_PAIRS if plan.fields else 0


def _listed(pairs: Iterable[tuple[str, Expression]]) -> Iterator[Expression]:
    """Yield keys and values alternately; literal SQL is joined into one text, which compiles much faster."""
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
    """Render a JSON array of objects from an ordered subquery.

    (SELECT json_group_array(json_object('title', s2.title, …)) FROM (<ordered>) AS s2)

    The rows are ordered in a subquery, because SQLite's aggregates take no ORDER BY. The object is built
    outside of it, because JSON loses its subtype in a subquery. `ordered` is called after the object is
    rendered, when the columns that `row`, the alias of the subquery, needs are known.
    """
    body = func.json_group_array(render_object(plan, row, context))
    return select(body).select_from(ordered().subquery(row.alias)).scalar_subquery()


def columns_for(row: Row, source: str) -> list[Expression]:
    """Return the columns used through `row`, selected from the alias `source`."""
    return [column_of(source, name).label(name) for name in row.used] or [literal_column("1")]


def quoted(name: str) -> ColumnElement[Any]:
    """Quote a name of the document or schema as an SQL string: names hold only letters, digits and `_`."""
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
