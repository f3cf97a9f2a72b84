"""Transactional outbox: the rows that each ingest changes, for consumers that maintain a copy of the store.

While a consumer is registered, each ingest appends one batch in its own transaction (`record_changes`):

1. Temporary triggers on all ordinary tables log the primary keys of inserted, updated and deleted rows.
2. At the end, the present row of each key is read, or the key is listed as deleted, table by table.
3. The rows are stored in pages, so that neither writing nor reading a batch needs memory for all of them.
4. Batches that every consumer has acknowledged are pruned, and the oldest ones beyond `MAX_BATCHES` or
   `MAX_BYTES`. A consumer that lacks one of these has to start from a copy again.

A consumer works as follows. All functions need a connection from `open_writer`.

1. `register` it. From now on the batches that it has not acknowledged are retained.
2. Copy the store in a read transaction, and read `current_position` in the same transaction. A copy of the
   file (`VACUUM INTO`) contains its own position.
3. For each batch of `read_batches` after the position of the copy, in one transaction of the copy: apply the
   changes, and store the position of the batch.
   - The row of `store` comes first, if it is among the changes. Its `custom_fields` say which columns and
     views to add (`declare_fields` in writer.py).
   - Delete the rows with the keys of all changes before inserting any row, since rows may exchange unique
     values. Do not enforce foreign keys meanwhile. `read_changes` can be called repeatedly.
   - Full-text indexes, other indexes and views are not part of a batch: derive them.
4. `acknowledge` that position. A consumer that stores no position itself reads after the acknowledged one. If
   it stops between 3 and 4, it gets the batch again, with the same sequence number.

Sequence numbers increase by 1. The token, which is random, protects against another history with the same
numbers: a store that was rebuilt or restored from a backup, or that lost its last transactions in a power
failure after a consumer had read them. After a migration, every consumer has to start from a copy.

`register`, `acknowledge` and `unregister` need the write lock. If an ingest holds it for longer than the busy
timeout, they raise sqlite3.OperationalError, and the caller can retry. No error of SQLite is translated.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec

from gqlnews.database.sqlite.writer import RESET_OUTBOX, database_path, execute_all, fetch_int, transaction
from gqlnews.errors import CopyRequiredError

# ruff: noqa: S608 - the names in these statements are those of tables and columns

MAX_BATCHES = 10_000
"""Batches that are retained for a consumer that does not acknowledge them."""

MAX_BYTES = 1 << 30
"""Bytes of retained batches. If a single batch is larger, all consumers have to start from a copy."""

PAGE_BYTES = 256 * 1024  # a page ends after the row that reaches this size, before it is compressed
_COMPRESSION_LEVEL = 1  # a third of the bytes; higher levels save little and take longer

Row = Sequence[Any]
"""Values of a row: None, int, float, str or bytes."""


class OutboxPosition(NamedTuple):
    """Position in the sequence of batches: after the batch with this number and this token."""

    sequence: int
    token: str


class OutboxBatch(NamedTuple):
    """Changes of one ingest; `position` is the position after it, `bytes` its size as it is stored."""

    position: OutboxPosition
    rows: int
    pages: int
    bytes: int


class Consumer(NamedTuple):
    """A consumer, the position that it has acknowledged, and the batches and bytes that it has not.

    `position` is None if it has to start from a copy.
    """

    name: str
    position: OutboxPosition | None
    batches: int
    bytes: int


class TableChanges(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Changed rows of a table: the present rows with all `columns`, and the keys of deleted rows.

    `key` has the columns of the primary key, in the order of the values in `deleted`.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: list[Row]
    deleted: list[Row]


_HAS_CONSUMERS = "SELECT EXISTS (SELECT 1 FROM outbox_consumer WHERE token IS NOT NULL)"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[TableChanges]).decode


# Consumers.


def register(db: sqlite3.Connection, name: str) -> OutboxPosition:
    """Register a consumer, and return the current position of the store. Idempotent.

    A registered consumer retains its position, unless it has to start from a copy: then it is now as if it
    was new.
    """
    with transaction(db):
        if not fetch_int(db, _HAS_CONSUMERS):  # the ingests so far have appended no batch
            execute_all(db, RESET_OUTBOX)
        position = current_position(db)
        db.execute(
            "INSERT INTO outbox_consumer VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
            " SET sequence = excluded.sequence, token = excluded.token WHERE token IS NULL",
            (name, *position),
        )
    return position


def unregister(db: sqlite3.Connection, name: str) -> None:
    """Remove a consumer, and the batches that only it lacked. Idempotent."""
    with transaction(db):
        db.execute("DELETE FROM outbox_consumer WHERE name = ?", (name,))
        _prune_acknowledged(db)


def list_consumers(db: sqlite3.Connection) -> list[Consumer]:
    """Return all consumers by name."""
    rows = db.execute(
        "SELECT name, consumer.sequence, consumer.token, count(batch.sequence), total(byte_count)"
        " FROM outbox_consumer AS consumer"
        " LEFT JOIN outbox_batch AS batch ON batch.sequence > consumer.sequence GROUP BY name ORDER BY name"
    )
    return [
        Consumer(name, None if token is None else OutboxPosition(sequence, token), batches, int(size))
        for name, sequence, token, batches, size in rows
    ]


def current_position(db: sqlite3.Connection) -> OutboxPosition:
    """Return the position of the store, or of a copy of its file."""
    return OutboxPosition._make(db.execute("SELECT sequence, token FROM outbox").fetchone())


def restore_position(db: sqlite3.Connection, name: str, position: OutboxPosition) -> None:
    """Register the consumer from whose copy the store was filled, and give the store the copy's position.

    Call it in a transaction. All other consumers have to start from a copy.
    """
    execute_all(db, RESET_OUTBOX)
    db.execute("UPDATE outbox SET sequence = ?, token = ?", position)
    db.execute("INSERT OR REPLACE INTO outbox_consumer VALUES (?, ?, ?)", (name, *position))


def read_batches(
    db: sqlite3.Connection, name: str, after: OutboxPosition | None = None
) -> Iterator[OutboxBatch]:
    """Yield the batches after a position, in order, until there is none.

    `after` is the position of the consumer's copy; by default it is the position that it has acknowledged.
    Each batch is read when it is requested, and no transaction is open meanwhile. Raises CopyRequiredError if
    the consumer is not registered, if it lacks batches that are gone, or if the position is unknown here.
    """
    position = _acknowledged(db, name) if after is None else after
    while (batch := _next_batch(db, name, position)) is not None:
        yield batch
        position = batch.position


def read_changes(db: sqlite3.Connection, name: str, batch: OutboxBatch) -> Iterator[TableChanges]:
    """Yield the changes of a batch, at most a page at a time; those of a table may be in several parts.

    No transaction is open meanwhile. Raises CopyRequiredError if the batch is pruned.
    """
    for number in range(batch.pages):
        page = db.execute(
            "SELECT content FROM outbox_page JOIN outbox_batch USING (sequence)"
            " WHERE sequence = ? AND token = ? AND number = ?",
            (*batch.position, number),
        ).fetchone()
        if page is None:
            raise _copy_required(db, name, "the batch that it reads was pruned")
        yield from _decode(zlib.decompress(page[0]))


def acknowledge(db: sqlite3.Connection, name: str, position: OutboxPosition) -> None:
    """Record that the consumer has all changes up to this position, and prune what no consumer needs.

    Idempotent; an earlier position has no effect. Raises CopyRequiredError as `read_batches` does.
    """
    with transaction(db):
        if position.sequence <= _acknowledged(db, name).sequence:
            return
        _next_batch(db, name, position)  # raises if the position is unknown
        db.execute("UPDATE outbox_consumer SET sequence = ?, token = ? WHERE name = ?", (*position, name))
        _prune_acknowledged(db)


def _acknowledged(db: sqlite3.Connection, name: str) -> OutboxPosition:
    row = db.execute("SELECT sequence, token FROM outbox_consumer WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise _copy_required(db, name, "it is not registered")
    if row[1] is None:
        raise _copy_required(db, name, "batches that it lacks were pruned, or the database was migrated")
    return OutboxPosition._make(row)


def _next_batch(db: sqlite3.Connection, name: str, position: OutboxPosition) -> OutboxBatch | None:
    """Return the batch after this position; None if it is the current position of the store."""
    _acknowledged(db, name)
    row = db.execute(
        "SELECT batch.sequence, batch.token, row_count, page_count, byte_count FROM outbox"
        " LEFT JOIN outbox_batch AS batch ON batch.sequence = ?1 + 1 AND previous_token = ?2"
        " WHERE batch.sequence IS NOT NULL OR (outbox.sequence, outbox.token) = (?1, ?2)",
        position,
    ).fetchone()
    if row is None:
        raise _copy_required(db, name, f"its position {position.sequence} is not one of this database")
    sequence, token, rows, pages, size = row
    return None if token is None else OutboxBatch(OutboxPosition(sequence, token), rows, pages, size)


def _copy_required(db: sqlite3.Connection, name: str, reason: str) -> CopyRequiredError:
    return CopyRequiredError(
        f"consumer {name} of the outbox in {database_path(db)} cannot continue, {reason}: "
        "register it again, and start from a copy of the database"
    )


def _prune_acknowledged(db: sqlite3.Connection) -> None:
    """Delete the batches that every consumer has acknowledged; all of them if there is no consumer."""
    (sequence,) = db.execute(
        "SELECT coalesce((SELECT min(sequence) FROM outbox_consumer), sequence) FROM outbox"
    ).fetchone()
    for table in ("outbox_page", "outbox_batch"):
        db.execute(f"DELETE FROM {table} WHERE sequence <= ?", (sequence,))


# Recording the changes of an ingest.


_ORDINARY_TABLES = """
SELECT name FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
    AND name NOT IN ('outbox', 'outbox_consumer', 'outbox_batch', 'outbox_page')
