"""Render relations to one row and to many rows, and node lookups by global id."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, func, literal_column, select

from gqlnews.query.fields import Entity, JoinKey, JoinTable, Many, NodeLookup, One
from gqlnews.query.sql.conditions import ordering
from gqlnews.query.sql.cte_levels import Link, linked
from gqlnews.query.sql.objects import columns_for, quoted, render_array, render_object
from gqlnews.query.sql.rows import (
    LISTED,
    MANY,
    SINGLE,
    Context,
    Everything,
    Expression,
    Row,
    aliased,
    column_of,
    visible,
)
from gqlnews.query.tree import FieldPlan, ObjectPlan

# Render relations to one row and to many rows.


Within = Callable[[str], ColumnElement[bool]]


def render_one(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render a to-one relation.

    (SELECT json_object(…) FROM provider AS t2 WHERE t2.domain = s1.provider_domain AND t2.scope = 0)
    """
    declaration = field.declaration
    assert isinstance(declaration, One)

    def build(link: Link | None) -> Expression:
        rows = Relation.of(field, declaration, context)
        child = Row(rows.alias, link.depth if link else SINGLE, rows.everything(link, context))
        body = render_object(field.selection, child, context)
        return rows.matching(link, body).scalar_subquery()

    return linked(field, declaration.match, row, context, build, MANY if declaration.through else SINGLE)


def render_many(field: FieldPlan, row: Row, context: Context) -> Expression:
    """Render a to-many relation.

    (SELECT json_group_array(json_object(…)) FROM (
        SELECT t2.title AS title, … FROM related AS t2 WHERE t2.article_id = t1.id ORDER BY t2.position
    ) AS s2)
    """
    declaration = field.declaration
    assert isinstance(declaration, Many)

    def build(link: Link | None) -> Expression:
        rows = Relation.of(field, declaration, context)
        alias = f"s{next(context.numbers)}"
        within = _slice(field, declaration, context)
        child = Row(alias, link.depth if link else MANY, rows.everything(link, context, within))

        def ordered() -> Select[Any]:
            query = rows.matching(link, *columns_for(child, rows.alias))
            return _sliced(field, declaration, query, rows, context)

        return render_array(field.selection, child, context, ordered)

    return linked(field, declaration.match, row, context, build, MANY)


def _sliced(
    field: FieldPlan, declaration: Many, query: Select[Any], rows: "Relation", context: Context
) -> Select[Any]:
    query = query.order_by(*rows.order)
    if not field.definition.args:
        return query
    within = _slice(field, declaration, context)
    if within is not None:
        return query.where(within(rows.alias))
    start, end = context.bind(field, "start"), context.bind(field, "end")
    return query.limit(end - start).offset(start)


def _slice(field: FieldPlan, declaration: Many, context: Context) -> Within | None:
    """Return the slice as a predicate on the position column of an alias; None without such a column."""
    column = declaration.position
    if column is None or not field.definition.args:
        return None
    start, end = context.bind(field, "start"), context.bind(field, "end")
    return lambda alias: and_(column_of(alias, column) >= start, column_of(alias, column) < end)


class Relation:
    """The rows of a relation: their FROM clause and the conditions on it."""

    def __init__(
        self,
        entity: Entity,
        match: JoinKey | None,
        through: JoinTable | None,
        context: Context,
        position: str | None,
    ) -> None:
        number = next(context.numbers)
        self.entity, self.through, self.match = entity, through, match
        self.alias, self.near = f"t{number}", f"n{number}"
        self.audience = context.audience
        self.visible = visible(entity, self.alias, context.audience)
        self.position = position

    @staticmethod
    def of(field: FieldPlan, declaration: One | Many, context: Context) -> "Relation":
        entity = field.selection.entity
        assert entity is not None, f"{field.selection.type_name} declares no entity"
        position = declaration.position if isinstance(declaration, Many) else None
        return Relation(entity, declaration.match, declaration.through, context, position)

    @property
    def source(self) -> FromClause:
        """FROM clause: `article AS t2`, or `url_owner AS n2 JOIN article AS t2 ON t2.id = n2.article_id`."""
        rows = aliased(self.entity.table, self.alias)
        if self.through is None:
            return rows
        near = aliased(self.through.table, self.near)
        assert self.match is not None
        return near.join(
            rows, column_of(self.alias, self.match.child) == column_of(self.near, self.through.far)
        )

    @property
    def key(self) -> Expression:
        """The column that equals the parent's key."""
        if self.through is not None:
            return column_of(self.near, self.through.near)
        assert self.match is not None
        return column_of(self.alias, self.match.child)

    @property
    def order(self) -> list[Expression]:
        if self.through is not None and self.through.position:
            return [column_of(self.near, self.through.position)]
        if self.position:
            return [column_of(self.alias, self.position)]
        order = self.entity.order
        return ordering(order, [column_of(self.alias, term.column) for term in order])

    def matching(self, link: Link | None, *columns: Expression) -> Select[Any]:
        """Select columns of the visible rows that match the parent key."""
        query = select(*columns).select_from(self.source).where(self.visible)
        if self.through is not None:
            query = query.where(visible(self.through, self.near, self.audience))
        return query.where(self.key == link.key) if link else query

    def everything(self, link: Link | None, context: Context, within: Within | None = None) -> Everything:
        """Return a selector for all rows of the level.

        SELECT t5.id FROM article AS t5 WHERE t5.id IN (… the parent keys …)
        """

        def of_column(column: str) -> Select[Any]:
            rows = Relation(self.entity, self.match, self.through, context, self.position)
            query = rows.matching(None, column_of(rows.alias, column).label("key"))
            if within is not None:
                query = query.where(within(rows.alias))
            return query.where(rows.key.in_(link.all_keys())) if link else query

        return of_column


# Render node lookups by global id. One bound JSON array holds each id as `[type, natural key]`.


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
