"""The tables of the PostgreSQL store, derived from those of the SQLite store.

Each table has the same columns and primary key, so a migration of SQLite is also one of PostgreSQL. All text
is compared by code point (`COLLATE "C"`), as SQLite does. Values are stored exactly as in SQLite, also JSON,
so that rows can be copied in both directions.

All objects are in one PostgreSQL schema whose name contains the version of these tables: servers of two
versions of gqlnews read the same database side by side, each its own tables.

An entry of a B-tree is limited to 2,704 bytes, but URLs, slugs, paths, names and words have no limit. When a
row would not fit, its index is replaced by a narrower one (`IndexWidth`). A key then stays unique by the
digests of its texts. All statements remain correct, and only the database that has such a value reads some
rows more.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from gqlnews.database.sqlite.migrations import newest_version
from gqlnews.database.sqlite.outbox import Row, ordinary_tables
from gqlnews.errors import DatabaseError

FORMAT = 1
"""Version of what this package adds to the tables of SQLite."""

TYPES = {
    "INTEGER": "bigint",
    "REAL": "double precision",
    "TEXT": 'text COLLATE "C"',
    "BLOB": "bytea",
}
"""PostgreSQL types by SQLite type. Tables of SQLite are STRICT, so they have no other types."""

_MAX_ENTRY_BYTES = 2_704
_ENTRY_OVERHEAD = 40  # bytes
_COLUMN_OVERHEAD = 12  # bytes: a number, or the header of a text and its alignment
_MAX_INDEX_COLUMNS = 32
_MAX_NAME_BYTES = 58  # PostgreSQL cuts names off after 63; the name of a view has five more than its column

_UTF8_BYTES = 4  # most bytes of a character
_COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY cid'
_INDEXES = """
SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ? ORDER BY name
"""
_UNIQUE = "SELECT name FROM pragma_index_list(?) WHERE origin = 'u' ORDER BY seq"
_UNIQUE_COLUMNS = "SELECT name FROM pragma_index_info(?) ORDER BY seqno"
_CREATE_INDEX = re.compile(r"CREATE INDEX (\w+) ON \w+ \(([^)]*)\)(?: WHERE (.*))?")
_NEWEST_FIRST = re.compile(
    r"((?:\w+, )?published_at DESC, slug), (.*)"
)  # order and others of a covering index
_COVERED = {"story_article_slug": ("story",)}  # last columns of other covering indexes
_INSTANT = re.compile(r"\w+_at( DESC)?|due")  # sort keys of instants are short


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column; `sql_type` is the PostgreSQL type with its collation."""

    name: str
    sql_type: str
    is_required: bool

    @property
    def is_text(self) -> bool:
        return self.sql_type.startswith("text")

    @property
    def array_type(self) -> str:
        """The type of a parameter with a value for each row."""
        return f"{self.sql_type.partition(' COLLATE')[0]}[]"

    @property
    def definition(self) -> str:
        return f"{self.name} {self.sql_type}{' NOT NULL' if self.is_required else ''}"


class IndexWidth(IntEnum):
    """How much of a row an index contains.

    `KEYS`: not the columns that it only covers. `PREFIX`: a hash of the first column, or the first columns,
    so that texts may have any length.
    """

    FULL = 0
    KEYS = 1
    PREFIX = 2

    @property
    def comment(self) -> str | None:
        """Comment on such an index in the database."""
        return _COMMENTS.get(self)


_COMMENTS = {IndexWidth.KEYS: "without covered columns", IndexWidth.PREFIX: "for texts of any length"}


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """An index; `texts` are its columns with text, and `columns` may end with ` DESC`.

    `covered` are the columns that it contains without being ordered by them.
    """

    name: str
    table: str
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    condition: str | None = None
    is_unique: bool = False
    covered: tuple[str, ...] = ()

    def create_statements(self, width: IndexWidth) -> tuple[str, ...]:
        """Create it with this width, and mark it by a comment."""
        if width is IndexWidth.PREFIX:
            statements = self._prefix_statements()
        else:
            covered = f" INCLUDE ({', '.join(self.covered)})" if self.covered and not width else ""
            columns = ", ".join(self.columns)
            statements = [self._statement(self.name, columns, is_unique=self.is_unique, covered=covered)]
        if width.comment:
            statements.append(f"COMMENT ON INDEX {self.name} IS '{width.comment}'")
        return tuple(statements)

    def _prefix_statements(self) -> list[str]:
        long = [column for column in self.columns if column in self.texts and not _INSTANT.fullmatch(column)]
        statements = []
        if self.is_unique:
            digests = ", ".join(f"md5({name})" if name in long else name for name in self.columns)
            statements.append(self._statement(self.name, digests, is_unique=True))
            statements.append(self._statement(f"{self.name}_text", f"{long[0]}", method="USING hash "))
        elif self.columns[0] in long:
            statements.append(self._statement(self.name, long[0], method="USING hash "))
        else:
            first = self.columns[: self.columns.index(long[0])]
            statements.append(self._statement(self.name, ", ".join(first)))
        return statements

    def _statement(
        self, name: str, columns: str, *, is_unique: bool = False, method: str = "", covered: str = ""
    ) -> str:
        unique = "UNIQUE " if is_unique else ""
        condition = f" WHERE {self.condition}" if self.condition else ""
        return f"CREATE {unique}INDEX {name} ON {self.table} {method}({columns}){covered}{condition}"

    def width_for(self, columns: Sequence[str], rows: Sequence[Row]) -> IndexWidth:
        """Return the greatest width in which the entries of these rows, with values of `columns`, fit.

        A row from before a column was declared has no value of it.
        """
        keys = {name.removesuffix(" DESC") for name in self.columns}
        for width, texts, count in (
            (IndexWidth.FULL, self.texts, len(self.columns) + len(self.covered)),
            (IndexWidth.KEYS, [name for name in self.texts if name in keys], len(self.columns)),
        ):
            limit = _MAX_ENTRY_BYTES - _ENTRY_OVERHEAD - _COLUMN_OVERHEAD * count
            if _fit([columns.index(name) for name in texts if name in columns], rows, limit):
                return width
        return IndexWidth.PREFIX


