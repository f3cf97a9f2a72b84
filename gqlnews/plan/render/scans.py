"""Scans: one pass over the rows of a listing, as `SELECT … FROM … WHERE …`.

Where the rows lie behind a junction, a scan reads

- the junction alone, where it repeats every column that is asked for: a topic's newest articles;
- the junction and the rows, where it at least repeats the order;
- the rows whose key is among those that the junction leads to, where it repeats nothing: an article that
  lists another twice refers to it once.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, literal_column, select

from gqlnews.plan.audience import Audience
from gqlnews.plan.declare import Entity, Junction, Match
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.rows import aliased, column_of, visible


class Scan:
    """Rows of `entity`, `t4`, that the caller may see, behind a junction, `n4`, where there is one.

    `alone`: nothing but what the junction repeats is asked for.
    """

    def __init__(
        self, entity: Entity, match: Match | None, through: Junction | None, context: Context, *, alone: bool
    ) -> None:
        self.entity, self.match, self.through = entity, match, through
        self.number = next(context.numbers)
        self.rows, self.near = f"t{self.number}", f"n{self.number}"
        self.alone = alone and bool(through and through.copies)
        self.audience: Audience = context.audience

    @property
    def key(self) -> Expression:
        """The key of the row."""
        if self.alone and self.through is not None:
            return column_of(self.near, self.through.far)
        return column_of(self.rows, self.entity.key)

    def column(self, name: str) -> Expression:
        copied = self.through is not None and name in self.through.copies
        return column_of(self.near if copied else self.rows, name)

    def select(self, parent: Expression | Select[Any] | None, *columns: Expression) -> Select[Any]:
        """Columns of the visible rows of one parent, of several, or of all where there are no parents."""
        query = select(*columns).select_from(self.source).where(self.visible)
        if self.match is None or parent is None:
            return query
        if self.through is None:
            return query.where(_is(column_of(self.rows, self.match.child), parent))
        if self.through.copies:
            return query.where(_is(column_of(self.near, self.through.near), parent))
        near = select(column_of(self.near, self.through.far)).select_from(
            aliased(self.through.table, self.near)
        )
        near = near.where(
            visible(self.through, self.near, self.audience),
            _is(column_of(self.near, self.through.near), parent),
        )
        return query.where(self.key.in_(near))

    @property
    def visible(self) -> ColumnElement[bool]:
        if self.alone and self.through is not None:
            return visible(self.through, self.near, self.audience)
        return visible(self.entity, self.rows, self.audience)

    @property
    def source(self) -> FromClause:
        rows = aliased(self.entity.table, self.rows)
        if self.through is None or not self.through.copies:
            return rows
        near = aliased(self.through.table, self.near)
        if self.alone:
            return near
        return near.join(
            rows, column_of(self.rows, self.entity.key) == column_of(self.near, self.through.far)
        )


def _is(column: Expression, parent: Expression | Select[Any]) -> ColumnElement[bool]:
    return column.in_(parent) if isinstance(parent, Select) else column == parent


ONE: Expression = literal_column("1")
