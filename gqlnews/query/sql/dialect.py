"""What differs between the SQL of SQLite and that of PostgreSQL.

Everything else in this package renders for both. A *JSON expression* is SQL whose value is finished JSON;
other values in JSON (columns, counts) are converted. SQLite recognizes JSON by itself, PostgreSQL's dialect
by the type of the expression.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Double,
    FromClause,
    Select,
    Text,
    literal_column,
    table,
)
from sqlalchemy.sql.elements import quoted_name
from sqlalchemy.types import TypeEngine

from gqlnews.query.entities import FullTextIndex, OrderTerm

Expression = ColumnElement[Any]
AnySelect = Select[Any] | CompoundSelect[Any]

TEXT: TypeEngine[str] = Text()
INTEGER: TypeEngine[int] = BigInteger()
FLOAT: TypeEngine[float] = Double()
"""Types of bound values, where PostgreSQL cannot infer them from the other operand."""

SCORE_SCALE = "1e12"
"""A relevance score is an integer, which a cursor can represent exactly: the score times this."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A placeholder for a bound value: its name, or a constant.

    `type`: that of the parameter in SQL, if it is not inferred. `is_supplied`: the caller replaces the value,
    a `BeforeExpression` (text_keys.py).
    """

    name: str
    constant: object
    type: str = ""
    is_supplied: bool = False


Placeholders = tuple[Placeholder, ...]
GetParameter = Callable[[TypeEngine[Any] | None], Expression]


class Hits(NamedTuple):
    """The rows that match a full-text query: where they are selected from, their id and their score.

    `condition`: the condition that selects them, None if the source has no other rows.
    """

    source: FromClause
    id: Expression
    score: Expression
    condition: Expression | None


class Lookup(NamedTuple):
    """A table, its alias in the statement, and the column that the hits' ids are looked up in."""

    table: str
    alias: str
    key: str


