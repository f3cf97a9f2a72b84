"""Snapshots of a PostgreSQL store: limits of statements, lost connections, and replicas that are behind."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from unittest.mock import patch

import asyncpg
import pytest

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql import snapshot_connector
from gqlnews.database.postgresql.hosts import HostConnection, Hosts
from gqlnews.database.postgresql.publisher import SKIPPED_VERSIONS
from gqlnews.database.postgresql.snapshots import PostgresSnapshot, PostgresSnapshotReader
from gqlnews.database.protocol import RequiredVersion
from gqlnews.database.snapshots import Snapshot, VersionState
from gqlnews.database.sqlite.snapshots import SqliteSnapshotReader
from gqlnews.errors import BehindError, DatabaseError, ResourceLimitError, UnreachableDatabaseError
from tests.database.sqlite.test_change_history import copied, ingest_all
from tests.ingest.folder import Folder
from tests.postgresql import Cluster
from tests.published import PublishedStore

pytestmark = pytest.mark.anyio

TITLES = "SELECT string_agg(title, ',' ORDER BY slug) FROM article"
SLOW = "SELECT pg_sleep(60)::text"
TERMINATE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Content:
    """A content folder whose store is published."""

    def __init__(self, root: Path, url: str) -> None:
        self.folder, self.store = Folder(root / "content"), root / "news.db"
        self.write("before")
        self.published = PublishedStore(self.store, url)

    def write(self, title: str) -> None:
        self.folder.article("a.md", title=title)
        ingest_all(self.store, self.folder)

    def publish(self, title: str) -> None:
        self.write(title)
        self.published.publish()


@pytest.fixture
def content(postgresql: Cluster, tmp_path: Path) -> Iterator[Content]:
    content = Content(tmp_path, postgresql.create_database())
    yield content
    content.published.close()


@asynccontextmanager
async def opened(content: Content, limits: Limits = UNLIMITED) -> AsyncIterator[PostgresSnapshotReader]:
    reader = PostgresSnapshotReader(content.published.url, limits)
    await reader.open()
    try:
        yield reader
    finally:
        await reader.close()


def value(sql: str) -> Callable[[Snapshot], bytes | None]:
    return lambda now: now.fetch_value(sql, ())


async def test_a_snapshot_does_not_change_and_the_next_one_is_current(content: Content) -> None:
    async with opened(content) as reader:
        async with reader.snapshot() as states:
            content.publish("now")
            assert await reader.run(value(TITLES)) == b"before"
            assert states[0].number == 1
        async with reader.snapshot() as states:
            assert await reader.run(value(TITLES)) == b"now"
            assert states[0].number == 2


async def test_both_stores_have_the_same_version_states_and_changes(content: Content) -> None:
    for title in ("one", "two"):
        content.publish(title)
    content.folder.remove("a.md")
    content.publish("three")
    found: list[object] = []
    for reader in (SqliteSnapshotReader(content.store), PostgresSnapshotReader(content.published.url)):
        await reader.open()
        async with reader.snapshot() as states:
            changes = [
                await reader.run(lambda now, scope=scope: now.changes(scope, 0, 100, since=1))  # type: ignore[misc]
                for scope in (0, 1)
            ]
        await reader.close()
        found.append((list(states), changes))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("limits", "sql", "code"),
    [
        (Limits(timeout_seconds=0.2), SLOW, "TIMED_OUT"),
        (Limits(max_response_bytes=2_000), "SELECT repeat('ä', 1001)", "ANSWER_TOO_LARGE"),
    ],
)
async def test_a_snapshot_remains_usable_after_a_stopped_statement(
    content: Content, limits: Limits, sql: str, code: str
) -> None:
    async with opened(content, limits) as reader, reader.snapshot():
        content.publish("now")
        for _ in range(2):
            with pytest.raises(ResourceLimitError) as stopped:
                await reader.run(value(sql))
            assert stopped.value.code == code
        assert await reader.run(value(TITLES)) == b"before"


async def test_statements_share_a_time_limit(content: Content) -> None:
    def work(now: PostgresSnapshot) -> None:
        before = now.statement_seconds()
        with now.limit_statement_time(0.3):
            now.fetch_value("SELECT pg_sleep(0.2)::text", ())
            with pytest.raises(ResourceLimitError):
                now.fetch_value("SELECT pg_sleep(60)::text", ())
            assert now.statement_seconds() - before >= 0.3
            with pytest.raises(ResourceLimitError):
                now.fetch_value(TITLES, ())
        assert now.fetch_value(TITLES, ()) == b"before"

    async with opened(content) as reader, reader.snapshot():
        await reader.run(work)


async def test_a_statement_that_is_wrong_says_nothing_about_the_database(content: Content) -> None:
    async with opened(content) as reader, reader.snapshot():
        with pytest.raises(asyncpg.UndefinedColumnError):
            await reader.run(value("SELECT nothing FROM article"))
        assert await reader.run(value(TITLES)) == b"before"


async def test_a_lost_connection_ends_the_snapshot_and_the_next_one_connects_again(content: Content) -> None:
    async with opened(content) as reader:
        async with reader.snapshot():
            content.published.execute(TERMINATE)
            with pytest.raises(DatabaseError, match="PostgreSQL database"):
                await reader.run(value(TITLES))
        for _ in range(2):
            async with reader.snapshot():
                assert await reader.run(value(TITLES)) == b"before"
            content.published.execute(TERMINATE)


async def test_a_cancelled_snapshot_does_not_prevent_the_next(content: Content) -> None:
    """Cancelled after some time: while it begins, reads or ends."""

    async def look(reader: PostgresSnapshotReader) -> bytes | None:
        async with reader.snapshot():
            return await reader.run(value(TITLES))

    async with opened(content) as reader:
        for turns in range(6):
            looking = asyncio.create_task(look(reader))
            for _ in range(turns):
                await asyncio.sleep(0.0005)
            looking.cancel()
            await asyncio.wait([looking])
            content.publish(f"title {turns}")
            assert await look(reader) == f"title {turns}".encode()


async def test_a_database_that_cannot_be_opened_leaves_no_thread() -> None:
    reader = PostgresSnapshotReader(PostgresUrl("postgresql:///news?host=/nonexistent"))
    with pytest.raises(UnreachableDatabaseError):
        await reader.open()
    assert reader._thread is None


# Replicas. The one here is another database, with a copy of the store.


CONNECT = Hosts.connect


class Replica:
    """A primary and a replica, which applies nothing by itself. `is_lost`, `is_down`: the primary,
    or the replica, cannot be reached.
    """

    def __init__(self, primary: Content, url: str) -> None:
        self.primary, self.is_lost, self.is_down = primary, False, False
        self.connections: list[bool] = []
        self.copy = PublishedStore(copied(primary.store), url)

    def apply(self) -> None:
        self.copy.load(copied(self.primary.store))

    async def connect(self, hosts: Hosts, *, to_primary: bool = False) -> HostConnection:
        self.connections.append(to_primary)
        if self.is_lost if to_primary else self.is_down:
            raise UnreachableDatabaseError("lost")
        url = (self.primary.published if to_primary else self.copy).url
        host = await CONNECT(Hosts(url, 0))
        return HostConnection(host.connection, url.url, to_primary, host.connected_at)


@pytest.fixture
def replica(postgresql: Cluster, content: Content) -> Iterator[Replica]:
    replica = Replica(content, postgresql.create_database())

    async def connect(hosts: Hosts, *, to_primary: bool = False) -> HostConnection:
        return await replica.connect(hosts, to_primary=to_primary)

    with (
        patch.object(Hosts, "connect", connect),
        patch.object(Hosts, "has_several", property(lambda _: True)),
        patch.object(snapshot_connector, "CATCH_UP_SECONDS", 0.05),
        closing(replica.copy),
    ):
        yield replica


async def states_of(
    reader: PostgresSnapshotReader, *required: RequiredVersion, seconds: float = 0.0
) -> VersionState:
    async with reader.snapshot(required, seconds) as states:
        return states[0]


async def test_a_snapshot_is_on_the_replica_if_it_has_what_is_required(replica: Replica) -> None:
    async with opened(replica.primary) as reader:
        state = await states_of(reader)
        replica.primary.publish("now")
        assert await states_of(reader, RequiredVersion(state.epoch, 1)) == state
        assert replica.connections == [False]


async def test_a_replica_that_is_behind_a_required_version_is_waited_for(replica: Replica) -> None:
    async with opened(replica.primary) as reader:
        state = await states_of(reader)
        replica.primary.publish("now")
        required = RequiredVersion(state.epoch, 2)
        waiting = asyncio.create_task(states_of(reader, required, seconds=60.0))
        await asyncio.to_thread(replica.apply)
        assert (await waiting).number == 2
        assert replica.connections == [False]


async def test_the_primary_is_asked_and_used_until_a_replica_may_have_recovered(replica: Replica) -> None:
    async with opened(replica.primary) as reader:
        state = await states_of(reader)
        replica.primary.publish("now")
        assert (await states_of(reader, RequiredVersion(state.epoch, 2))).number == 2
        assert (await states_of(reader)).number == 2
        assert replica.connections == [False, True]
        replica.apply()
        with patch.object(snapshot_connector, "PRIMARY_SECONDS", 0.0):
            assert (await states_of(reader)).number == 2
        assert replica.connections == [False, True, False]


async def test_the_primary_is_used_while_the_replica_is_down(replica: Replica) -> None:
    async with opened(replica.primary) as reader:
        state = await states_of(reader)
        replica.primary.publish("now")
        await states_of(reader, RequiredVersion(state.epoch, 2))
        replica.is_down = True
        with patch.object(snapshot_connector, "PRIMARY_SECONDS", 0.0):
            for _ in range(2):
                assert (await states_of(reader)).number == 2
        assert replica.connections == [False, True, False, False]


async def test_snapshots_do_not_go_backwards(replica: Replica) -> None:
    """Neither with a replica that is behind, nor if the primary cannot be asked."""
    async with opened(replica.primary) as reader:
        state = await states_of(reader)
        replica.primary.publish("now")
        await states_of(reader, RequiredVersion(state.epoch, 2))
        with patch.object(snapshot_connector, "PRIMARY_SECONDS", 0.0):
            assert (await states_of(reader)).number == 2
            replica.is_lost = True
            with pytest.raises(UnreachableDatabaseError, match="behind what was read from it before"):
                await states_of(reader)
            assert replica.connections[-1]
            replica.is_lost = False
            attempts = replica.connections.count(True)
            with pytest.raises(UnreachableDatabaseError):  # it is not asked again at once
                await states_of(reader)
            assert replica.connections.count(True) == attempts
            with patch.object(snapshot_connector, "PRIMARY_RETRY_SECONDS", 0.0):
                assert (await states_of(reader)).number == 2


@pytest.mark.parametrize("is_lost", [False, True])
async def test_a_version_that_neither_has_is_behind(replica: Replica, is_lost: bool) -> None:
    async with opened(replica.primary) as reader:
        state = await states_of(reader)
        replica.is_lost = is_lost
        with pytest.raises(BehindError):
            await states_of(reader, RequiredVersion(state.epoch, 2))
        assert await states_of(reader) == state
        assert replica.connections == [False, True]


async def test_a_version_far_ahead_or_of_another_store_is_for_the_caller_to_reject(replica: Replica) -> None:
    async with opened(replica.primary) as reader:
        state = await states_of(reader)
        for required in (RequiredVersion(state.epoch, 1 + SKIPPED_VERSIONS), RequiredVersion("abc0-", 1)):
            assert await states_of(reader, required) == state
