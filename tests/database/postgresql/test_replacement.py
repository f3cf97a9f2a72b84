"""A store that is loaded in place of another one: readers see one or the other, and wait for neither."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, closing
from pathlib import Path

import asyncpg
import pytest

from gqlnews.config.settings import Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql import replacement
from gqlnews.database.postgresql.database_handle import PostgresDatabase
from gqlnews.database.protocol import Statement
from gqlnews.errors import UnknownDatabaseError
from tests.database.postgresql.stores import SCHEMA, elect, load_store, with_connection
from tests.ingest.folder import Folder
from tests.postgresql import Cluster
from tests.product import run_ingest
from tests.published import PublishedStore

# ruff: noqa: S608 - the names in these statements are those of schemas

pytestmark = pytest.mark.anyio

DEADLINE = 30.0
LIMITS = Limits(timeout_seconds=2.0)
"""A read that waited for a load would fail."""

TITLE: Statement = (
    "SELECT string_agg(title, ',') FROM article WHERE EXISTS (SELECT FROM article_topic"
    " WHERE article_id = article.id) AND (SELECT count(*) FROM source) = 1",
    (),
)
FOUND: Statement = (
    "SELECT string_agg(title, ',') FROM article"
    """ WHERE id IN (SELECT id FROM search_hits(0, '{"groups": [[{"tokens": ["searched"]}]]}'))""",
    (),
)

HOLD = """
CREATE FUNCTION public.wait_for_test() RETURNS event_trigger LANGUAGE plpgsql
    AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); END $$;
CREATE EVENT TRIGGER wait_for_test ON ddl_command_start WHEN TAG IN ('{}')
    EXECUTE FUNCTION public.wait_for_test()
"""
WAITING = "SELECT pid FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
WAITING_FOR_TABLE = f"""
SELECT pid FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
    AND relation = '{SCHEMA}.article'::regclass
"""
WAITING_READ = """
SELECT pid FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%convert_to%'
"""
HELD = f"""
SELECT count(*) FROM pg_locks JOIN pg_class ON pg_class.oid = relation
WHERE pid = $1 AND granted AND mode = $2 AND relnamespace = '{SCHEMA}'::regnamespace
"""
OBJECTS = """
SELECT nspname, relkind::text, relname, obj_description(pg_class.oid, 'pg_class'),
    CASE WHEN relkind = 'v' THEN pg_get_viewdef(pg_class.oid) ELSE pg_get_indexdef(pg_class.oid) END,
    (SELECT count(*) > 0 FROM pg_statistic WHERE starelid = pg_class.oid), reltuples >= 0
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname LIKE 'gqlnews%'
UNION ALL
SELECT nspname, 'function', proname, pg_get_functiondef(pg_proc.oid), NULL, NULL, NULL
FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace WHERE nspname LIKE 'gqlnews%'
UNION ALL
SELECT nspname, 'schema', '', obj_description(oid, 'pg_namespace'), NULL, NULL, NULL
FROM pg_namespace WHERE nspname LIKE 'gqlnews%'
ORDER BY 1, 2, 3
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def new_store(root: Path, title: str) -> Path:
    """Ingest one article into a new store."""
    folder = Folder(root / f"content-{title}")
    (folder.root / "gqlnews.toml").write_text("[fields.labels]\ntype = ['String']\nfacet = true\n")
    folder.article("a.md", title=title, excerpt="searched", topics=["AI"], labels=["x"])
    run_ingest(folder.root, root / f"{title}.db")
    return root / f"{title}.db"


@pytest.fixture
def published(postgresql: Cluster, tmp_path: Path) -> Iterator[PublishedStore]:
    """A database with the article `before`."""
    url = postgresql.create_database()
    with closing(PublishedStore(new_store(tmp_path, "before"), url)) as published:
        yield published
    postgresql.drop_database(url)


@pytest.fixture
def empty(postgresql: Cluster) -> Iterator[str]:
    """The URL of an empty database."""
    url = postgresql.create_database()
    yield url
    postgresql.drop_database(url)


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """A store with the article `after`."""
    return new_store(tmp_path, "after")


@asynccontextmanager
async def opened(url: PostgresUrl) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(url, LIMITS)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def connected(url: PostgresUrl) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url.url, server_settings={"search_path": SCHEMA})
    try:
        yield connection
    finally:
        connection.terminate()


async def titles(database: PostgresDatabase) -> list[bytes | None]:
    """Read the titles by several tables and by the function, from a batch and in parts."""
    values = list((await database.execute_batch([TITLE, FOUND])).values)
    async with aclosing(database.execute_parts([[TITLE], [FOUND]])) as parts:
        async for part in parts:
            values += part
    return values


async def until_value(connection: asyncpg.Connection, sql: str) -> int:
    """Return the first value of a SELECT, as soon as it has a row."""
    deadline = time.monotonic() + DEADLINE
    while (value := await connection.fetchval(sql)) is None:
        assert time.monotonic() < deadline
    return int(value)