class Dialect(Protocol):
    """The SQL of one database system.

    `max_nesting` is the maximum nesting depth in one layer (cte_levels.py). `has_lateral`: a subquery in a
    FROM clause can refer to the tables before it.
    """

    max_nesting: int
    has_lateral: bool

    def __hash__(self) -> int: ...

    # Statements and their bound values.

    def compile(self, query: AnySelect) -> tuple[str, Placeholders]:
        """Compile a query; each placeholder is a `?`."""
        ...

    def number(self, sql: str, placeholders: Placeholders) -> tuple[str, Placeholders]:
        """Give the placeholders of a whole statement their final form."""
        ...

    def bind_values(self, placeholders: Placeholders, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return the value of each placeholder as it is passed to the driver."""
        ...

    def bind(self, name: str, type_: TypeEngine[Any] | None = None) -> Expression:
        """Return the bound parameter with this name. `type_` is needed where it cannot be inferred."""
        ...

    # JSON.

    def json_object(self, pairs: Sequence[tuple[str, Expression]]) -> Expression:
        """Build an object. The names have only letters, digits and `_`."""
        ...

    def insert_depth(self, members: int) -> int:
        """Return how many nesting levels an object with so many members adds."""
        ...

    def json_array(self, *items: Expression) -> Expression:
        """Build an array."""
        ...

    def json_collect(self, item: Expression) -> Expression:
        """Aggregate one item per row into an array, in the order of the rows. An item may be null."""
        ...

    def json_lines(self, item: Expression) -> Expression:
        """Aggregate one JSON text per row into lines; null if there are no rows."""
        ...

    def json(self, text: Expression) -> Expression:
        """Mark a text that contains JSON as a JSON expression."""
        ...

    def json_value(self, value: Expression) -> Expression:
        """Convert a value, so that it can be combined with values of other types."""
        ...

    def json_string(self, text: str) -> Expression:
        """Return a constant JSON string of letters, digits and `_`."""
        ...

    def json_null(self) -> Expression:
        """Return JSON's null, or SQL's if that is converted to it."""
        ...

    def json_boolean(self, condition: Expression, *, nullable: bool = False) -> Expression:
        """Convert a condition to JSON; if it is null, to null if `nullable`, otherwise to false."""
        ...

    def is_true(self, column: Expression) -> Expression:
        """Return a column with 0 or 1 as a condition."""
        ...

    def average(self, column: Expression) -> Expression:
        """Aggregate the average of an integer column, which is converted to JSON as a double."""
        ...

    def score(self, scaled: Expression) -> Expression:
        """Return a relevance score as a double."""
        ...

    # Stored JSON.

    def json_length(self, json: Expression) -> Expression:
        """Return the length of an array."""
        ...

    def first_item(self, json: str, member: str) -> Expression:
        """Return a member of the first object in an array, as JSON."""
        ...

    def item_member(self, alias: str, member: str) -> Expression:
        """Return a member of an object that `json_items` returned under an alias, as JSON."""
        ...

    def json_items(self, json: Expression, alias: str | None = None) -> FromClause:
        """Return the items of an array as rows with the columns `value`, and `key` to order them by."""
        ...

    def item_position(self, alias: str) -> Expression:
        """Return the position of an item, from 0."""
        ...

    def text_items(self, column: str, alias: str) -> str:
        """Return a part of a FROM clause: the texts in an array in a column, as rows with `value`."""
        ...

    def is_item(self, column: Expression, values: Expression, type_: TypeEngine[Any]) -> Expression:
        """Condition for rows whose column is one of the texts or integers in a bound array."""
        ...

    def integer(self, text: Expression) -> Expression:
        """Return the integer that `->>` returned."""
        ...

    # Texts, and values in place of null.

    def position(self, text: Expression, part: Expression) -> Expression:
        """Return the position of a part in a text, from 1; 0 if the text does not contain it."""
        ...

    def lower(self, text: Expression) -> Expression:
        """Convert ASCII letters to lower case."""
        ...

    def newline(self) -> Expression: ...

    def if_null(self, value: Expression, fallback: Expression) -> Expression: ...

    def false(self) -> Expression:
        """Return what replaces a condition that is null."""
        ...

    def greatest(self, first: Expression, second: Expression) -> Expression: ...

    def unindexed(self, alias: str, column: str) -> Expression:
        """Return a column so that the planner uses no index on it."""
        ...

    # Sort keys, cursors and pages.

    def text_key(self, column: Expression, term: OrderTerm) -> Expression:
        """Return the sort key of a text that may be null."""
        ...

    def bound_key(self, parameter: GetParameter, term: OrderTerm) -> Expression:
        """Return the sort key of a bound cursor, which `parameter` returns with a type."""
        ...

    def has_cursor_column(self, term: OrderTerm) -> bool:
        """Whether a cursor contains another value than the sort key."""
        ...

    def cursor_column(self, column: Expression, missing: int) -> Expression:
        """Return what a cursor contains in place of the sort key of a text that may be null."""
        ...

    def cursor_item(self, column: Expression, term: OrderTerm) -> Expression:
        """Return an item of a cursor, a column of the page."""
        ...

    def cursor(self, *items: Expression) -> Expression:
        """Build a cursor, the hex encoding of a JSON array."""
        ...

    # Dates, `YYYY-MM-DD`.

    def first_day(self, by: str, key: Expression) -> Expression:
        """Return the first day of the interval that contains a timestamp key."""
        ...

    def next_day(self, by: str, first_day: Expression) -> Expression:
        """Return the first day of the next interval."""
        ...

    # Full-text search.

    def hits(
        self,
        index: FullTextIndex,
        scope: int,
        query: Expression,
        alias: str,
        *,
        left: str | None = None,
        right: Lookup | None = None,
    ) -> Hits:
        """Select the hits of a query, cross joined with a table to the left, or with one to look them up in.

        The caller adds the condition that its key is the id of the hit.
        """
        ...

    def matches(self, key: Expression, index: FullTextIndex, scope: int, query: Expression) -> Expression:
        """Condition for rows with this key that match a query, a bound parameter."""
        ...

    def passages(
        self, index: FullTextIndex, scope: int, query: Expression, keys: Select[Any], alias: str
    ) -> Select[Any]:
        """Select snippets of the rows with these keys, as `id` and `passage`."""
        ...

    def any_word(self, word: Expression, rank: Expression) -> Expression:
        """Aggregate one word per row, ordered by rank, into a query for any of them."""
        ...


def cross_join(left: str, right: str) -> FromClause:
    """Cross join of two tables. SQLite does not reorder it: the left one is always the outer loop."""
    return table(quoted_name(f"{left} CROSS JOIN {right}", quote=False))


def column_of(alias: str, name: str) -> Expression:
    return literal_column(f"{alias}.{name}")
