"""Copy a whole SQLite store to PostgreSQL, and back."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence

import asyncpg

from gqlnews.custom_fields import decode_fields
from gqlnews.database.postgresql import replacement, search_index, search_schema
from gqlnews.database.postgresql.control import (
    Lead,
    claim_publication,
    prepare_schema,
    read_publication,
    read_timeline,
    store_publication,
)
from gqlnews.database.postgresql.schema import IndexWidth, StoredTable, create_statements, read_tables
from gqlnews.database.postgresql.views import view_statements
from gqlnews.database.sqlite.outbox import OutboxPosition, Row, current_position, restore_position
from gqlnews.database.sqlite.writer import declare_fields, execute_all, transaction

# ruff: noqa: S608 - the names in these statements are those of tables and columns

ROWS_PER_COPY = 1_000

CopyProgress = Callable[[int, int], None]
"""Called with the number of rows copied, and the total."""

NOBODY = Lead("", 0)

_LARGE_INDEXES = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
_REBUILD_FULL_TEXT = (
    "INSERT INTO search_public (search_public) VALUES ('rebuild')",
    "INSERT INTO search_all (search_all) VALUES ('rebuild')",
)


async def load(
    connection: asyncpg.Connection,
    db: sqlite3.Connection,
    schema: str,
    *,
    lead: Lead = NOBODY,
    on_progress: CopyProgress = lambda done, total: None,
) -> OutboxPosition:
    """Replace everything in the schema by the rows of the open read transaction of `db`; return its position.

    Call it in a transaction, and commit at once: readers use the store before up to the last step, and then
    wait for the commit. Raises errors of asyncpg, DatabaseError and, with a lead that is over, LostLeadError.
    """
    await prepare_schema(connection, schema)
    drops_schema = await replacement.begin(connection, schema)
    loading = replacement.loading_schema(schema)
    await connection.execute(f"SET LOCAL search_path = {loading}")
    tables = read_tables(db)
    for statement in create_statements(tables):
        await connection.execute(statement)
    counts = [db.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] for table in tables]
    done, total = 0, sum(counts)
    widths: dict[str, IndexWidth] = {}
    for table in tables:
        for rows in _read_rows(db, table):
            for index, width in table.narrower_indexes(table.column_names, rows):
                widths[index.name] = max(width, widths.get(index.name, width))
            await connection.copy_records_to_table(
                table.name, schema_name=loading, columns=table.column_names, records=rows
            )
            on_progress(done := done + len(rows), total)
    for index in (index for table in tables for index in table.indexes):
        for statement in index.create_statements(widths.get(index.name, IndexWidth.FULL)):
            await connection.execute(statement)
    for statement in search_schema.create_statements():
        await connection.execute(statement)
    (fields,) = db.execute("SELECT custom_fields FROM store").fetchone()
    for statement in view_statements(decode_fields(fields)):
        await connection.execute(statement)
    await search_index.build(connection)
    await analyze(connection, loading)
    await connection.execute(f"SET LOCAL search_path = {schema}")
    for statement in search_schema.function_statements():
        await connection.execute(statement)
    position = current_position(db)
    await store_publication(connection, position, lead, await read_timeline(connection))
    await replacement.finish(connection, schema, drops_schema=drops_schema)
    if lead != NOBODY:
        await claim_publication(connection, lead)
    return position


def _read_rows(db: sqlite3.Connection, table: StoredTable) -> Iterator[list[Row]]:
    rows = db.execute(f"SELECT {', '.join(table.column_names)} FROM {table.name}")
    while some := rows.fetchmany(ROWS_PER_COPY):
        yield some


_ANALYZED = """
SELECT format('%s (%s)', attrelid::regclass, string_agg(quote_ident(attname), ', ')) FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid JOIN pg_type ON pg_type.oid = atttypid
WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
    AND typcategory <> 'A'
GROUP BY attrelid
"""
_TABLES = """
SELECT string_agg(oid::regclass::text, ', ') FROM pg_class
WHERE relnamespace = $1::regnamespace AND relkind = 'r'
"""


async def analyze(connection: asyncpg.Connection, schema: str) -> None:
    """Collect the statistics of the tables of the schema, except those of arrays, which take long."""
    tables = await connection.fetch(_ANALYZED, schema)
    await connection.execute(f"ANALYZE {', '.join(table for (table,) in tables)}")


async def vacuum(connection: asyncpg.Connection, schema: str) -> None:
    """Mark all pages as visible after a load, so that covering indexes suffice. Not in a transaction."""
    await connection.execute(f"VACUUM (SKIP_LOCKED) {await connection.fetchval(_TABLES, schema)}")


async def restore(connection: asyncpg.Connection, db: sqlite3.Connection, consumer: str) -> OutboxPosition:
    """Fill a new SQLite store, which is open as a writer, with the published rows; return their position.

    `consumer` is then registered there, and has acknowledged this position. The search_path of the connection
    is the schema. Raises errors of asyncpg and sqlite3.
    """
    db.execute("PRAGMA foreign_keys = OFF")  # rows of several tables refer to each other
    with transaction(db):
        # PostgreSQL's transaction ends before the indexes are built, which takes minutes for a large store.
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            publication = await read_publication(connection)
            assert publication is not None, "nothing was published"
            declare_fields(db, decode_fields(await connection.fetchval("SELECT custom_fields FROM store")))
            indexes = db.execute(_LARGE_INDEXES).fetchall()
            execute_all(db, (f"DROP INDEX {name}" for name, _ in indexes))
            for table in read_tables(db):
                await _restore_table(connection, db, table)
        execute_all(db, (sql for _, sql in indexes))
        execute_all(db, _REBUILD_FULL_TEXT)
        restore_position(db, consumer, publication.position)
    db.execute("PRAGMA foreign_keys = ON")
    return publication.position


async def _restore_table(connection: asyncpg.Connection, db: sqlite3.Connection, table: StoredTable) -> None:
    """Copy the rows of a table. PostgreSQL may have columns of former custom fields, which are null."""
    names = ", ".join(table.column_names)
    insert = f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.columns))})"
    db.execute(f"DELETE FROM {table.name}")
    rows: Sequence[Row]
    cursor = await connection.cursor(f"SELECT {names} FROM {table.name}")
    while rows := await cursor.fetch(ROWS_PER_COPY):
        db.executemany(insert, rows)
