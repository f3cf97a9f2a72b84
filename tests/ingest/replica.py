"""A consumer of the outbox that maintains a copy of a store, with full-text indexes of its own.

It is written from the description in outbox.py alone: plain SQL over the changes of a batch.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from gqlnews.custom_fields import decode_fields
from gqlnews.database.sqlite.outbox import (
    OutboxBatch,
    OutboxPosition,
    Row,
    TableChanges,
    current_position,
    read_batches,
    read_changes,
)
from gqlnews.database.sqlite.writer import declare_fields

# ruff: noqa: S608 - the names in these statements are those of tables and columns

ARTICLE_IDS = {"article": "id", "article_topic": "article_id", "related": "article_id"}
"""The columns that identify the article whose text is in a row."""

INDEXED = "title, excerpt, provider, topics, body, related"
INDEXES = ("search_public", "search_all")
ORDINARY_TABLES = (
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    " AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'outbox%' ORDER BY name"
)


def copy_store(db: sqlite3.Connection, path: Path) -> None:
    """Copy the store into a new file."""
    db.execute("VACUUM INTO ?", (str(path),))


def open_copy(path: Path) -> sqlite3.Connection:
    """Open a copy, without foreign keys."""
    return sqlite3.connect(path, isolation_level=None)


def catch_up(db: sqlite3.Connection, name: str, copy: Path, *, from_copy: bool) -> OutboxPosition:
    """Apply the batches that the store `db` has; return the position of the copy.

    Reads after the position of the copy or, if not `from_copy`, after the acknowledged position.
    """
    with closing(open_copy(copy)) as replica:
        for batch in read_batches(db, name, current_position(replica) if from_copy else None):
            apply(db, name, batch, replica)
        return current_position(replica)


def apply(db: sqlite3.Connection, name: str, batch: OutboxBatch, replica: sqlite3.Connection) -> None:
    """Apply a batch in one transaction, unless the copy already contains it."""
    replica.execute("BEGIN IMMEDIATE")
    if batch.position.sequence > current_position(replica).sequence:
        ids = [(number,) for changes in read_changes(db, name, batch) for number in _article_ids(changes)]
        replica.execute("CREATE TEMP TABLE IF NOT EXISTS reindexed (id INTEGER PRIMARY KEY)")
        replica.execute("DELETE FROM reindexed")
        replica.executemany("INSERT OR IGNORE INTO reindexed VALUES (?)", ids)
        _execute_for_indexes(
            replica, "({0}, rowid, {1}) SELECT 'delete', id, {1} FROM {0}_source WHERE id IN reindexed"
        )
        for changes in read_changes(db, name, batch):
            _declare(replica, changes)
            condition = " AND ".join(f"{column} = ?" for column in changes.key)
            replica.executemany(f"DELETE FROM {changes.table} WHERE {condition}", _keys(changes))
        for changes in read_changes(db, name, batch):
            values = ", ".join("?" * len(changes.columns))
            replica.executemany(
                f"INSERT INTO {changes.table} ({', '.join(changes.columns)}) VALUES ({values})", changes.rows
            )
        _execute_for_indexes(replica, "(rowid, {1}) SELECT id, {1} FROM {0}_source WHERE id IN reindexed")
        replica.execute("UPDATE outbox SET sequence = ?, token = ?", batch.position)
    replica.execute("COMMIT")


def _execute_for_indexes(replica: sqlite3.Connection, statement: str) -> None:
    for index in INDEXES:
        replica.execute(f"INSERT INTO {index} {statement.format(index, INDEXED)}")


def _declare(replica: sqlite3.Connection, changes: TableChanges) -> None:
    """Add the columns of custom fields, which the row of `store` declares."""
    if changes.table == "store":
        for row in changes.rows:
            declare_fields(replica, decode_fields(row[changes.columns.index("custom_fields")]))


def _keys(changes: TableChanges) -> Iterator[Row]:
    positions = [changes.columns.index(column) for column in changes.key]
    yield from changes.deleted
    for row in changes.rows:
        yield [row[position] for position in positions]


def _article_ids(changes: TableChanges) -> Iterator[int]:
    column = ARTICLE_IDS.get(changes.table)
    if column is not None:
        yield from (row[changes.key.index(column)] for row in changes.deleted)
        yield from (row[changes.columns.index(column)] for row in changes.rows)


def tables(db: sqlite3.Connection) -> dict[str, list[Row]]:
    """Return the rows of all ordinary tables, except those of the outbox, and the schema."""
    names = [name for (name,) in db.execute(ORDINARY_TABLES)]
    schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"
    return {"schema": db.execute(schema).fetchall()} | {
        name: sorted(db.execute(f"SELECT * FROM {name}"), key=repr) for name in names
    }
