"""Rows, table scans, and the context that is passed to every field renderer."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from itertools import count
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    exists,
    false,
    func,
    literal_column,
    select,
    table,
    true,
)
from sqlalchemy.types import TypeEngine

from gqlnews.errors import Code
from gqlnews.query.entities import Audience, Entity, JoinTable
from gqlnews.query.fields import Column, JoinKey, Kind
from gqlnews.query.sql.dialect import AnySelect, Dialect, Expression
from gqlnews.query.tree import FieldPlan, LocatedRequestError

SelectColumn = Callable[[str], Select[Any]]
"""Selects a column of all rows of a level."""

SINGLE_DEPTH, MANY_DEPTH, LIST_DEPTH = 1, 2, 3
"""Nesting depth that a relation adds: to one row, to many rows, to the rows of a page or group."""


def no_relation(column: str) -> Select[Any]:
    raise LookupError(f"this row has no relation by {column}")


@dataclass(slots=True)
class Row:
    """One row of a level.

    A *level* is all rows that one field returns, for all its parent rows. A *layer* is a part of the
    statement in which each relation is a subquery nested in its parent row. If that would be too deep, the
    relation starts a new layer in CTEs of its own (cte_levels.py).

    `depth` is the nesting depth of the row in its layer, the sum over the relations above it.
    `all_rows(column)` selects that column of all rows of the level. It may select extra rows, because it only
    determines the parent keys of a new layer. `used_columns` are the columns read so far.
    """

    alias: str
    depth: int
    all_rows: SelectColumn = no_relation
    used_columns: dict[str, None] = field(default_factory=dict)

    def column(self, name: str) -> ColumnElement[Any]:
        self.used_columns[name] = None
        return column_ref(self.alias, name)

    def value(self, column: Column, dialect: Dialect) -> ColumnElement[Any]:
        """Return the column converted to JSON."""
        value = self.column(column.name)
        match column.kind:
            case Kind.BOOLEAN:
                return dialect.json_boolean(dialect.is_true(value))
            case Kind.NULLABLE_BOOLEAN:
                return dialect.json_boolean(dialect.is_true(value), nullable=True)
            case Kind.JSON:
                return dialect.json(value)
            case _:
                return value


def encode_item(key: ColumnElement[Any], dialect: Dialect) -> ColumnElement[Any]:
    """Return SQL that encodes a key as one item of a list column, as `encode_list` in text_keys.py does."""
    newline = dialect.newline()
    item = func.replace(key, literal_column("'\\'"), literal_column("'\\\\'"))
    return newline.concat(func.replace(item, newline, literal_column("'\\n'"))).concat(newline)


@lru_cache(4096)
def column_ref(alias: str, name: str) -> ColumnElement[Any]:
    return literal_column(f"{alias}.{name}")


def aliased(name: str, alias: str) -> FromClause:
    return table(name).alias(alias)


def visible(table: Entity | JoinTable, alias: str, audience: Audience) -> ColumnElement[bool]:
    """Condition on an alias that excludes the rows that an audience may not see."""
    visibility = table.visibility
    if visibility.editor_only and audience is not Audience.EDITOR:
        return false()
    value = visibility.values[audience]
    return true() if value is None else literal_column(f"{alias}.{visibility.column} = {value}")


# Context.

FieldRenderer = Callable[[FieldPlan, Any, Any, "Context"], Expression]
"""Renders a field with a declaration, of a row. Their classes depend on the renderer."""


def bound_name(number: int, name: str) -> str:
    """Return the parameter name of a field's value: `f3_limit`."""
    return f"f{number}_{name}"


