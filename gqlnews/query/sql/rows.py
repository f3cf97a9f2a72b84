"""Rows during rendering, and the context that is passed to every field renderer."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    bindparam,
    case,
    exists,
    false,
    func,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.sql.elements import quoted_name

from gqlnews.errors import Code, RequestError
from gqlnews.query.fields import Audience, Column, Entity, JoinKey, JoinTable, Kind, Visibility
from gqlnews.query.tree import FieldPlan, RequestRefusedError

# Rows during rendering: one row by its alias, and all rows of its level by a SELECT.


Everything = Callable[[str], Select[Any]]

SINGLE, MANY, LISTED = 1, 2, 3
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


# The render context that is passed to every field renderer.


Expression = ColumnElement[Any]
AnySelect = Select[Any] | CompoundSelect[Any]
FieldRenderer = Callable[[FieldPlan, Row, "Context"], Expression]


def bound_name(number: int, name: str) -> str:
    """Return the parameter name of a field's value: `f3_limit`."""
    return f"f{number}_{name}"


@dataclass(slots=True)
class Context:
    """State of rendering one statement. `expressions` are its CTEs by name, in creation order.

    `refusals` are the errors that fail the request if their condition holds when the statement runs.
    """

    audience: Audience
    shapes: Mapping[int, Hashable]
    renderers: Mapping[type, FieldRenderer]
    expressions: dict[str, AnySelect] = field(default_factory=dict)
    refusals: list[tuple[ColumnElement[bool], RequestRefusedError]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def render(self, plan: FieldPlan, row: Row) -> Expression:
        return self.renderers[type(plan.declaration)](plan, row, self)

    def materialize(self, name: str, query: AnySelect) -> FromClause:
        """Add `query` as a CTE. It may refer to itself and to earlier CTEs."""
        self.expressions[name] = query
        return table(name)

    def refuse_where(self, condition: ColumnElement[bool], plan: FieldPlan, code: Code, message: str) -> None:
        """Fail the whole request if `condition` holds, with an error located at the field."""
        error = RequestRefusedError(RequestError(code, message), plan.node, plan.path)
        self.refusals.append((condition, error))

    def bind(self, plan: FieldPlan, name: str) -> BindParameter[Any]:
        """Return the bound parameter of a field's value. All request values enter the SQL through here."""
        return bindparam(bound_name(plan.number, name))


# Table scans: one pass over the rows of a listing, as `SELECT … FROM … WHERE …`.
#
# Rows behind a join table have one of four access paths:
#
# - `JUNCTION`: only the join table, if it has every column that is read: a topic's newest articles; -
# `ITEMS`: only the rows, if they hold the join keys in a list column: a topic's articles that pass a filter;
# - `JOINED`: the join table and its rows, if it holds only visible rows, each once: the hits of a search; -
# `KEYS`: the rows whose keys a subquery on the join table returns: an article that lists another one twice
# refers to it once.


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
