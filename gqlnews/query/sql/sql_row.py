"""Rows during rendering: one row by its alias, and all rows of its level by a SELECT."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, false, func, literal_column, table, true
from sqlalchemy.sql.elements import quoted_name

from gqlnews.query.audience import Audience
from gqlnews.query.fields import Column, Entity, JoinTable, Kind, Visibility

Everything = Callable[[str], Select[Any]]

ONE, MANY, LISTED = 1, 2, 3
"""Nesting depth that a relation adds: to one row, to many rows, to the rows of a page or group."""


@dataclass(slots=True)
class Row:
    """One row of a level. `depth` is its nesting depth in its layer, the sum over the relations above it.

    `everything(column)` selects that column for all rows of the level. It may select extra rows, because it
    only determines the keys that a layer below is built for. `used` are the columns read so far.
    """

    alias: str
    depth: int
    everything: Everything
    used: dict[str, None] = field(default_factory=dict)

    @staticmethod
    def nowhere() -> "Row":
        """The parent of the root fields, without columns."""
        return Row("", 0, no_relation)

    @staticmethod
    def leaf(alias: str = "") -> "Row":
        """A row without further relations."""
        return Row(alias, LISTED, no_relation)

    def column(self, name: str) -> ColumnElement[Any]:
        self.used[name] = None
        return column_of(self.alias, name)

    def value(self, column: Column) -> ColumnElement[Any]:
        """Return the column converted to JSON."""
        return as_json(self.column(column.name), column.kind)


def as_json(value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
    """Convert a value to JSON. SQLite has no booleans, so 0 and 1 are mapped to false and true."""
    if kind is Kind.BOOLEAN:
        return case((value, literal_column("json('true')")), else_=literal_column("json('false')"))
    return func.json(value) if kind is Kind.JSON else value


def item_of(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """Escape a key as a list item between line feeds, in SQL, the way text_keys.py does."""
    line_feed: ColumnElement[Any] = literal_column("char(10)")
    item = func.replace(key, literal_column("'\\'"), literal_column("'\\\\'"))
    return line_feed.concat(func.replace(item, line_feed, literal_column("'\\n'"))).concat(line_feed)


def cross_join(left: str, right: str) -> FromClause:
    """Cross join of two sources given as SQL. SQLite does not reorder it: the left one is the outer loop."""
    return table(quoted_name(f"{left} CROSS JOIN {right}", quote=False))


@lru_cache(4096)
def column_of(alias: str, name: str) -> ColumnElement[Any]:
    return literal_column(f"{alias}.{name}")


def aliased(name: str, alias: str) -> FromClause:
    return table(name).alias(alias)


def visible(table: Entity | JoinTable, alias: str, audience: Audience) -> ColumnElement[bool]:
    """Predicate on an alias that hides the rows an audience may not see."""
    match table.seen:
        case Visibility.PUBLISHED if audience is Audience.PUBLIC:
            return literal_column(f"{alias}.published = 1")
        case Visibility.SCOPE:
            return literal_column(f"{alias}.scope = {audience.scope}")
        case Visibility.AUDIENCE:
            return literal_column(f"{alias}.audience = {int(audience)}")
        case Visibility.EDITOR if audience is not Audience.EDITOR:
            return false()
        case _:
            return true()


def no_relation(column: str) -> Select[Any]:
    raise LookupError(f"no link leads on from here by {column}")
