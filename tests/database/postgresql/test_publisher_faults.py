"""A batch is published whole or not at all, whatever fails at any step, and whoever is killed."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.control import Lead, claim_publication, prepare_schema, read_publication
from gqlnews.database.postgresql.copy import restore
from gqlnews.database.postgresql.dsn import connect_writer
from gqlnews.database.postgresql.election import try_to_lead
from gqlnews.database.postgresql.publisher import CONSUMER, Publisher
from gqlnews.database.sqlite.writer import open_writer
from tests.database.postgresql.stores import SCHEMA, assert_equal, load_store, with_connection
from tests.effort import examples
from tests.ingest.folder import Folder
from tests.ingest.histories import Edit
from tests.ingest.model import open_careless
from tests.ingest.test_outbox_replay import World, all_edits, content, fill, until_done
from tests.postgresql import Cluster
from tests.product import run_ingest


class CrashError(Exception):
    """The process ends here."""


class CrashingConnection:
    """A connection that is lost before, or after, the call with this number."""

    def __init__(self, connection: asyncpg.Connection, crash_at: int, *, after: bool) -> None:
        self._connection, self._crash_at, self._after = connection, crash_at, after
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        return self._crashing(getattr(self._connection, name))

    def _crashing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def run(*arguments: Any, **options: Any) -> Any:
            self.calls += 1
            if self.calls == self._crash_at and not self._after:
                self._crash()
            result = await call(*arguments, **options)
            if self.calls == self._crash_at:
                self._crash()
            return result

        return run

    def transaction(self) -> "CrashingTransaction":
        transaction = self._connection.transaction()
        return CrashingTransaction(self._crashing(transaction.start), self._crashing(transaction.commit))

    def _crash(self) -> None:
        self._connection.terminate()
        raise CrashError


@dataclass
class CrashingTransaction:
    """A transaction whose start and commit are steps; the end of the connection rolls it back."""

    start: Callable[..., Any]
    commit: Callable[..., Any]

    async def __aenter__(self) -> None:
        await self.start()

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self.commit()


def publish_until_crash(url: str, store: Path, crash_at: int, *, after: bool) -> bool:
    """Publish what is pending, as a new leader; return whether it crashed."""

    async def run() -> bool:
        connection = await connect_writer(PostgresUrl(url), SCHEMA)
        try:
            await connection.execute("UPDATE lease SET expires_at = '-infinity'")
            lead = await try_to_lead(connection, SCHEMA)
            assert isinstance(lead, Lead)
            await claim_publication(connection, lead)
            publication = await read_publication(connection)
            assert publication is not None
            crashing: Any = CrashingConnection(connection, crash_at, after=after)
            with closing(open_writer(store)) as db:
                try:
                    await Publisher(crashing, SCHEMA, db, lead).publish_pending(publication.position)
                except CrashError:
                    return True
            return False
        finally:
            connection.terminate()

    return asyncio.run(run())


def first_load(url: str, store: Path) -> None:
    async def work(connection: asyncpg.Connection) -> None:
        await prepare_schema(connection, SCHEMA)
        lead = await try_to_lead(connection, SCHEMA)
        assert isinstance(lead, Lead)
        await load_store(connection, store, lead)

    with_connection(url, work)


def test_a_connection_that_is_lost_at_any_step_leaves_no_half_batch(
    postgresql: Cluster, tmp_path: Path
) -> None:
    url, store, old = postgresql.create_database(), tmp_path / "news.db", tmp_path / "old.db"
    folder = Folder(tmp_path / "content")
    fill(folder)
    run_ingest(folder.root, store)
    first_load(url, store)
    shutil.copy(store, old)
    folder.article("a.md", "https://example.org/new", topics=["New"])
    (folder.root / "gqlnews.toml").write_text("[fields.rating]\ntype = 'Int'\n")
    run_ingest(folder.root, store)
    for crash_at in count(1):
        if not publish_until_crash(url, store, crash_at, after=True):
            break
        position = with_connection(url, read_publication)
        with closing(open_writer(old)) as db:
            is_old = (
                position is not None
                and position.position.token == db.execute("SELECT token FROM outbox").fetchone()[0]
            )
        assert_equal(url, old if is_old else store)
    assert_equal(url, store)
    assert crash_at > 30


@dataclass(frozen=True)
class PublishedStep:
    """Edits, an ingest that may be killed, and a publisher that may crash.

    With `is_lost`, the local store is then deleted, and restored from PostgreSQL.
    """

    edits: Sequence[Edit]
    ingest_killed_at: int
    crash_at: int
    after: bool
    is_lost: bool


published_steps = st.builds(
    PublishedStep,
    st.lists(all_edits, max_size=5),
    st.just(0) | st.integers(1, 400),
    st.just(0) | st.integers(1, 60),
    st.booleans(),
    st.integers(0, 3).map(lambda number: number == 0),
)


class PublishedWorld(World):
    """A folder, its store, and a PostgreSQL database."""

    def __init__(self, root: Path, url: str) -> None:
        super().__init__(root)
        self.url = url

    def run_published(self, step: PublishedStep) -> None:
        for edit in step.edits:
            edit.do(self.folder)
        self.time += 1.0
        until_done(
            lambda: self.ingest(self.store, None, step.ingest_killed_at), lambda: self.ingest(self.store)
        )
        publish_until_crash(self.url, self.store, step.crash_at, after=step.after)
        self.consume()
        assert_equal(self.url, self.store)
        if step.is_lost:
            self.restore()

    def consume(self, *_: object, **__: object) -> None:
        assert not publish_until_crash(self.url, self.store, 0, after=False)

    def restore(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.store.with_name(self.store.name + suffix).unlink(missing_ok=True)

        async def work(connection: asyncpg.Connection) -> None:
            with closing(open_writer(self.store)) as db:
                await restore(connection, db, CONSUMER)

        with_connection(self.url, work)
        assert_equal(self.url, self.store)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, postgresql: Cluster) -> tuple[Path, str]:
    """An empty store, and the name of a database into which it was loaded."""
    store, url = tmp_path_factory.mktemp("empty") / "store.db", postgresql.create_database()
    open_careless(store).close()
    first_load(url, store)
    return store, url.partition("?")[0].rpartition("/")[2]


@examples(60, quick=3)
@given(history=st.lists(published_steps, min_size=1, max_size=5))
def test_postgresql_equals_the_store_and_a_fresh_ingest(
    postgresql: Cluster, empty: tuple[Path, str], history: list[PublishedStep]
) -> None:
    store, template = empty
    url = postgresql.create_database(template)
    try:
        with TemporaryDirectory() as name:
            world = PublishedWorld(Path(name), url)
            shutil.copy(store, world.store)
            fill(world.folder)
            for step in history:
                world.run_published(step)
            world.repair()
            assert_equal(url, world.store)
            world.restore()
            world.ingest(world.fresh)
            with closing(open_careless(world.fresh)) as fresh, closing(open_careless(world.store)) as copy:
                columns = [name for (name,) in fresh.execute("SELECT name FROM pragma_table_info('article')")]
                assert content(copy, columns) == content(fresh, columns)
    finally:
        postgresql.drop_database(url)