def _fit(positions: Sequence[int], rows: Sequence[Row], limit: int) -> bool:
    """Return whether the texts at these positions have at most `limit` bytes in each row."""
    longest = sum(max((len(row[at] or "") for row in rows), default=0) for at in positions)
    if longest * _UTF8_BYTES <= limit:
        return True
    return all(sum(len((row[at] or "").encode()) for at in positions) <= limit for row in rows)


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table with its columns, the columns of its primary key, and its indexes.

    A key that contains text is a unique index, and one of numbers the primary key of the table.
    """

    name: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...]
    indexes: tuple[StoredIndex, ...]

    @property
    def column_names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def create_statement(self) -> str:
        parts = [column.definition for column in self.columns]
        if not any(column.is_text and column.name in self.key for column in self.columns):
            parts.append(f"PRIMARY KEY ({', '.join(self.key)})")
        return f"CREATE TABLE {self.name} ({', '.join(parts)})"

    def narrower_indexes(
        self, columns: Sequence[str], rows: Sequence[Row]
    ) -> Iterator[tuple[StoredIndex, IndexWidth]]:
        """Yield the indexes in which not all entries of these rows fit, with a width in which they do."""
        for index in self.indexes:
            if index.texts and (width := index.width_for(columns, rows)):
                yield index, width


def schema_name(version: int | None = None) -> str:
    """Return the name of the PostgreSQL schema; `version` is that of the SQLite store, by default newest."""
    return f"gqlnews_{newest_version() if version is None else version}_{FORMAT}"


def read_tables(db: sqlite3.Connection) -> list[StoredTable]:
    """Return the tables of a SQLite store that PostgreSQL has too, `store` first. Raises DatabaseError."""
    return [_read_table(db, name) for name in ordinary_tables(db)]


def _read_table(db: sqlite3.Connection, name: str) -> StoredTable:
    rows = db.execute(_COLUMNS, (name,)).fetchall()
    if long := next((column for column, *_ in rows if len(column) > _MAX_NAME_BYTES), None):
        raise DatabaseError(
            f"column {long} has a name that is too long for PostgreSQL: give the custom field a name of at "
            "most 30 characters"
        )
    columns = tuple(
        TableColumn(column, TYPES[sqlite_type], bool(required or position))
        for column, sqlite_type, required, position in rows
    )
    texts = {column.name for column in columns if column.is_text}
    key = tuple(column for column, _, _, position in sorted(rows, key=lambda row: row[3]) if position)
    unique = [
        tuple(column for (column,) in db.execute(_UNIQUE_COLUMNS, index))
        for index in db.execute(_UNIQUE, (name,)).fetchall()
    ]
    if not texts.isdisjoint(key):
        unique.insert(0, key)
    indexes = [
        StoredIndex(f"{name}_{'_'.join(names)}_key", name, names, (), is_unique=True) for names in unique
    ]
    indexes += [_parse_index(name, sql) for _, sql in db.execute(_INDEXES, (name,))]
    return StoredTable(name, columns, key, tuple(_with_texts(index, texts) for index in indexes))


def _parse_index(table: str, sql: str) -> StoredIndex:
    match = _CREATE_INDEX.fullmatch(" ".join(sql.split()))
    assert match is not None, sql
    name, columns, condition = match.groups()
    covering = _NEWEST_FIRST.fullmatch(columns) if "_newest" in name else None
    if covering is None:
        names, read = tuple(columns.split(", ")), _COVERED.get(name, ())
        return StoredIndex(name, table, names[: len(names) - len(read)], (), condition, covered=read)
    keys, covered = (tuple(part.split(", ")) for part in covering.groups())
    covered = covered[: _MAX_INDEX_COLUMNS - len(keys)]
    return StoredIndex(name, table, keys, (), condition, covered=covered)


def _with_texts(index: StoredIndex, texts: set[str]) -> StoredIndex:
    names = (column.removesuffix(" DESC") for column in (*index.columns, *index.covered))
    return replace(index, texts=tuple(name for name in names if name in texts))


def create_statements(tables: Sequence[StoredTable]) -> Iterator[str]:
    """Yield the statements that create the tables; indexes are created after the rows are loaded."""
    yield from (table.create_statement for table in tables)
