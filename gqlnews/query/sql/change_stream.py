"""Render the two statements of a change stream (subscription).

The first reduces the changed keys to those that pass the filter. It runs on the content before the change and
after it:

    SELECT json_group_array(t1.slug) FROM article AS t1
    WHERE t1.slug IN (SELECT value FROM json_each(:keys)) AND <visible> AND <the filter, +t1.title = …>

The second renders each event as one line of JSON, which contains no line feed of its own:

    WITH e1 AS MATERIALIZED (SELECT value ->> 'slug' AS slug, …, key AS place FROM json_each(:events))
    SELECT group_concat(json_object('kind', s2.kind, …), char(10))
    FROM (SELECT e1.slug AS slug, … FROM e1 ORDER BY e1.place) AS s2
"""

from typing import Any

from sqlalchemy import Select, func, literal_column, select, table

from gqlnews.query.fields import ChangeStream
from gqlnews.query.predicates import All, AnyOf, Comparison, Not
from gqlnews.query.sql.conditions import render_condition
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.objects import columns_for, render_object
from gqlnews.query.sql.sql_row import LISTED, Row, aliased, column_of, visible
from gqlnews.query.tree import FieldPlan

KEYS, EVENTS = "keys", "events"
"""Bound values: a JSON array of keys, and one of objects with `slug`, `kind`, `version` and `there`."""

_COLUMNS = ("slug", "kind", "version", "there")


def render_passing(field: FieldPlan, context: Context) -> Select[Any]:
    """Select those of `keys` whose rows pass the filter, as a JSON array."""
    declaration, condition = field.declaration, context.shapes[field.number]
    assert isinstance(declaration, ChangeStream)
    assert isinstance(condition, All | AnyOf | Not | Comparison)
    alias = f"t{next(context.numbers)}"
    key = column_of(alias, declaration.key)
    keys: Select[Any] = select(literal_column("value")).select_from(func.json_each(context.bind(field, KEYS)))
    passes = render_condition(
        condition,
        lambda name: column_of(f"+{alias}", name),  # unary plus: rows are found by key, not by filter index
        lambda name: context.bind(field, name),
        context.audience,
    )
    query = select(func.json_group_array(key).label("json"))
    query = query.select_from(aliased(declaration.entity.table, alias))
    return query.where(key.in_(keys), visible(declaration.entity, alias, context.audience), passes)


def render_events(field: FieldPlan, _row: Row, context: Context) -> Expression:
    """Render each of `events` as one line of JSON, in order."""
    number = next(context.numbers)
    name, alias = f"e{number}", f"s{number}"
    context.materialize(name, _given(field, context))
    event = Row(
        alias, LISTED, lambda column: select(column_of(name, column).label("key")).select_from(table(name))
    )
    rendered = render_object(field.selection, event, context)
    ordered = select(*columns_for(event, name)).select_from(table(name)).order_by(column_of(name, "place"))
    lines = func.group_concat(rendered, literal_column("char(10)"))
    return select(lines).select_from(ordered.subquery(alias)).scalar_subquery()


def _given(field: FieldPlan, context: Context) -> Select[Any]:
    columns: list[Expression] = [literal_column(f"value ->> '{name}'").label(name) for name in _COLUMNS]
    place: Expression = literal_column("key").label("place")
    return select(*columns, place).select_from(func.json_each(context.bind(field, EVENTS)))
