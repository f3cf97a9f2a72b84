"""Render relations to one row and to many rows, and node lookups by global id."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, literal_column, select

from gqlnews.query.entities import Entity
from gqlnews.query.fields import Many, NodeLookup, One
from gqlnews.query.sql.conditions import ordering
from gqlnews.query.sql.cte_levels import ParentKey, nest_or_join
from gqlnews.query.sql.dialect import INTEGER, TEXT, Expression, cross_join
from gqlnews.query.sql.objects import columns_for, quoted, render_array, render_object
from gqlnews.query.sql.rows import (
    LIST_DEPTH,
    MANY_DEPTH,
    SINGLE_DEPTH,
    Context,
    Row,
    SelectColumn,
    aliased,
    column_ref,
    visible,
)
from gqlnews.query.tree import FieldPlan, ObjectPlan

Within = Callable[[str], ColumnElement[bool]]


def render_one(field: FieldPlan, declaration: One, row: Row, context: Context) -> Expression:
    """Render a to-one relation.

    (SELECT json_object(…) FROM provider AS t2 WHERE t2.domain = s1.provider_domain AND t2.scope = 0)
    """

    def build(parent_key: ParentKey | None) -> Expression:
        rows = Relation(field, declaration, context)
        depth = parent_key.depth if parent_key else SINGLE_DEPTH
        child = Row(rows.alias, depth, rows.all_rows(parent_key))
        return rows.matching(parent_key, render_object(field.selection, child, context)).scalar_subquery()

    return nest_or_join(
        field, declaration.match, row, context, build, MANY_DEPTH if declaration.through else SINGLE_DEPTH
    )


def render_many(field: FieldPlan, declaration: Many, row: Row, context: Context) -> Expression:
    """Render a to-many relation.

    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t2.title AS title, … FROM related AS t2 WHERE t2.article_id = t1.id ORDER BY t2.position
    ) AS s2)
    """

    def build(parent_key: ParentKey | None) -> Expression:
        rows = Relation(field, declaration, context)
        alias = f"s{next(context.numbers)}"
        within = _position_range(field, declaration, context)
        depth = parent_key.depth if parent_key else MANY_DEPTH
        child = Row(alias, depth, rows.all_rows(parent_key, within))

        def ordered() -> Select[Any]:
            query = rows.matching(parent_key, *columns_for(child, rows.alias)).order_by(*rows.order)
            if within is not None:
                return query.where(within(rows.alias))
            if not field.definition.args:
                return query
            start, end = context.bind(field, "start", INTEGER), context.bind(field, "end", INTEGER)
            return query.limit(end - start).offset(start)

        return render_array(field.selection, child, context, ordered)

    return nest_or_join(field, declaration.match, row, context, build, MANY_DEPTH)


def _position_range(field: FieldPlan, declaration: Many, context: Context) -> Within | None:
    """Return the slice as a condition on the position column of an alias; None without such a column."""
    column = declaration.position
    if column is None or not field.definition.args:
        return None
    start, end = context.bind(field, "start", INTEGER), context.bind(field, "end", INTEGER)
    return lambda alias: and_(column_ref(alias, column) >= start, column_ref(alias, column) < end)


class Relation:
    """The rows of a relation: their FROM clause and the conditions on it."""

    def __init__(self, field: FieldPlan, declaration: One | Many, context: Context) -> None:
        entity = field.selection.entity
        assert entity is not None, f"{field.selection.type_name} declares no entity"
        self.field, self.declaration, self.context = field, declaration, context
        self.entity, self.match, self.through = entity, declaration.match, declaration.through
        number = next(context.numbers)
        self.alias, self.join_alias = f"t{number}", f"n{number}"

    @property
    def source(self) -> FromClause:
        """FROM clause: `article AS t2`, or `url_owner AS n2 CROSS JOIN article AS t2`.

        SQLite should read the join table first, which has the parent's key.
        """
        if self.through is None:
            return aliased(self.entity.table, self.alias)
        return cross_join(
            f"{self.through.table} AS {self.join_alias}", f"{self.entity.table} AS {self.alias}"
        )

    @property
    def key(self) -> Expression:
        """The column that has to equal the parent's key."""
        if self.through is not None:
            return column_ref(self.join_alias, self.through.source_key)
        assert self.match is not None
        return column_ref(self.alias, self.match.child)

    @property
    def order(self) -> list[Expression]:
        requested = self.context.shapes.get(self.field.number)
        if isinstance(requested, tuple):
            return ordering(requested, [column_ref(self.alias, term.column) for term in requested])
        if self.through is not None and self.through.position:
            return [column_ref(self.join_alias, self.through.position)]
        if isinstance(self.declaration, Many) and self.declaration.position:
            return [column_ref(self.alias, self.declaration.position)]
        order = self.entity.order
        return ordering(order, [column_ref(self.alias, term.column) for term in order])

    def matching(self, parent_key: ParentKey | None, *columns: Expression) -> Select[Any]:
        """Select columns of the visible rows that match the parent key."""
        audience = self.context.audience
        query = select(*columns).select_from(self.source).where(visible(self.entity, self.alias, audience))
        if self.through is not None:
            assert self.match is not None
            query = query.where(
                column_ref(self.alias, self.match.child)
                == column_ref(self.join_alias, self.through.target_key),
                visible(self.through, self.join_alias, audience),
            )
        return query.where(self.key == parent_key.key) if parent_key else query

    def all_rows(self, parent_key: ParentKey | None, within: Within | None = None) -> SelectColumn:
        """Return a selector for all rows of the level.

        SELECT t5.id FROM article AS t5 WHERE t5.id IN (… the parent keys …)
        """

        def of_column(column: str) -> Select[Any]:
            rows = Relation(self.field, self.declaration, self.context)
            query = rows.matching(None, column_ref(rows.alias, column).label("key"))
            if within is not None:
                query = query.where(within(rows.alias))
            return query.where(rows.key.in_(parent_key.all_keys())) if parent_key else query

        return of_column