@dataclass(slots=True)
class Context:
    """State of rendering one statement.

    `shapes` are the values that determine the SQL of a field, except for bound values, by field number: the
    `shape` of its ResolvedArguments. `ctes` are by name, in creation order. `error_conditions` are the
    errors that fail the request, each with the SQL condition that causes it.
    """

    audience: Audience
    shapes: Mapping[int, Hashable]
    renderers: Mapping[type, FieldRenderer]
    dialect: Dialect
    ctes: dict[str, AnySelect] = field(default_factory=dict)
    error_conditions: list[tuple[ColumnElement[bool], LocatedRequestError]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def render(self, plan: FieldPlan, row: Row) -> Expression:
        return self.renderers[type(plan.declaration)](plan, plan.declaration, row, self)

    def materialize(self, name: str, query: AnySelect) -> FromClause:
        """Add `query` as a CTE. It may refer to itself and to earlier CTEs."""
        self.ctes[name] = query
        return table(name)

    def fail_if(self, condition: ColumnElement[bool], plan: FieldPlan, code: Code, message: str) -> None:
        """Fail the whole request if `condition` is true, with an error located at the field."""
        self.error_conditions.append((condition, LocatedRequestError(code, message, plan.node, plan.path)))

    def bind(self, plan: FieldPlan, name: str, type_: TypeEngine[Any] | None = None) -> Expression:
        """Return the bound parameter of a field's value. All values of requests enter the SQL this way."""
        return self.dialect.bind(bound_name(plan.number, name), type_)


# Table scans: one pass over the rows of a list, as `SELECT … FROM … WHERE …`.

ONE: Expression = literal_column("1")
ZERO: Expression = literal_column("0")


class AccessPath(Enum):
    """Access path of a table scan.

    - `TABLE`: only the entity table, because the relation has no join table.
    - `JOIN_TABLE`: only the join table, because it has every column that is read. Example: the newest
      articles of a topic.
    - `LIST_COLUMN`: only the entity table, because it has the join keys in a list column. Example: the
      articles of a topic that match a filter.
    - `JOINED`: the join table joined with the entity table, because the join table contains each visible row
      once. Example: the hits of a search.
    - `SUBQUERY`: the rows of the entity table whose keys a subquery on the join table returns, so that each
      is returned once. Example: the articles that refer to an article, even if they list it twice.
    """

    TABLE = auto()
    JOIN_TABLE = auto()
    LIST_COLUMN = auto()
    JOINED = auto()
    SUBQUERY = auto()


class TableScan:
    """Scan of the visible rows of `entity` (alias `t4`), optionally through a join table (alias `n4`).

    With `covered`, the join table has all columns that are read.
    """

    def __init__(
        self,
        entity: Entity,
        match: JoinKey | None,
        through: JoinTable | None,
        context: Context,
        *,
        covered: bool,
    ) -> None:
        self.entity, self.match, self.through = entity, match, through
        number = next(context.numbers)
        self.alias, self.join_alias = f"t{number}", f"n{number}"
        self.audience, self.dialect = context.audience, context.dialect
        self.access_path = _choose_access_path(through, covered=covered)

    @property
    def key(self) -> Expression:
        """The entity key of the row."""
        if self.access_path is AccessPath.JOIN_TABLE and self.through is not None:
            return column_ref(self.join_alias, self.through.target_key)
        return column_ref(self.alias, self.entity.key)

    def column(self, name: str) -> Expression:
        """Return a column of the row.

        With `SUBQUERY`, a unary plus prevents SQLite from using an index on the column instead of the keys
        that the subquery returns.
        """
        if self.access_path is AccessPath.SUBQUERY:
            return self.dialect.unindexed(self.alias, name)
        denormalized = (
            self.access_path is AccessPath.JOINED
            and self.through is not None
            and name in self.through.denormalized
        )
        return column_ref(
            self.join_alias if denormalized or self.access_path is AccessPath.JOIN_TABLE else self.alias, name
        )

    def select(
        self,
        parent: Expression | Select[Any] | None,
        condition: ColumnElement[bool],
        *columns: Expression,
        item: Expression | None = None,
    ) -> Select[Any]:
        """Select columns of the visible rows that meet the condition: of one parent, of several, or of all.

        `item` is the parent key encoded as a list item. SQLite evaluates conditions without an index in the
        order written, so the expensive one, the search in a list column, comes last.
        """
        query = select(*columns).select_from(self._from_clause).where(self._visible, condition)
        return (
            query if self.match is None or parent is None else query.where(self._matches_parent(parent, item))
        )

    def _matches_parent(
        self, parent: Expression | Select[Any], item: Expression | None
    ) -> ColumnElement[bool]:
        if self.through is None:
            assert self.match is not None
            return _equals(column_ref(self.alias, self.match.child), parent)
        source_key = column_ref(self.join_alias, self.through.source_key)
        match self.access_path:
            case AccessPath.LIST_COLUMN:
                items = column_ref(self.alias, str(self.through.list_column))
                return _has_item(items, parent, item, self.dialect)
            case AccessPath.SUBQUERY:
                keys = select(column_ref(self.join_alias, self.through.target_key)).select_from(
                    self._join_table
                )
                keys = keys.where(
                    visible(self.through, self.join_alias, self.audience), _equals(source_key, parent)
                )
                return self.key.in_(keys)
            case _:
                return _equals(source_key, parent)

    @property
    def _visible(self) -> ColumnElement[bool]:
        if self.access_path in (AccessPath.JOIN_TABLE, AccessPath.JOINED) and self.through is not None:
            return visible(self.through, self.join_alias, self.audience)
        return visible(self.entity, self.alias, self.audience)

    @property
    def _join_table(self) -> FromClause:
        assert self.through is not None
        return aliased(self.through.table, self.join_alias)

    @property
    def entity_table(self) -> FromClause:
        """The entity table under its alias."""
        return aliased(self.entity.table, self.alias)

    @property
    def _from_clause(self) -> FromClause:
        match self.access_path:
            case AccessPath.JOIN_TABLE:
                return self._join_table
            case AccessPath.JOINED:
                assert self.through is not None
                target_key = column_ref(self.join_alias, self.through.target_key)
                return self._join_table.join(self.entity_table, self.key == target_key)
            case _:
                return self.entity_table


def _choose_access_path(through: JoinTable | None, *, covered: bool) -> AccessPath:
    if through is None:
        return AccessPath.TABLE
    if not through.denormalized:
        return AccessPath.SUBQUERY
    if covered:
        return AccessPath.JOIN_TABLE
    return AccessPath.LIST_COLUMN if through.list_column else AccessPath.JOINED


def _equals(column: Expression, parent: Expression | Select[Any]) -> ColumnElement[bool]:
    return column.in_(parent) if isinstance(parent, Select) else column == parent


def _has_item(
    list_column: Expression, parent: Expression | Select[Any], item: Expression | None, dialect: Dialect
) -> ColumnElement[bool]:
    """Return whether a list column contains the key, or one of the keys. `item` is the encoded key."""
    if isinstance(parent, Select):
        parents = parent.subquery("keys")
        has_item = _has_item(list_column, column_ref("keys", "key"), None, dialect)
        return exists(select(ONE).select_from(parents).where(has_item))
    return dialect.position(list_column, encode_item(parent, dialect) if item is None else item) > ZERO
