"""Render neighbors: the row before or after a row in the order of its type, among the rows of a group."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal_column, select, true

from gqlnews.query.entities import Entity
from gqlnews.query.fields import Group, Neighbor
from gqlnews.query.sql.conditions import after_cursor, ordering
from gqlnews.query.sql.cte_levels import ParentKey, nest_or_join
from gqlnews.query.sql.dialect import Expression, cross_join
from gqlnews.query.sql.objects import render_object
from gqlnews.query.sql.rows import (
    MANY_DEPTH,
    ONE,
    ZERO,
    Context,
    Row,
    aliased,
    column_ref,
    visible,
)
from gqlnews.query.tree import FieldPlan


def render_neighbor(field: FieldPlan, declaration: Neighbor, row: Row, context: Context) -> Expression:
    """Render a neighbor as a relation to one row, whose key is that of the first row past that row.

    (SELECT json_object(…) FROM article AS t2 WHERE t2.published = 1 AND t2.id = (
        SELECT n3.article_id FROM article AS o3 CROSS JOIN article_topic AS n3 WHERE o3.id = t1.id
            AND n3.topic = (SELECT f4.topic FROM article_topic AS f4 WHERE f4.article_id = o3.id AND …)
            AND n3.published = 1 AND n3.published_at >= o3.published_at AND …
        ORDER BY n3.published_at, n3.slug DESC LIMIT 1))
    """
    group = context.shapes[field.number]
    assert group is None or isinstance(group, Group)

    def build(parent_key: ParentKey | None) -> Expression:
        entity = field.selection.entity
        assert entity is not None, f"{field.selection.type_name} declares no entity"
        assert parent_key is not None, "a neighbor is one of a row"
        alias = f"t{next(context.numbers)}"
        source = aliased(entity.table, alias)
        is_visible = visible(entity, alias, context.audience)
        key = column_ref(alias, entity.key)

        def all_rows(column: str) -> Select[Any]:
            name = f"l{next(context.numbers)}"
            level = parent_key.all_keys().subquery(name)
            found = _neighbor_key(entity, declaration, group, column_ref(name, "key"), context)
            query = select(column_ref(alias, column).label("key")).select_from(source)
            return query.where(is_visible, key.in_(select(found).select_from(level)))

        child = Row(alias, parent_key.depth, all_rows)
        found = _neighbor_key(entity, declaration, group, parent_key.key, context)
        json = render_object(field.selection, child, context)
        return select(json).select_from(source).where(is_visible, key == found).scalar_subquery()

    return nest_or_join(field, declaration.key, row, context, build, MANY_DEPTH)


def _neighbor_key(
    entity: Entity, declaration: Neighbor, group: Group | None, row_key: Expression, context: Context
) -> Expression:
    """Return the key of the neighbor of the row with a key."""
    number = next(context.numbers)
    this, other = f"o{number}", f"n{number}"
    through = group.through if group else None
    table = through or entity
    key = column_ref(other, entity.key if through is None else through.target_key)
    columns = [term.column for term in entity.order]
    theirs = [column_ref(other, column) for column in columns]
    mine = [column_ref(this, column) for column in columns]
    is_this = column_ref(this, entity.key) == row_key
    others = (
        true() if group is None else _is_in_group(group, this, other, entity, context),
        visible(table, other, context.audience),
        after_cursor(entity.order, theirs, mine, backward=declaration.backward),
    )
    order = ordering(entity.order, theirs, backward=declaration.backward)
    if context.dialect.has_lateral:
        nearest = select(key.label("key")).select_from(aliased(table.table, other)).where(*others)
        name = f"y{number}"
        joined = aliased(entity.table, this).join(nearest.order_by(*order).limit(ONE).lateral(name), true())
        return select(column_ref(name, "key")).select_from(joined).where(is_this).scalar_subquery()
    query = select(key).select_from(cross_join(f"{entity.table} AS {this}", f"{table.table} AS {other}"))
    return query.where(is_this, *others).order_by(*order).limit(ONE).scalar_subquery()


def _is_in_group(
    group: Group, this: str, other: str, entity: Entity, context: Context
) -> ColumnElement[bool]:
    if group.through is None:
        column = column_ref(other, group.column)
        return and_(column == column_ref(this, group.column), column > literal_column("''"))
    alias, through = f"f{next(context.numbers)}", group.through
    keys = select(column_ref(alias, through.source_key)).select_from(aliased(through.table, alias))
    keys = keys.where(
        column_ref(alias, through.target_key) == column_ref(this, entity.key),
        column_ref(alias, group.position) == ZERO,
    )
    return column_ref(other, through.source_key) == keys.scalar_subquery()