# Node lookups by global id. One bound JSON array holds each id as `[type, natural key]`.


def render_node_lookup(field: FieldPlan, declaration: NodeLookup, _row: Row, context: Context) -> Expression:
    """Render a node lookup.

    (SELECT json_group_array(CASE
        WHEN e1.value ->> 0 = 'Article' THEN (SELECT … WHERE t2.slug = e1.value ->> 1) …
    END) FROM json_each(?) AS e1)
    """
    alias = f"e{next(context.numbers)}"
    kind: Expression = literal_column(f"{alias}.value ->> 0")
    key: Expression = literal_column(f"{alias}.value ->> 1")
    choices = [
        (kind == quoted(name), _render_node(field, plan, key, context))
        for name, plan in field.objects.items()
    ]
    node = case(*choices)
    dialect = context.dialect
    source = dialect.json_items(context.bind(field, "refs", TEXT), alias)
    json = node if declaration.single else dialect.json_collect(node)
    return select(json).select_from(source).scalar_subquery()


def _render_node(field: FieldPlan, plan: ObjectPlan, key: Expression, context: Context) -> Expression:
    entity = plan.entity
    assert entity is not None, f"{plan.type_name} declares no entity"
    assert entity.node_key is not None, f"{plan.type_name} declares no node key"
    alias = f"t{next(context.numbers)}"

    def all_rows(column: str) -> Select[Any]:
        ref = f"e{next(context.numbers)}"
        ref_kind: Expression = literal_column(f"{ref}.value ->> 0")
        ref_key: Expression = literal_column(f"{ref}.value ->> 1")
        source = context.dialect.json_items(context.bind(field, "refs", TEXT), ref)
        refs = select(ref_key).select_from(source).where(ref_kind == quoted(plan.type_name))
        node = f"t{next(context.numbers)}"
        query = select(column_ref(node, column).label("key")).select_from(aliased(entity.table, node))
        return query.where(
            _has_natural_key(entity, node, refs, context), visible(entity, node, context.audience)
        )

    json = render_object(plan, Row(alias, LIST_DEPTH, all_rows), context)
    query = select(json).select_from(aliased(entity.table, alias))
    query = query.where(
        _has_natural_key(entity, alias, key, context), visible(entity, alias, context.audience)
    )
    return query.scalar_subquery()


def _has_natural_key(
    entity: Entity, alias: str, key: Expression | Select[Any], context: Context
) -> ColumnElement[bool]:
    """Condition for rows with one of the natural keys, or joined to a `node_through` row with one of them."""
    key_column = column_ref(alias, str(entity.node_key))
    through = entity.node_through
    if through is None:
        return key_column.in_(key) if isinstance(key, Select) else key_column == key
    join_alias = f"n{next(context.numbers)}"
    source_key = column_ref(join_alias, through.source_key)
    target_keys = (
        select(column_ref(join_alias, through.target_key))
        .select_from(aliased(through.table, join_alias))
        .where(
            visible(through, join_alias, context.audience),
            source_key.in_(key) if isinstance(key, Select) else source_key == key,
        )
    )
    return key_column.in_(target_keys)