@pytest.mark.parametrize("step", ["CREATE TABLE", "CREATE INDEX", "CREATE VIEW", "CREATE FUNCTION"])
async def test_readers_use_the_store_before_while_another_is_loaded(
    published: PublishedStore, after: Path, step: str
) -> None:
    """The load waits at a step, of which the last one is the function."""
    async with opened(published.url) as database, connected(published.url) as holder:
        assert set(await titles(database)) == {b"before"}
        await holder.execute(HOLD.format(step))
        await holder.execute("SELECT pg_advisory_lock(1)")
        loading = asyncio.create_task(asyncio.to_thread(published.load, after))
        try:
            loader = await until_value(holder, WAITING)
            for _ in range(3):
                assert set(await titles(database)) == {b"before"}
            assert await holder.fetchval(HELD, loader, "AccessExclusiveLock") == 0
            assert await database.can_answer()
        finally:
            await holder.execute("SELECT pg_advisory_unlock(1)")
            await loading
        for _ in range(3):
            assert set(await titles(database)) == {b"after"}


@pytest.mark.parametrize("step", ["CREATE INDEX", "CREATE FUNCTION"])
async def test_a_load_that_is_ended_leaves_nothing(published: PublishedStore, after: Path, step: str) -> None:
    async with opened(published.url) as database, connected(published.url) as holder:
        await holder.execute(HOLD.format(step))
        await holder.execute("SELECT pg_advisory_lock(1)")
        before = await holder.fetch(OBJECTS)
        loading = asyncio.create_task(asyncio.to_thread(published.load, after))
        loader = await until_value(holder, WAITING)
        await holder.execute("SELECT pg_terminate_backend($1, 30000)", loader)
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await loading
        assert await holder.fetch(OBJECTS) == before
        assert set(await titles(database)) == {b"before"}


async def test_a_session_that_holds_a_table_delays_only_the_end_of_the_load(
    published: PublishedStore, after: Path
) -> None:
    """Such as a backup. Readers are served between the attempts."""
    async with (
        opened(published.url) as database,
        connected(published.url) as backup,
        connected(published.url) as holder,
    ):
        async with backup.transaction():
            await backup.execute("LOCK TABLE article IN ACCESS SHARE MODE")
            loading = asyncio.create_task(asyncio.to_thread(published.load, after))
            for _ in range(len(replacement.LOCK_SECONDS)):
                await until_value(holder, WAITING_FOR_TABLE)
                assert set(await titles(database)) == {b"before"}
            assert not loading.done()
        await loading
        assert set(await titles(database)) == {b"after"}


@pytest.mark.parametrize("is_prepared", [False, True])
async def test_a_read_that_waits_holds_no_table(published: PublishedStore, is_prepared: bool) -> None:
    """So it and the end of a load do not wait for each other."""
    statements = [TITLE, FOUND]
    async with (
        opened(published.url) as database,
        connected(published.url) as holder,
        connected(
            published.url
        ) as observer,  # in no transaction, which would see the activity of its beginning
    ):
        if is_prepared:
            await database.execute_batch(statements)
        async with holder.transaction():
            await holder.execute("LOCK TABLE site IN ACCESS EXCLUSIVE MODE")
            reading = asyncio.create_task(database.execute_batch(statements))
            reader = await until_value(observer, WAITING_READ)
            assert await observer.fetchval(HELD, reader, "AccessShareLock") == 0
        assert set((await reading).values) == {b"before"}


async def test_readers_without_pause_see_whole_stores(
    published: PublishedStore, after: Path, tmp_path: Path
) -> None:
    """No read fails, and each has one version and the content of it, while stores replace each other."""
    stores = {b"before": tmp_path / "before.db", b"after": after}
    seen: dict[bytes, set[bytes | None]] = {}
    is_over = False

    async def read(database: PostgresDatabase) -> None:
        while not is_over:
            values, ids = await database.execute_batch([TITLE, FOUND])
            assert ids is not None
            seen.setdefault(ids[0].version, set()).update(values)
            async with aclosing(database.execute_parts([[TITLE], [FOUND]])) as parts:
                assert len({value async for part in parts for value in part}) == 1

    async with opened(published.url) as database:
        reading = [asyncio.create_task(read(database)) for _ in range(3)]
        for title in (b"after", b"before") * 2:
            await asyncio.to_thread(published.load, stores[title])
            assert set(await titles(database)) == {title}
        is_over = True
        await asyncio.gather(*reading)
    assert sorted(seen.values(), key=repr) == [{b"after"}, {b"before"}]


async def test_all_objects_are_in_the_schema_as_after_a_first_load(
    published: PublishedStore, after: Path, empty: str
) -> None:
    with closing(PublishedStore(after, empty)):
        async with connected(PostgresUrl(empty)) as connection:
            expected = await connection.fetch(OBJECTS)
    published.load(after)
    async with connected(published.url) as connection:
        assert await connection.fetch(OBJECTS) == expected
    assert {row["nspname"] for row in expected} == {SCHEMA}
    names = {(row["relkind"], row["relname"]) for row in expected}
    assert {
        ("r", "article"),
        ("i", "article_pkey"),
        ("v", "search_all_source"),
        ("c", "search_found"),
    } < names
    assert any(kind == "v" and "labels" in name for kind, name in names), sorted(names)


def test_objects_of_another_program_are_not_replaced(empty: str, after: Path) -> None:
    loading = replacement.loading_schema(SCHEMA)

    async def load(connection: asyncpg.Connection) -> None:
        await connection.execute(f"CREATE SCHEMA {loading}; CREATE TABLE {loading}.article (id int)")
        await load_store(connection, after, await elect(connection))

    with pytest.raises(UnknownDatabaseError, match=f"schema {loading} has objects of another program"):
        with_connection(empty, load)
