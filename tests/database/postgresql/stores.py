"""Compare SQLite stores with PostgreSQL databases, table by table."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import asyncpg

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.control import Lead, claim_publication, prepare_schema
from gqlnews.database.postgresql.copy import load
from gqlnews.database.postgresql.dsn import connect_writer
from gqlnews.database.postgresql.election import try_to_lead
from gqlnews.database.postgresql.publisher import CONSUMER, Publisher
from gqlnews.database.postgresql.schema import read_tables, schema_name
from gqlnews.database.sqlite.outbox import OutboxPosition, register
from gqlnews.database.sqlite.writer import open_writer

# ruff: noqa: S608 - the names in these statements are those of tables and columns

SCHEMA = schema_name()
Rows = dict[str, list[tuple[object, ...]]]
T = TypeVar("T")


def with_connection(url: str, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Run `work` with a connection whose search_path is the schema of the store."""

    async def run() -> T:
        connection = await connect_writer(PostgresUrl(url), SCHEMA)
        try:
            return await work(connection)
        finally:
            connection.terminate()

    return asyncio.run(run())


def store_rows(store: Path) -> Rows:
    """Return the rows of all tables of a SQLite store; columns without a value are left out."""
    with closing(sqlite3.connect(store)) as db:
        return {
            table.name: _sorted(
                dict(zip(table.column_names, row, strict=True))
                for row in db.execute(f"SELECT {', '.join(table.column_names)} FROM {table.name}")
            )
            for table in read_tables(db)
        }


async def fetch_rows(connection: asyncpg.Connection, names: list[str]) -> Rows:
    return {name: _sorted(map(dict, await connection.fetch(f"SELECT * FROM {name}"))) for name in names}


def _sorted(rows: object) -> list[tuple[object, ...]]:
    items = [tuple(sorted((k, v) for k, v in row.items() if v is not None)) for row in rows]  # type: ignore[attr-defined]
    return sorted(items, key=repr)


def assert_equal(url: str, store: Path) -> None:
    """Check that all tables of the database have the same rows as the store."""
    expected = store_rows(store)
    found = with_connection(url, lambda connection: fetch_rows(connection, list(expected)))
    for name, rows in expected.items():
        assert found[name] == rows, name


async def elect(connection: asyncpg.Connection) -> Lead:
    """Take the lead, as the first ingester."""
    await prepare_schema(connection, SCHEMA)
    lead = await try_to_lead(connection, SCHEMA)
    assert isinstance(lead, Lead), lead
    await claim_publication(connection, lead)
    return lead


async def load_store(connection: asyncpg.Connection, store: Path, lead: Lead) -> OutboxPosition:
    """Load the store, with a registered consumer."""
    with closing(open_writer(store)) as db:
        register(db, CONSUMER)
        db.execute("BEGIN")
        async with connection.transaction():
            return await load(connection, db, SCHEMA, lead=lead)


async def publish(
    connection: asyncpg.Connection, store: Path, lead: Lead, after: OutboxPosition
) -> OutboxPosition:
    with closing(open_writer(store)) as db:
        return await Publisher(connection, SCHEMA, db, lead).publish_pending(after)
