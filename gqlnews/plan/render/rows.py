"""Rows as the SQL around them sees them: by alias, and, all of a level at once, by `SELECT`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, case, false, func, literal_column, table, true
from sqlalchemy.sql.elements import quoted_name

from gqlnews.plan.audience import Audience
from gqlnews.plan.declare import Column, Entity, Junction, Kind, Seen

Everything = Callable[[str], Select[Any]]

ONE, MANY, LISTED = 1, 2, 3
"""How much deeper a link leads: to one row, to many, and to the rows of a page or of a group."""


@dataclass(slots=True)
class Row:
    """One row of a level, so `depth` below the root of its layer: what the links to it add up to.

    `everything(column)` selects that column of all rows of the level, and may select a few too many: it only
    says which keys a layer below has to make. `used` are the columns that were asked for.
    """

    alias: str
    depth: int
    everything: Everything
    used: dict[str, None] = field(default_factory=dict)

    @staticmethod
    def nowhere() -> "Row":
        """What the root fields hang from: it has no columns."""
        return Row("", 0, leads_nowhere)

    @staticmethod
    def leaf(alias: str = "") -> "Row":
        """A row from which no link leads on."""
        return Row(alias, LISTED, leads_nowhere)

    def column(self, name: str) -> ColumnElement[Any]:
        self.used[name] = None
        return column_of(self.alias, name)

    def value(self, column: Column) -> ColumnElement[Any]:
        """The column as it stands in JSON."""
        return as_json(self.column(column.name), column.kind)


def as_json(value: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
    """SQLite has no booleans, and its JSON would be 0 and 1."""
    if kind is Kind.BOOLEAN:
        return case((value, literal_column("json('true')")), else_=literal_column("json('false')"))
    return func.json(value) if kind is Kind.JSON else value


def item_of(key: ColumnElement[Any]) -> ColumnElement[Any]:
    """The key as it stands among items, as keys.py writes it, between line feeds."""
    line_feed: ColumnElement[Any] = literal_column("char(10)")
    item = func.replace(key, literal_column("'\\'"), literal_column("'\\\\'"))
    return line_feed.concat(func.replace(item, line_feed, literal_column("'\\n'"))).concat(line_feed)


def crossed(left: str, right: str) -> FromClause:
    """Two sources by their SQL, the left one read first: SQLite leaves the order of a cross join alone."""
    return table(quoted_name(f"{left} CROSS JOIN {right}", quote=False))


@lru_cache(4096)
def column_of(alias: str, name: str) -> ColumnElement[Any]:
    return literal_column(f"{alias}.{name}")


def aliased(name: str, alias: str) -> FromClause:
    return table(name).alias(alias)


def visible(table: Entity | Junction, alias: str, audience: Audience) -> ColumnElement[bool]:
    """What hides the rows of a table from an audience, as a condition on its alias."""
    match table.seen:
        case Seen.PUBLISHED if audience is Audience.PUBLIC:
            return literal_column(f"{alias}.published = 1")
        case Seen.SCOPE:
            return literal_column(f"{alias}.scope = {audience.scope}")
        case Seen.AUDIENCE:
            return literal_column(f"{alias}.audience = {int(audience)}")
        case Seen.EDITOR if audience is not Audience.EDITOR:
            return false()
        case _:
            return true()


def leads_nowhere(column: str) -> Select[Any]:
    raise LookupError(f"no link leads on from here by {column}")
