"""The tables of the PostgreSQL store, derived from those of the SQLite store.

Each table has the same columns and primary key, so a migration of SQLite is also one of PostgreSQL. All text
is compared by code point (`COLLATE "C"`), as SQLite does. Values are stored exactly as in SQLite, also JSON,
so that rows can be copied in both directions.

All objects are in one PostgreSQL schema whose name contains the version of these tables: servers of two
versions of gqlnews read the same database side by side, each its own tables.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gqlnews.database.sqlite.migrations import newest_version
from gqlnews.database.sqlite.outbox import ordinary_tables

FORMAT = 1
"""Version of what this package adds to the tables of SQLite."""

TYPES = {
    "INTEGER": "bigint",
    "REAL": "double precision",
    "TEXT": 'text COLLATE "C"',
    "BLOB": "bytea",
}
"""PostgreSQL types by SQLite type. Tables of SQLite are STRICT, so they have no other types."""

_COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_info(?) ORDER BY cid'
_INDEXES = """
SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ? ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column; `sql_type` is the PostgreSQL type with its collation."""

    name: str
    sql_type: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table with its columns, the columns of its primary key, and its indexes as CREATE statements."""

    name: str
    columns: tuple[TableColumn, ...]
    key: tuple[str, ...]
    indexes: tuple[str, ...]

    @property
    def create_statement(self) -> str:
        parts = [
            f"{column.name} {column.sql_type}{' NOT NULL' if column.is_required else ''}"
            for column in self.columns
        ]
        return f"CREATE TABLE {self.name} ({', '.join(parts)}, PRIMARY KEY ({', '.join(self.key)}))"


def schema_name(version: int | None = None) -> str:
    """Return the name of the PostgreSQL schema; `version` is that of the SQLite store, by default newest."""
    return f"gqlnews_{newest_version() if version is None else version}_{FORMAT}"


def read_tables(db: sqlite3.Connection) -> list[StoredTable]:
    """Return the tables of a SQLite store that PostgreSQL has too, `store` first."""
    return [_read_table(db, name) for name in ordinary_tables(db)]


def _read_table(db: sqlite3.Connection, name: str) -> StoredTable:
    rows = db.execute(_COLUMNS, (name,)).fetchall()
    columns = tuple(
        TableColumn(column, TYPES[sqlite_type], bool(required or position))
        for column, sqlite_type, required, position in rows
    )
    key = tuple(column for column, _, _, position in sorted(rows, key=lambda row: row[3]) if position)
    indexes = tuple(_to_postgresql(sql) for _, sql in db.execute(_INDEXES, (name,)))
    return StoredTable(name, columns, key, indexes)


# Columns that the covering indexes of SQLite contain besides those that they are ordered by. PostgreSQL reads
# the rows instead: its index entries are limited to 2,704 bytes.
_COVERED = re.compile(r"^(CREATE INDEX \w+_newest\w* ON \w+) \(((?:\w+, )?published_at DESC, slug), [^)]*\)")


def _to_postgresql(sql: str) -> str:
    return _COVERED.sub(r"\1 (\2)", " ".join(sql.split()))


def create_statements(tables: Sequence[StoredTable]) -> Iterator[str]:
    """Yield the statements that create the tables; indexes are created after the rows are loaded."""
    yield from (table.create_statement for table in tables)


def index_statements(tables: Sequence[StoredTable]) -> Iterator[str]:
    """Yield the statements that create all indexes."""
    for table in tables:
        yield from table.indexes
