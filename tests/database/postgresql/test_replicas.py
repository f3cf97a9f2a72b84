"""A server that reads a streaming replica: `since`, lag, and a failover."""

import asyncio
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql import database_handle, host_search, hosts, lag, part_reads, read_pool
from gqlnews.database.postgresql.database_handle import PostgresDatabase
from gqlnews.database.postgresql.dsn import connect_writer
from gqlnews.database.postgresql.election import LeaseKeeper
from gqlnews.database.protocol import RequiredVersion, Statement, required_version_var
from gqlnews.errors import BehindError, UnreachableDatabaseError
from tests.database.postgresql.stores import SCHEMA, elect
from tests.database.postgresql.test_database_handle import NUMBER, opened, set_number, until, until_value
from tests.replicas import ReplicaPair, running_pair

LIMIT = 0.5  # seconds that the replica may lag in a test
IS_STANDBY: Statement = ("SELECT pg_is_in_recovery()::text", ())
LAGS = f"SELECT clock_timestamp() - pg_last_xact_replay_timestamp() > make_interval(secs => {LIMIT})"

pytestmark = [pytest.mark.anyio, pytest.mark.postgresql]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def pair() -> Iterator[ReplicaPair]:
    with running_pair() as pair:
        yield pair


@pytest.fixture
def url(pair: ReplicaPair, store: Path) -> str:
    """URL of a store on the primary, which the replica has too."""
    url = pair.cluster.copy_of(store)
    pair.wait_for_replay()
    return url


@pytest.fixture(autouse=True)
def _replica_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "shuffle", lambda urls: None)


@pytest.fixture
def short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (lag, hosts):
        monkeypatch.setattr(module, "LAG_LIMIT", LIMIT)
    for module in (hosts, host_search):
        monkeypatch.setattr(module, "AVOID_SECONDS", 0.2)
    for module in (read_pool, host_search):
        monkeypatch.setattr(module, "STANDBY_RETRY_SECONDS", 0.2)


@contextmanager
def paused(pair: ReplicaPair) -> Iterator[None]:
    """Let the replica receive, but not replay during the block."""
    pair.pause_replay()
    try:
        yield
    finally:
        pair.resume_replay()


async def read(database: PostgresDatabase) -> list[bytes | None]:
    """Return the version's number, and whether a standby was read."""
    return list((await database.execute_batch([NUMBER, IS_STANDBY])).values)


async def until_read(database: PostgresDatabase, expected: list[bytes]) -> None:
    deadline = time.monotonic() + 20
    while await read(database) != expected:
        assert time.monotonic() < deadline


def require(database: PostgresDatabase, number: int) -> None:
    """Require a version, as `since` does."""
    epoch = "".join((database.version(0) or b"").decode().rpartition("-")[:2])
    required_version_var.set(RequiredVersion(epoch, number))


def is_standby(database: PostgresDatabase) -> bool:
    return database.statistics().is_standby


def lag_of(database: PostgresDatabase) -> float:
    return database.statistics().lag_seconds or 0.0


def lag_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [message for message in caplog.messages if "behind its primary" in message]


async def test_a_published_version_is_read_from_the_replica(pair: ReplicaPair, url: str) -> None:
    async with opened(pair.both_url(url)) as database:
        assert is_standby(database)
        await set_number(url, 7)
        await until(lambda: (database.version(0) or b"").endswith(b"-7"))
        assert await read(database) == [b"7", b"true"]


async def test_a_version_that_the_replica_lacks_is_read_from_the_primary(
    pair: ReplicaPair, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_handle, "BEHIND_SECONDS", 0.1)
    monkeypatch.setattr(part_reads, "BEHIND_SECONDS", 0.1)
    async with opened(pair.both_url(url)) as database:
        with paused(pair):
            await set_number(url, 8)
            require(database, 8)
            assert await anext(database.execute_parts([[NUMBER, IS_STANDBY]])) == [b"8", b"false"]
        pair.wait_for_replay()
        assert await read(database) == [b"8", b"true"]
        with paused(pair):
            await set_number(url, 9)
            require(database, 9)
            assert await read(database) == [b"9", b"false"]
        pair.wait_for_replay()
        assert await read(database) == [b"9", b"true"]


async def test_a_version_that_the_replica_lacks_is_behind_without_a_primary(
    pair: ReplicaPair, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_handle, "BEHIND_SECONDS", 0.1)
    async with opened(pair.replica_url(url)) as database:
        with paused(pair):
            await set_number(url, 8)
            require(database, 8)
            with pytest.raises(BehindError):
                await read(database)
        pair.wait_for_replay()
        assert await read(database) == [b"8", b"true"]


async def test_the_lag_is_measured_while_an_ingester_leads(pair: ReplicaPair, url: str) -> None:
    writer = await connect_writer(PostgresUrl(url), SCHEMA)
    lead = await elect(writer)
    await writer.close()
    keeper = LeaseKeeper(PostgresUrl(url), SCHEMA, lead, time.monotonic(), on_lost=lambda reason: None)
    try:
        async with opened(pair.replica_url(url)) as database:
            await until(lambda: database.statistics().has_ingester and lag_of(database) == 0)
            with paused(pair):
                await until(lambda: lag_of(database) > 1.5)
            await until(lambda: lag_of(database) == 0)
    finally:
        await asyncio.to_thread(keeper.close)


