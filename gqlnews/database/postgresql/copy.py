"""Copy a whole SQLite store to PostgreSQL."""

import sqlite3

import asyncpg

from gqlnews.database.postgresql.schema import create_statements, index_statements, read_tables

# ruff: noqa: S608 - the names in these statements are those of tables and columns

ROWS_PER_COPY = 5_000


async def load(connection: asyncpg.Connection, db: sqlite3.Connection, schema: str) -> None:
    """Create the schema and copy all rows of the open read transaction of `db`, then collect statistics.

    Call it in a transaction. Raises errors of asyncpg.
    """
    await connection.execute(f"CREATE SCHEMA {schema}")
    await connection.execute(f"SET LOCAL search_path = {schema}")
    tables = read_tables(db)
    for statement in create_statements(tables):
        await connection.execute(statement)
    for table in tables:
        names = [column.name for column in table.columns]
        rows = db.execute(f"SELECT {', '.join(names)} FROM {table.name}")
        while some := rows.fetchmany(ROWS_PER_COPY):
            await connection.copy_records_to_table(
                table.name, schema_name=schema, columns=names, records=some
            )
    for statement in index_statements(tables):
        await connection.execute(statement)
    await connection.execute("ANALYZE")
