"""Table scans: one pass over the rows of a listing, as `SELECT … FROM … WHERE …`.

Rows behind a join table have one of four access paths:

- `JUNCTION`: only the join table, if it has every column that is read: a topic's newest articles;
- `ITEMS`: only the rows, if they hold the join keys in a list column: a topic's articles that pass a filter;
- `JOINED`: the join table and its rows, if it holds only visible rows, each once: the hits of a search;
- `KEYS`: the rows whose keys a subquery on the join table returns: an article that lists another one twice
  refers to it once.
"""

from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, literal_column, select

from gqlnews.query.fields import Entity, JoinKey, JoinTable
from gqlnews.query.sql.context import Context, Expression
from gqlnews.query.sql.sql_row import aliased, column_of, item_of, visible

ONE: Expression = literal_column("1")
ZERO: Expression = literal_column("0")


class AccessPath(Enum):
    """Access path; `ROWS` is the table itself, without a join table."""

    ROWS = auto()
    JUNCTION = auto()
    ITEMS = auto()
    JOINED = auto()
    KEYS = auto()


class TableScan:
    """Scan of the visible rows of `entity` (alias `t4`), optionally through a join table (alias `n4`).

    `alone`: the join table has all columns that are read.
    """

    def __init__(
        self,
        entity: Entity,
        match: JoinKey | None,
        through: JoinTable | None,
        context: Context,
        *,
        alone: bool,
    ) -> None:
        self.entity, self.match, self.through = entity, match, through
        number = next(context.numbers)
        self.rows, self.near = f"t{number}", f"n{number}"
        self.audience = context.audience
        self.way = _way(through, alone=alone)

    @property
    def key(self) -> Expression:
        """The entity key of the row."""
        if self.way is AccessPath.JUNCTION and self.through is not None:
            return column_of(self.near, self.through.far)
        return column_of(self.rows, self.entity.key)

    def column(self, name: str) -> Expression:
        """A column of the row. With `KEYS`, a unary plus keeps SQLite from scanning an index instead."""
        if self.way is AccessPath.KEYS:
            return literal_column(f"+{self.rows}.{name}")
        copied = self.way is AccessPath.JOINED and self.through is not None and name in self.through.copies
        return column_of(self.near if copied or self.way is AccessPath.JUNCTION else self.rows, name)

    def select(
        self,
        parent: Expression | Select[Any] | None,
        passes: ColumnElement[bool],
        *columns: Expression,
        item: Expression | None = None,
    ) -> Select[Any]:
        """Select columns of the visible rows that pass, for one parent, several parents, or without a parent.

        `item` is the parent key escaped as a list item. SQLite evaluates conditions without an index in the
        order written, so the expensive one, the search in a list column, comes last.
        """
        query = select(*columns).select_from(self._source).where(self._visible, passes)
        return query if self.match is None or parent is None else query.where(self._belongs(parent, item))

    def _belongs(self, parent: Expression | Select[Any], item: Expression | None) -> ColumnElement[bool]:
        if self.through is None:
            assert self.match is not None
            return _is(column_of(self.rows, self.match.child), parent)
        near = column_of(self.near, self.through.near)
        match self.way:
            case AccessPath.ITEMS:
                return _has_item(column_of(self.rows, str(self.through.items)), parent, item)
            case AccessPath.KEYS:
                keys = select(column_of(self.near, self.through.far)).select_from(self._junction)
                keys = keys.where(visible(self.through, self.near, self.audience), _is(near, parent))
                return self.key.in_(keys)
            case _:
                return _is(near, parent)

    @property
    def _visible(self) -> ColumnElement[bool]:
        if self.way in (AccessPath.JUNCTION, AccessPath.JOINED) and self.through is not None:
            return visible(self.through, self.near, self.audience)
        return visible(self.entity, self.rows, self.audience)

    @property
    def _junction(self) -> FromClause:
        assert self.through is not None
        return aliased(self.through.table, self.near)

    @property
    def source(self) -> FromClause:
        """The entity table under its alias."""
        return aliased(self.entity.table, self.rows)

    @property
    def _source(self) -> FromClause:
        match self.way:
            case AccessPath.JUNCTION:
                return self._junction
            case AccessPath.JOINED:
                assert self.through is not None
                far = column_of(self.near, self.through.far)
                return self._junction.join(self.source, self.key == far)
            case _:
                return self.source


def _way(through: JoinTable | None, *, alone: bool) -> AccessPath:
    if through is None:
        return AccessPath.ROWS
    if not through.copies:
        return AccessPath.KEYS
    if alone:
        return AccessPath.JUNCTION
    return AccessPath.ITEMS if through.items else AccessPath.JOINED


def _is(column: Expression, parent: Expression | Select[Any]) -> ColumnElement[bool]:
    return column.in_(parent) if isinstance(parent, Select) else column == parent


def _has_item(
    items: Expression, parent: Expression | Select[Any], item: Expression | None
) -> ColumnElement[bool]:
    """Whether a list column contains the key, or one of the keys. `item` is the key, already escaped."""
    if isinstance(parent, Select):
        parents = parent.subquery("keys")
        return exists(
            select(ONE).select_from(parents).where(_has_item(items, column_of("keys", "key"), None))
        )
    return func.instr(items, item_of(parent) if item is None else item) > ZERO
