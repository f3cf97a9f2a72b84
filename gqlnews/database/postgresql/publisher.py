"""Publish the batches of the outbox of a SQLite store: one transaction of PostgreSQL per batch.

1. Before the transaction, add the columns of new custom fields, if the row of `store`, which comes first,
   declares others.
2. Lock the row of `publication`, and compare it: its fencing token must be that of this ingester, and its
   position that before the batch. If it is that of the batch, the batch was committed, and only the answer
   was lost.
3. Delete the rows with all changed keys, then insert the present rows: rows may exchange unique values.
4. Index the texts of the changed articles.
5. Store the position of the batch.

The batch is acknowledged in the outbox after the commit.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg

from gqlnews.custom_fields import decode_fields
from gqlnews.database.postgresql import search_index
from gqlnews.database.postgresql.control import Lead, read_timeline
from gqlnews.database.postgresql.copy import analyze
from gqlnews.database.postgresql.schema import IndexWidth, StoredTable, read_tables
from gqlnews.database.postgresql.views import view_statements
from gqlnews.database.sqlite.outbox import (
    OutboxBatch,
    OutboxPosition,
    Row,
    TableChanges,
    acknowledge,
    read_batches,
    read_changes,
    record_changes,
)
from gqlnews.database.sqlite.writer import execute_all, transaction
from gqlnews.errors import CopyRequiredError, DatabaseError, LostLeadError

# ruff: noqa: S608 - the names in these statements are those of tables and columns

CONSUMER = "postgresql"
"""Name of the publisher among the consumers of the outbox."""

SKIPPED_VERSIONS = 1 << 20
"""Version numbers that are left out after a failover: more than a failover can have lost."""

ROWS_BEFORE_ANALYZE = 50_000
"""Changed rows after which statistics are collected; autovacuum may be slow or off."""

_GUARD = "SELECT sequence, token, holder, epoch FROM publication FOR UPDATE"
_STORE_POSITION = "UPDATE publication SET sequence = $1, token = $2, published_at = clock_timestamp()"
_STORE_TIMELINE = "UPDATE publication SET timeline = $1 WHERE holder = $2 AND epoch = $3"
_COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0"
_VIEWS = "SELECT viewname FROM pg_views WHERE schemaname = current_schema()"
_SKIP_VERSIONS = (
    f"UPDATE site SET number = number + {SKIPPED_VERSIONS}, version = (SELECT line FROM store)"
    f" || (audience <> 0) || '-' || (number + {SKIPPED_VERSIONS})",
)
_COMMENT = "SELECT obj_description(to_regclass($1), 'pg_class')"

_ARTICLE_IDS = {"article": "id", "article_topic": "article_id", "related": "article_id"}
"""The columns that identify the article whose searchable text is in a row."""


class Publisher:
    """Publishes the batches of an outbox while this ingester leads.

    The search_path of the connection is the schema. `db` is a writer connection of the local store. Every
    method raises errors of asyncpg and sqlite3, CopyRequiredError if the outbox lacks a batch, and
    LostLeadError if another ingester was elected.
    """

    def __init__(
        self, connection: asyncpg.Connection, schema: str, db: sqlite3.Connection, lead: Lead
    ) -> None:
        self._connection, self._schema, self._db, self._lead = connection, schema, db, lead
        self._tables = {table.name: table for table in read_tables(db)}
        self._rows_since_analyze = 0
        self.unacknowledged: OutboxPosition | None = None

    async def publish_pending(self, after: OutboxPosition) -> OutboxPosition:
        """Publish all batches after this position; return the new one."""
        for batch in read_batches(self._db, CONSUMER, after):
            await self._publish(batch, after)
            self.unacknowledged = after = batch.position
        self._acknowledge()
        if self._rows_since_analyze >= ROWS_BEFORE_ANALYZE:
            await analyze(self._connection, self._schema)
            self._rows_since_analyze = 0
        return after

    async def follow_timeline(self, position: OutboxPosition, known_timeline: str) -> OutboxPosition:
        """After a failover, skip version numbers that clients may have seen; return the new position.

        A failover may lose the last transactions. Without this, their numbers would be used twice.
        """
        timeline = await read_timeline(self._connection)
        if timeline != known_timeline:
            skip_versions(self._db)
            position = await self.publish_pending(position)
            await self._connection.execute(_STORE_TIMELINE, timeline, *self._lead)
        return position

    def _acknowledge(self) -> None:
        """Acknowledge the last published batch; a later call does if an ingest holds the write lock."""
        if self.unacknowledged is None:
            return
        try:
            acknowledge(self._db, CONSUMER, self.unacknowledged)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        else:
            self.unacknowledged = None

    async def _publish(self, batch: OutboxBatch, previous: OutboxPosition) -> None:
        await self._declare_fields(batch)
        async with self._connection.transaction():
            if await self._is_published(batch, previous):
                return
            await self._delete_rows(batch)
            await self._insert_rows(batch)
            await search_index.update(self._connection, self._article_ids(batch))
            await self._connection.execute(_STORE_POSITION, *batch.position)
        self._rows_since_analyze += batch.rows

    def _article_ids(self, batch: OutboxBatch) -> set[int]:
        changes = read_changes(self._db, CONSUMER, batch)
        return {number for part in changes for number in article_ids(part)}

    async def merge_postings(self) -> bool:
        """Merge the postings of some earlier changes; return whether there were any. Call it while idle."""
        async with self._connection.transaction():
            await self._lock_publication()
            return await search_index.merge(self._connection) > 0

    async def _is_published(self, batch: OutboxBatch, previous: OutboxPosition) -> bool:
        published = await self._lock_publication()
        if published not in (previous, batch.position):
            raise DatabaseError(
                f"the PostgreSQL database is at batch {published.sequence} instead of {previous.sequence}, "
                "as after a failover or a restored backup: the local store is compared with it"
            )
        return published == batch.position

    async def _lock_publication(self) -> OutboxPosition:
        """Prevent that another ingester publishes in this transaction; return the published position."""
        row = await self._connection.fetchrow(_GUARD)
        if row is None or (row["holder"], row["epoch"]) != self._lead:
            raise LostLeadError("another ingester was elected: this one publishes nothing more")
        return OutboxPosition(row["sequence"], row["token"])

    async def _delete_rows(self, batch: OutboxBatch) -> None:
        for changes in read_changes(self._db, CONSUMER, batch):
            table = self._tables[changes.table]
            keys = [*changes.deleted, *_keys(changes)]
            await self._connection.execute(_delete_statement(table), *_transpose(keys, table.key))

    async def _insert_rows(self, batch: OutboxBatch) -> None:
        for changes in read_changes(self._db, CONSUMER, batch):
            if changes.rows:
                table = self._tables[changes.table]
                await self._narrow_indexes(table, changes)
                values = _transpose(changes.rows, changes.columns)
                await self._connection.execute(_insert_statement(table, changes.columns), *values)

    async def _declare_fields(self, batch: OutboxBatch) -> None:
        """If the batch declares other custom fields, add the columns and views that are missing.

        In a short transaction of its own, because a new column locks its table until the end, also for
        readers. Servers do not know the columns before the batch is published.
        """
        first = next(read_changes(self._db, CONSUMER, batch))
        if first.table != "store" or not first.rows:
            return
        declared = first.rows[0][first.columns.index("custom_fields")]
        if declared == await self._connection.fetchval("SELECT custom_fields FROM store"):
            return
        self._tables = {table.name: table for table in read_tables(self._db)}
        async with self._connection.transaction():
            await self._lock_publication()
            for table in self._tables.values():
                existing = {name for (name,) in await self._connection.fetch(_COLUMNS, table.name)}
                for column in table.columns:
                    if column.name not in existing:
                        add = f"ALTER TABLE {table.name} ADD COLUMN {column.definition}"
                        await self._connection.execute(add)
            views = {name for (name,) in await self._connection.fetch(_VIEWS)}
            for statement in view_statements(decode_fields(declared)):
                if statement.split()[2] not in views:  # CREATE VIEW name
                    await self._connection.execute(statement)

    async def _narrow_indexes(self, table: StoredTable, changes: TableChanges) -> None:
        for index, width in table.narrower_indexes(changes.columns, changes.rows):
            comment = await self._connection.fetchval(_COMMENT, index.name)
            present = next((one for one in IndexWidth if one.comment == comment), IndexWidth.FULL)
            if width > present:
                for statement in (f"DROP INDEX {index.name}", *index.create_statements(width)):
                    await self._connection.execute(statement)


def skip_versions(db: sqlite3.Connection) -> None:
    """Advance the versions of all audiences by `SKIPPED_VERSIONS`, in a batch of its own."""
    with transaction(db), record_changes(db):
        execute_all(db, _SKIP_VERSIONS)


def knows(db: sqlite3.Connection, position: OutboxPosition) -> bool:
    """Return whether the outbox has all batches after this position."""
    try:
        for _ in read_batches(db, CONSUMER, position):
            break
    except CopyRequiredError:
        return False
    return True


def article_ids(changes: TableChanges) -> Iterator[int]:
    """Yield the articles whose searchable text these changes concern."""
    column = _ARTICLE_IDS.get(changes.table)
    if column is not None:
        yield from (row[changes.key.index(column)] for row in changes.deleted)
        yield from (row[changes.columns.index(column)] for row in changes.rows)


def _keys(changes: TableChanges) -> Iterator[Row]:
    positions = [changes.columns.index(column) for column in changes.key]
    return ([row[at] for at in positions] for row in changes.rows)


def _transpose(rows: Sequence[Row], columns: Sequence[str]) -> list[list[Any]]:
    """Return the values of each column, as parameters of `unnest`."""
    return [[row[at] for row in rows] for at in range(len(columns))]


def _delete_statement(table: StoredTable) -> str:
    # DELETE FROM url_owner AS t USING unnest($1::text[]) AS k (url) WHERE t.url = k.url
    types = {column.name: column.array_type for column in table.columns}
    arrays = ", ".join(f"${number}::{types[name]}" for number, name in enumerate(table.key, 1))
    condition = " AND ".join(f"t.{name} = k.{name}" for name in table.key)
    key = ", ".join(table.key)
    return f"DELETE FROM {table.name} AS t USING unnest({arrays}) AS k ({key}) WHERE {condition}"


def _insert_statement(table: StoredTable, columns: Sequence[str]) -> str:
    types = {column.name: column.array_type for column in table.columns}
    arrays = ", ".join(f"${number}::{types[name]}" for number, name in enumerate(columns, 1))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT * FROM unnest({arrays})"
