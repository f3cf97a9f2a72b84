"""Tables whose rows are the objects of a type: their keys, orders, join tables, and who may see which rows.

Columns are referred to by their SQL names.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Audience(IntEnum):
    """Access level of a client. The number is the value of the `audience` column in the store."""

    PUBLIC = 0
    OPEN = 1  # everything except editor-only data, for local work
    EDITOR = 2

    @property
    def scope(self) -> int:
        """The scope of the audience (docs/glossary.md): 0 for published articles, 1 for all articles."""
        return min(self, 1)


@dataclass(frozen=True, slots=True)
class Visibility:
    """Row visibility: the value that `column` has in the rows that each audience may see, None for any value.

    With `editor_only`, other audiences see no rows.
    """

    column: str = ""
    values: tuple[int | None, int | None, int | None] = (None, None, None)
    editor_only: bool = False


ALWAYS_VISIBLE = Visibility()


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """A sort key. `missing` is a number that replaces null, so no key is null: below or above all values.

    Instead of a high number, `HIGH_TEXT` replaces a null among texts, but not in cursors.
    """

    column: str
    descending: bool = False
    missing: int | None = None
    numeric: bool = False  # otherwise text
    restricted: str = ""  # the name of the field, if only editors may sort by it

    @property
    def is_high_text(self) -> bool:
        return not self.numeric and self.missing is not None and self.missing > 0


HIGH_TEXT = b"\xff"  # SQLite sorts numbers before texts, and blobs after them


MIN_SCORE = -1e300  # below every decayed score


@dataclass(frozen=True, slots=True)
class DecayedScore(OrderTerm):
    """Time-decayed score: `column` + `time_column` ÷ `half_life`, or `MIN_SCORE` if `column` is null.

    `column` is a base-2 logarithm, `time_column` a column in seconds, and `half_life` the name of a bound
    value in seconds. A cursor contains the column `base_column` instead, from which the score is recomputed,
    because SQLite's text form of a double has only 15 digits.
    """

    time_column: str = ""
    half_life: str = ""
    base_column: str = ""


@dataclass(frozen=True, slots=True)
class JoinTable:
    """A join table from `source_key` to `target_key`, ordered by `position`.

    `denormalized` are columns copied from the target table. If they include the sort columns, a connection
    scans the join table alone. `list_column` is a column (text_keys.py) of the target table that lists the
    source keys; a filtered connection reads that instead, because its index covers all columns that filters
    compare.
    """

    table: str
    source_key: str
    target_key: str
    position: str | None = None
    denormalized: frozenset[str] = frozenset()
    list_column: str | None = None
    visibility: Visibility = ALWAYS_VISIBLE


@dataclass(frozen=True, slots=True)
class FullTextIndex:
    """Full-text index: for each scope, an FTS5 table of the rows in it, whose rowids are the entity's keys.

    `columns` are those that a search can be limited to, as in `title:word`. `source` is the view of the
    indexed texts, and `texts` their columns. `is_supplied`: only SQLite has the index; the caller
    of a PostgreSQL statement supplies the keys of the rows that match.
    """

    tables: tuple[str, str]
    columns: tuple[str, ...] = ()
    source: str = ""
    texts: tuple[str, ...] = ()
    is_supplied: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A type whose objects are table rows. `key` is unique among the rows that one client can see.

    `casefold_suffix`: added to the name of a text column that a filter compares, it is the name of the column
    with the case-folded text, which is null if SQLite's `lower()` returns the same.
    """

    table: str
    key: str
    visibility: Visibility = ALWAYS_VISIBLE
    order: tuple[OrderTerm, ...] = ()
    node_key: str | None = None  # the natural key in the global id of a Node type
    node_through: JoinTable | None = None  # if global ids refer to rows of this join table
    full_text: FullTextIndex | None = None
    casefold_suffix: str = ""


@dataclass(frozen=True, slots=True)
class NamedObjects:
    """Objects that filters refer to by key, with what hints need: the column of their name, and a noun
    with its article.

    `to_key` returns the key of an object with a name, if it can be computed.
    """

    entity: Entity
    name_column: str
    noun: str
    to_key: Callable[[str], str] | None = None