ORDER BY name <> 'store', name
"""
_KEY_COLUMNS = "SELECT name FROM pragma_table_info(?, 'main') WHERE pk ORDER BY pk"
_EVENTS = (("INSERT", "new"), ("UPDATE", "new"), ("UPDATE OF {}", "old"), ("DELETE", "old"))
"""Event of each trigger, and the row whose key it logs. An update of the key logs two."""

_MAX_KEY = 4  # columns of the longest primary key; each table needs one
# Without a unique index: INSERT OR IGNORE in a trigger would take the conflict clause of the statement that
# fires it.
_CREATE_LOG = (
    "CREATE TEMP TABLE outbox_table (number INTEGER PRIMARY KEY, name TEXT, key_columns TEXT)",
    "CREATE TEMP TABLE outbox_key (number INTEGER, a, b, c, d)",
)
_STATE = f"SELECT ({_HAS_CONSUMERS}), EXISTS (SELECT 1 FROM sqlite_temp_master WHERE name = 'outbox_key')"
_LOGGED_TABLE = "SELECT name, key_columns FROM temp.outbox_table WHERE number = ?"
_CHANGED_KEYS = (
    "SELECT number, a, b, c, d FROM temp.outbox_key GROUP BY number, a, b, c, d ORDER BY number, a, b, c, d"
)


@contextmanager
def record_changes(db: sqlite3.Connection) -> Iterator[None]:
    """Append a batch with the rows that the block changes, in the current transaction.

    Nothing happens if there is no consumer, or no change. If the block raises, the transaction must be rolled
    back.
    """
    is_needed, is_logging = db.execute(_STATE).fetchone()
    if not is_needed:
        if is_logging:
            _drop_log(db)
        yield
        return
    if not is_logging:
        _create_log(db)
    yield
    _append_batch(db)
    db.execute("DELETE FROM temp.outbox_key")


def ordinary_tables(db: sqlite3.Connection) -> list[str]:
    """Return the tables whose rows batches contain, `store` first."""
    return [name for (name,) in db.execute(_ORDINARY_TABLES)]


def _create_log(db: sqlite3.Connection) -> None:
    """Create the temporary table for the keys of changed rows, and the triggers that fill it.

    They stay for the next ingest on this connection, since creating them takes some milliseconds.
    """
    db.execute("PRAGMA recursive_triggers = ON")  # otherwise a row that REPLACE deletes fires no trigger
    execute_all(db, _CREATE_LOG)
    for number, table in enumerate(ordinary_tables(db)):
        key = [column for (column,) in db.execute(_KEY_COLUMNS, (table,))]
        db.execute("INSERT INTO temp.outbox_table VALUES (?, ?, ?)", (number, table, " ".join(key)))
        # CREATE TEMP TRIGGER outbox_26_0 AFTER INSERT ON main.url_owner
        # BEGIN INSERT INTO outbox_key VALUES (26, new.url, NULL, NULL, NULL); END
        for trigger, (event, row) in enumerate(_EVENTS):
            values = [f"{row}.{column}" for column in key] + ["NULL"] * (_MAX_KEY - len(key))
            db.execute(
                f"CREATE TEMP TRIGGER outbox_{number}_{trigger}"
                f" AFTER {event.format(', '.join(key))} ON main.{table}"
                f" BEGIN INSERT INTO outbox_key VALUES ({number}, {', '.join(values)}); END"
            )


def _drop_log(db: sqlite3.Connection) -> None:
    for (number,) in db.execute("SELECT number FROM temp.outbox_table").fetchall():
        for trigger in range(len(_EVENTS)):
            db.execute(f"DROP TRIGGER temp.outbox_{number}_{trigger}")
    execute_all(db, ("DROP TABLE temp.outbox_key", "DROP TABLE temp.outbox_table"))


def _append_batch(db: sqlite3.Connection) -> None:
    last = current_position(db)
    rows = pages = size = 0
    for page_rows, content in _pages(db):
        if (size := size + len(content)) > MAX_BYTES:
            execute_all(db, RESET_OUTBOX)
            return
        db.execute("INSERT INTO outbox_page VALUES (?, ?, ?)", (last.sequence + 1, pages, content))
        rows, pages = rows + page_rows, pages + 1
    if not pages:
        return
    db.execute("UPDATE outbox SET sequence = sequence + 1, token = lower(hex(randomblob(8)))")
    batch = (*current_position(db), last.token, rows, pages, size)
    db.execute("INSERT INTO outbox_batch VALUES (?, ?, ?, ?, ?, ?)", batch)
    _prune_oldest(db)


def _pages(db: sqlite3.Connection) -> Iterator[tuple[int, bytes]]:
    """Yield the number of rows and the content of each page."""
    parts: list[TableChanges] = []
    rows = size = 0
    for number, keys in groupby(db.execute(_CHANGED_KEYS), itemgetter(0)):
        table, names = db.execute(_LOGGED_TABLE, (number,)).fetchone()
        key = tuple(names.split())
        select = f"SELECT * FROM main.{table} WHERE {' AND '.join(f'{column} = ?' for column in key)}"
        cursor, part = db.cursor(), None
        for _, *values in keys:
            row = cursor.execute(select, values[: len(key)]).fetchone()
            if part is None:
                columns = tuple(name for name, *_ in cursor.description)
                part = TableChanges(table, key, columns, [], [])
            encoded = _encode(values[: len(key)] if row is None else row)
            (part.deleted if row is None else part.rows).append(msgspec.Raw(encoded))
            rows, size = rows + 1, size + len(encoded)
            if size >= PAGE_BYTES:
                yield rows, _encode_page([*parts, part])
                parts, rows, size = [], 0, 0
                part = None
        if part is not None:
            parts.append(part)
    if parts:
        yield rows, _encode_page(parts)


def _encode_page(parts: Sequence[TableChanges]) -> bytes:
    return zlib.compress(_encode(parts), _COMPRESSION_LEVEL)


def _prune_oldest(db: sqlite3.Connection) -> None:
    """Delete the oldest batches beyond the limits; consumers that lack them have to start from a copy."""
    batches, size = db.execute("SELECT count(*), total(byte_count) FROM outbox_batch").fetchone()
    if batches <= MAX_BATCHES and size <= MAX_BYTES:
        return
    (last,) = db.execute(
        "SELECT max(sequence) FROM (SELECT sequence, row_number() OVER newest AS batches,"
        " sum(byte_count) OVER newest AS bytes FROM outbox_batch WINDOW newest AS (ORDER BY sequence DESC))"
        " WHERE batches > ? OR bytes > ?",
        (MAX_BATCHES, MAX_BYTES),
    ).fetchone()
    db.execute("UPDATE outbox_consumer SET sequence = NULL, token = NULL WHERE sequence < ?", (last,))
    _prune_acknowledged(db)
