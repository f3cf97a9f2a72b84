"""The page of a connection: which rows, for which parent, as a CTE that everything else reads.

    p3 AS MATERIALIZED (SELECT t3.id AS id, t3.published_at AS k0, t3.slug AS k1 FROM article AS t3
                        WHERE … ORDER BY t3.published_at DESC, t3.slug LIMIT ?)

With parents, each key of `kN` has a page of its own:

    p3 AS MATERIALIZED (SELECT k2.key AS parent, t3.id AS id, t3.published_at AS k0, t3.slug AS k1
                        FROM k2 JOIN article AS t3 ON t3.id IN (SELECT … WHERE t4.topic = k2.key … LIMIT ?))
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, select

from gqlnews.plan.arguments import PageShape
from gqlnews.plan.declare import Connection, Entity, OrderTerm
from gqlnews.plan.nodes import FieldPlan
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.keyset import Value, beyond, ordering
from gqlnews.plan.render.layers import Link
from gqlnews.plan.render.rows import aliased, column_of, visible


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a connection goes over for one parent, whatever the page."""

    field: FieldPlan
    context: Context
    parent: Expression | None

    @property
    def entity(self) -> Entity:
        return self.declaration.entity

    @property
    def declaration(self) -> Connection:
        assert isinstance(self.field.declaration, Connection)
        return self.field.declaration

    @property
    def terms(self) -> tuple[OrderTerm, ...]:
        return self.declaration.entity.order

    @property
    def shape(self) -> PageShape:
        shape = self.context.shapes[self.field.number]
        assert isinstance(shape, PageShape)
        return shape

    @property
    def key(self) -> str:
        """The column of the source that is the entity's key."""
        through = self.declaration.through
        return through.far if through else self.entity.key

    def select(self, alias: str, *columns: Expression) -> Select[Any]:
        """Columns of the rows of one parent that the caller may see."""
        match, through = self.declaration.match, self.declaration.through
        source = aliased(through.table if through else self.entity.table, alias)
        query = select(*columns).select_from(source).where(visible(self.entity, alias, self.context.audience))
        if match is not None:
            query = query.where(column_of(alias, through.near if through else match.child) == self.parent)
        return query

    def count(self) -> Expression:
        alias = f"t{next(self.context.numbers)}"
        return self.select(alias, func.count()).scalar_subquery()

    def any_row(self, condition: ColumnElement[bool] | None, alias: str) -> ColumnElement[bool]:
        query = self.select(alias, column_of(alias, self.key))
        return exists(query if condition is None else query.where(condition))

    def page_keys(self, alias: str, *columns: Expression) -> Select[Any]:
        """The rows of the page, walked from the end that the page is counted from."""
        shape, values = self.shape, columns_of(alias)
        query = self.select(alias, *columns)
        if shape.after:
            query = query.where(beyond(self.terms, values, self.bound("after")))
        if shape.before:
            query = query.where(beyond(self.terms, values, self.bound("before"), backward=True))
        limit = self.context.bind(self.field, "limit")
        return query.order_by(*ordering(self.terms, values, backward=shape.backward)).limit(limit)

    def bound(self, name: str) -> Value:
        return lambda at, _term: self.context.bind(self.field, f"{name}{at}")


def columns_of(alias: str) -> Value:
    return lambda _at, term: column_of(alias, term.column)


def keys_of(alias: str) -> Value:
    """The order keys of a page, as its CTE names them."""
    return lambda at, _term: column_of(alias, f"k{at}")


def page_of(listing: Listing, link: Link | None) -> tuple[FromClause, str]:
    """The page's CTE and its name."""
    number = next(listing.context.numbers)
    alias, name = f"t{number}", f"p{number}"
    keys = [column_of(alias, term.column).label(f"k{at}") for at, term in enumerate(listing.terms)]
    if link is None or link.keys is None:
        row = [column_of(alias, listing.key).label("id"), *keys]
        return listing.context.materialize(name, listing.page_keys(alias, *row)), name
    inner = f"t{next(listing.context.numbers)}"
    chosen = listing.page_keys(inner, column_of(inner, listing.key))
    entity, context = listing.entity, listing.context
    row_key = column_of(alias, entity.key)
    query = (
        select(link.key.label("parent"), row_key.label("id"), *keys)
        .select_from(link.keys.join(aliased(entity.table, alias), row_key.in_(chosen)))
        .where(visible(entity, alias, context.audience))
    )
    return context.materialize(name, query), name
