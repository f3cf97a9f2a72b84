"""Scans: one pass over the rows of a listing, as `SELECT … FROM … WHERE …`.

Where the rows lie behind a junction, there are four ways to them:

- the junction alone, where it repeats every column that is asked for: a topic's newest articles;
- the rows alone, where they hold the junction's keys as items: a topic's articles that pass a filter;
- the junction and its rows, where it holds visible ones alone, each once: what a search found;
- the rows whose keys the junction leads to: an article that lists another twice refers to it once.
"""

from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, literal_column, select

from gqlnews.plan.declare import Entity, Junction, Match
from gqlnews.plan.render.context import Context, Expression
from gqlnews.plan.render.rows import aliased, column_of, item_of, visible

ONE: Expression = literal_column("1")
ZERO: Expression = literal_column("0")


class Way(Enum):
    ROWS = auto()
    JUNCTION = auto()
    ITEMS = auto()
    JOINED = auto()
    KEYS = auto()


class Scan:
    """Rows of `entity`, `t4`, that the caller may see, behind a junction, `n4`, where there is one.

    `alone`: nothing but what the junction repeats is asked for.
    """

    def __init__(
        self, entity: Entity, match: Match | None, through: Junction | None, context: Context, *, alone: bool
    ) -> None:
        self.entity, self.match, self.through = entity, match, through
        number = next(context.numbers)
        self.rows, self.near = f"t{number}", f"n{number}"
        self.audience = context.audience
        self.way = _way(through, alone=alone)

    @property
    def key(self) -> Expression:
        """The key of the row."""
        if self.way is Way.JUNCTION and self.through is not None:
            return column_of(self.near, self.through.far)
        return column_of(self.rows, self.entity.key)

    def column(self, name: str) -> Expression:
        """A column of the row. Where keys are looked up, the plus keeps SQLite from walking an index."""
        if self.way is Way.KEYS:
            return literal_column(f"+{self.rows}.{name}")
        copied = self.way is Way.JOINED and self.through is not None and name in self.through.copies
        return column_of(self.near if copied or self.way is Way.JUNCTION else self.rows, name)

    def select(
        self,
        parent: Expression | Select[Any] | None,
        passes: ColumnElement[bool],
        *columns: Expression,
        item: Expression | None = None,
    ) -> Select[Any]:
        """Columns of the visible rows that pass, of one parent, of several, or of all where there are none.

        `item` is the parent as an item among items.

        SQLite tests in the order written where no index serves: what is dear, to search items, comes last.
        """
        query = select(*columns).select_from(self._source).where(self._visible, passes)
        return query if self.match is None or parent is None else query.where(self._belongs(parent, item))

    def _belongs(self, parent: Expression | Select[Any], item: Expression | None) -> ColumnElement[bool]:
        if self.through is None:
            assert self.match is not None
            return _is(column_of(self.rows, self.match.child), parent)
        near = column_of(self.near, self.through.near)
        match self.way:
            case Way.ITEMS:
                return _has_item(column_of(self.rows, str(self.through.items)), parent, item)
            case Way.KEYS:
                keys = select(column_of(self.near, self.through.far)).select_from(self._junction)
                keys = keys.where(visible(self.through, self.near, self.audience), _is(near, parent))
                return self.key.in_(keys)
            case _:
                return _is(near, parent)

    @property
    def _visible(self) -> ColumnElement[bool]:
        if self.way in (Way.JUNCTION, Way.JOINED) and self.through is not None:
            return visible(self.through, self.near, self.audience)
        return visible(self.entity, self.rows, self.audience)

    @property
    def _junction(self) -> FromClause:
        assert self.through is not None
        return aliased(self.through.table, self.near)

    @property
    def source(self) -> FromClause:
        """The rows, by their alias."""
        return aliased(self.entity.table, self.rows)

    @property
    def _source(self) -> FromClause:
        match self.way:
            case Way.JUNCTION:
                return self._junction
            case Way.JOINED:
                assert self.through is not None
                far = column_of(self.near, self.through.far)
                return self._junction.join(self.source, self.key == far)
            case _:
                return self.source


def _way(through: Junction | None, *, alone: bool) -> Way:
    if through is None:
        return Way.ROWS
    if not through.copies:
        return Way.KEYS
    if alone:
        return Way.JUNCTION
    return Way.ITEMS if through.items else Way.JOINED


def _is(column: Expression, parent: Expression | Select[Any]) -> ColumnElement[bool]:
    return column.in_(parent) if isinstance(parent, Select) else column == parent


def _has_item(
    items: Expression, parent: Expression | Select[Any], item: Expression | None
) -> ColumnElement[bool]:
    """Whether the items hold the key, or one of the keys. `item`, where given, was made of the key once."""
    if isinstance(parent, Select):
        parents = parent.subquery("keys")
        return exists(
            select(ONE).select_from(parents).where(_has_item(items, column_of("keys", "key"), None))
        )
    return func.instr(items, item_of(parent) if item is None else item) > ZERO
