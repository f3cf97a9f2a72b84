"""A SQLite store copied to PostgreSQL has the same rows."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg

from gqlnews.database.postgresql.schema import IndexWidth, read_tables, schema_name
from tests.conftest import EXAMPLES
from tests.postgresql import Cluster
from tests.product import run_ingest

# ruff: noqa: S608 - the names in these statements are those of tables and columns


def test_a_copy_has_the_same_rows(postgresql: Cluster, tmp_path: Path) -> None:
    database = tmp_path / "news.db"
    run_ingest(EXAMPLES, database)
    url = postgresql.copy_of(database)

    async def rows(table: str, columns: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            found = await connection.fetch(f"SELECT {columns} FROM {schema_name()}.{table}")
            return sorted(map(tuple, found), key=repr)
        finally:
            await connection.close()

    with closing(sqlite3.connect(database)) as db:
        for table in read_tables(db):
            columns = ", ".join(column.name for column in table.columns)
            expected = sorted(db.execute(f"SELECT {columns} FROM {table.name}"), key=repr)
            assert asyncio.run(rows(table.name, columns)) == expected, table.name


def test_an_index_without_its_covered_columns_has_those_of_lookups(tmp_path: Path) -> None:
    """With long texts, an index of (scope, slug, story) would begin with the scope alone."""
    run_ingest(EXAMPLES, tmp_path / "news.db")
    with closing(sqlite3.connect(tmp_path / "news.db")) as db:
        indexes = {index.name: index for table in read_tables(db) for index in table.indexes}
    statement, _ = indexes["story_article_slug"].create_statements(IndexWidth.KEYS)
    assert statement.endswith("(scope, slug)")
