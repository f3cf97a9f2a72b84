"""The least rights of the two roles, as docs/scale-out.md grants them."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from gqlnews.errors import DatabaseError
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

DOCUMENT = Path(__file__).parents[3] / "docs" / "scale-out.md"


def documented(number: int, database: str) -> str:
    """Return a block of SQL statements of the document, with the name of a database of the test."""
    blocks = re.findall(r"^```sql\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    return re.sub(r"\bDATABASE news\b", f"DATABASE {database}", blocks[number])


def database_of(url: str) -> str:
    return urlsplit(url).path[1:]


@pytest.fixture
def url(postgresql: Cluster) -> Iterator[str]:
    """The URL of a database with the two roles."""
    url = postgresql.create_database()
    postgresql.execute(documented(0, database_of(url)), url)
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
    asyncio.run(assert_reader_rights(url))


async def assert_reader_rights(url: str) -> None:
    """Check that the reader may read everything and change nothing."""
    reader = await asyncpg.connect(
        url.replace("postgres@", "news_reader@"), server_settings={"search_path": SCHEMA}
    )
    try:
        tables = await reader.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'v')",
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


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder, store = Folder(tmp_path / "content"), tmp_path / "news.db"
    folder.article("a.md")
    run_ingest(folder.root, store)
    return store


def test_schemas_that_an_administrator_created_are_used(url: str, postgresql: Cluster, store: Path) -> None:
    postgresql.execute(documented(1, database_of(url)), url)

    async def write(connection: asyncpg.Connection) -> None:
        lead = await elect(connection)
        for _ in range(2):
            await load_store(connection, store, lead)

    with_connection(url.replace("postgres@", "news_writer@"), write)
    assert_equal(url, store)
    asyncio.run(assert_reader_rights(url))


def test_the_schema_that_the_writer_may_not_create_is_named(
    url: str, postgresql: Cluster, store: Path
) -> None:
    first, _, others = documented(1, database_of(url)).partition(f"CREATE SCHEMA {SCHEMA}_loading ")
    postgresql.execute(first + others.partition(";\n")[2], url)

    async def write(connection: asyncpg.Connection) -> None:
        await load_store(connection, store, await elect(connection))

    with pytest.raises(DatabaseError, match=rf"schema {SCHEMA}_loading.*permission denied.*grant CREATE"):
        with_connection(url.replace("postgres@", "news_writer@"), write)
