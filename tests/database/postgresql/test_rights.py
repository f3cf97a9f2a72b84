"""The least rights of the two roles, as docs/scale-out.md grants them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.database.postgresql.stores import (
    SCHEMA,
    assert_equal,
    elect,
    load_store,
    publish,
    with_connection,
)
from tests.ingest.folder import Folder
from tests.postgresql import Cluster
from tests.product import run_ingest

RIGHTS = """
CREATE ROLE news_writer LOGIN;
CREATE ROLE news_reader LOGIN;
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT, CREATE ON DATABASE {database} TO news_writer;
GRANT CONNECT ON DATABASE {database} TO news_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE news_writer GRANT USAGE ON SCHEMAS TO news_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE news_writer GRANT SELECT ON TABLES TO news_reader;
"""


@pytest.fixture
def url(postgresql: Cluster) -> Iterator[str]:
    """The URL of a database with the two roles."""
    url = postgresql.create_database()
    postgresql.execute(RIGHTS.format(database=urlsplit(url).path[1:]), url)
    yield url
    postgresql.drop_database(url)
    postgresql.execute("DROP ROLE news_writer; DROP ROLE news_reader")


def test_the_writer_publishes_and_the_reader_reads(url: str, tmp_path: Path) -> None:
    folder, store = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.article("a.md", "https://example.org/a", topics=["AI"])
    run_ingest(folder.root, store)

    async def write(connection: asyncpg.Connection) -> None:
        lead = await elect(connection)
        position = await load_store(connection, store, lead)
        folder.article("b.md", "https://example.org/b")
        (folder.root / "gqlnews.toml").write_text("[fields.rating]\ntype = 'Int'\n")
        run_ingest(folder.root, store)
        await publish(connection, store, lead, position)
        await load_store(connection, store, lead)

    with_connection(url.replace("postgres@", "news_writer@"), write)
    assert_equal(url, store)

    async def read() -> None:
        reader = await asyncpg.connect(
            url.replace("postgres@", "news_reader@"), server_settings={"search_path": SCHEMA}
        )
        try:
            tables = await reader.fetch(
                "SELECT relname FROM pg_class"
                " WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'v')",
                SCHEMA,
            )
            assert {"article", "publication", "search_all_source"} <= {name for (name,) in tables}
            for (name,) in tables:
                await reader.fetch(f"SELECT * FROM {name} LIMIT 1")  # noqa: S608 - a table of ours
            await reader.fetch("SELECT * FROM search_hits(0, '{\"groups\": []}')")
            create = f"CREATE TABLE {SCHEMA}.t (a int)"
            for statement in ("DELETE FROM article", create, "CREATE SCHEMA s"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await reader.execute(statement)
        finally:
            await reader.close()

    asyncio.run(read())


def test_a_schema_that_an_administrator_created_is_used(
    url: str, postgresql: Cluster, tmp_path: Path
) -> None:
    folder, store = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.article("a.md")
    run_ingest(folder.root, store)
    postgresql.execute(f"REVOKE CREATE ON DATABASE {urlsplit(url).path[1:]} FROM news_writer", url)
    postgresql.execute(f"CREATE SCHEMA {SCHEMA} AUTHORIZATION news_writer", url)

    async def write(connection: asyncpg.Connection) -> None:
        await load_store(connection, store, await elect(connection))

    with_connection(url.replace("postgres@", "news_writer@"), write)
    assert_equal(url, store)
