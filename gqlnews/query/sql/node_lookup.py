"""Render node lookups by global id. One bound JSON array holds each id as `[type, natural key]`."""

from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, select

from gqlnews.query.fields import Entity, NodeLookup
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.objects import quoted, render_object
from gqlnews.query.sql.sql_row import LISTED, Row, aliased, column_of, visible
from gqlnews.query.tree import FieldPlan, ObjectPlan


def render_refs(field: FieldPlan, _row: Row, context: Context) -> Expression:
    """Render a node lookup.

    (SELECT json_group_array(CASE
        WHEN e1.value ->> 0 = 'Article' THEN (SELECT … WHERE t2.slug = e1.value ->> 1) …
    END) FROM json_each(?) AS e1)
    """
    declaration = field.declaration
    assert isinstance(declaration, NodeLookup)
    alias = f"e{next(context.numbers)}"
    kind: Expression = literal_column(f"{alias}.value ->> 0")
    key: Expression = literal_column(f"{alias}.value ->> 1")
    choices = [
        (kind == quoted(name), _object(field, plan, key, context)) for name, plan in field.objects.items()
    ]
    answer = case(*choices)
    source = func.json_each(context.bind(field, "refs")).alias(alias)
    body = answer if declaration.single else func.json_group_array(answer)
    return select(body).select_from(source).scalar_subquery()


def _object(field: FieldPlan, plan: ObjectPlan, key: Expression, context: Context) -> Expression:
    entity = plan.entity
    assert entity is not None, f"{plan.type_name} declares no entity"
    assert entity.node_key is not None, f"{plan.type_name} declares no node key"
    alias = f"t{next(context.numbers)}"

    def everything(column: str) -> Select[Any]:
        near = f"e{next(context.numbers)}"
        near_kind: Expression = literal_column(f"{near}.value ->> 0")
        near_key: Expression = literal_column(f"{near}.value ->> 1")
        source = func.json_each(context.bind(field, "refs")).alias(near)
        refs = select(near_key).select_from(source).where(near_kind == quoted(plan.type_name))
        far = f"t{next(context.numbers)}"
        query = select(column_of(far, column).label("key")).select_from(aliased(entity.table, far))
        return query.where(_named(entity, far, refs, context), visible(entity, far, context.audience))

    body = render_object(plan, Row(alias, LISTED, everything), context)
    query = select(body).select_from(aliased(entity.table, alias))
    query = query.where(_named(entity, alias, key, context), visible(entity, alias, context.audience))
    return query.scalar_subquery()


def _named(
    entity: Entity, alias: str, key: Expression | Select[Any], context: Context
) -> ColumnElement[bool]:
    """Predicate for rows with one of the natural keys, or joined to a `node_through` row with one of them."""
    own = column_of(alias, str(entity.node_key))
    through = entity.node_through
    if through is None:
        return own.in_(key) if isinstance(key, Select) else own == key
    near = f"n{next(context.numbers)}"
    named = column_of(near, through.near)
    belongs = (
        select(column_of(near, through.far))
        .select_from(aliased(through.table, near))
        .where(
            visible(through, near, context.audience),
            named.in_(key) if isinstance(key, Select) else named == key,
        )
    )
    return own.in_(belongs)