@pytest.mark.usefixtures("short_times")
async def test_a_replica_that_lags_far_behind_is_left_until_it_has_caught_up(
    pair: ReplicaPair, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(pair.both_url(url)) as database:
        assert (await read(database))[1] == b"true"
        with paused(pair):
            await set_number(url, 9)
            await until(lambda: not is_standby(database))
            assert database.statistics().connections == 1  # those to the replica are closed
            await until(lambda: (database.version(0) or b"").endswith(b"-9"))  # no request was needed
            assert await read(database) == [b"9", b"false"]
            await until(lambda: lag_of(database) == 0)  # it is that of the primary
            (line,) = lag_lines(caplog)
            assert str(PostgresUrl(pair.replica_url(url))) in line
            assert "another host is read until it has caught up" in line
        await until(lambda: is_standby(database))
        await until_read(database, [b"9", b"true"])
        assert len(lag_lines(caplog)) == 1


@pytest.mark.usefixtures("short_times")
async def test_a_server_does_not_start_on_a_replica_that_lags_far_behind(
    pair: ReplicaPair, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with paused(pair):
        await set_number(url, 9)
        await until_value(pair.replica_url(url), LAGS, True)
        async with opened(pair.both_url(url)) as database:
            assert not is_standby(database)
            assert (database.version(0) or b"").endswith(b"-9")
            assert await read(database) == [b"9", b"false"]
            assert len(lag_lines(caplog)) == 1
            pair.resume_replay()
            await until(lambda: is_standby(database))
            await until_read(database, [b"9", b"true"])


@pytest.mark.usefixtures("short_times")
async def test_the_only_host_is_read_however_far_it_lags(
    pair: ReplicaPair, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(pair.replica_url(url)) as database:
        (number, _) = await read(database)
        with paused(pair):
            await set_number(url, 9)
            await until(lambda: lag_of(database) > 4 * LIMIT)  # read several times
            assert await read(database) == [number, b"true"]
            (line,) = lag_lines(caplog)
            assert "the URL names no other host" in line
        await until(lambda: lag_of(database) == 0)
        with paused(pair):
            await set_number(url, 10)
            await until(lambda: len(lag_lines(caplog)) == 2)


@pytest.mark.usefixtures("short_times")
async def test_a_search_for_another_host_does_not_delay_the_poll(
    pair: ReplicaPair, url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other host accepts connections, and never answers."""
    monkeypatch.setattr(hosts, "CONNECT_TIMEOUT", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        replica, port = pair.replica_url(url), silent.getsockname()[1]
        async with opened(f"{replica},127.0.0.1&port=5432,{port}") as database:
            (number, _) = await read(database)
            with paused(pair):
                await set_number(url, 9)
                await until(lambda: database._search._task is not None)
                search, polled_at = database._search._task, database._polled_at
                assert search is not None
                await until(lambda: database._polled_at > polled_at)
                assert not search.done()
                await until(search.done)
                assert await read(database) == [number, b"true"]
            assert len(lag_lines(caplog)) == 1


@pytest.mark.parametrize(
    ("wanted", "on_replica", "on_primary"),
    [
        ("read-write", False, True),
        ("primary", False, True),
        ("read-only", True, False),
        ("standby", True, False),
        ("prefer-standby", True, True),
        ("any", True, True),
    ],
)
async def test_the_only_host_must_have_the_role_that_the_url_wants(
    pair: ReplicaPair, url: str, wanted: str, on_replica: bool, on_primary: bool
) -> None:
    option = f"&target_session_attrs={wanted}"
    for host, is_wanted in ((pair.replica_url(url), on_replica), (url, on_primary)):
        if is_wanted:
            async with opened(host + option) as database:
                assert (await read(database))[1] == (b"false" if host == url else b"true")
        else:
            with pytest.raises(UnreachableDatabaseError, match="no host of the wanted kind"):
                await PostgresDatabase(PostgresUrl(host + option)).open()
    async with opened(pair.both_url(url) + option) as database:
        assert (await read(database))[1] == (b"true" if on_replica else b"false")


async def test_reads_go_on_after_a_failover(pair: ReplicaPair, url: str) -> None:
    """Last in this module: the replica is the primary from now on."""
    async with opened(pair.both_url(url)) as database:
        (number, _) = await read(database)
        pair.primary.stop()
        assert await read(database) == [number, b"true"]
        pair.promote()
        assert await read(database) == [number, b"false"]
        await until(lambda: not is_standby(database))
        await set_number(pair.replica_url(url), 12)
        require(database, 12)
        assert await read(database) == [b"12", b"false"]
        async with opened(pair.both_url(url)) as another:
            assert await read(another) == [b"12", b"false"]
