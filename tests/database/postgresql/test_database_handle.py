"""A server's handle of a PostgreSQL store: reads, limits, and versions that never go backwards."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.custom_fields import CustomField, encode_fields
from gqlnews.database.job_queue import SHORT_SECONDS
from gqlnews.database.postgresql import database_handle, part_reads, read_pool
from gqlnews.database.postgresql.database_handle import PostgresDatabase
from gqlnews.database.postgresql.hosts import APPLICATION_NAME, HostConnection, Hosts
from gqlnews.database.postgresql.read_pool import Reader
from gqlnews.database.postgresql.schema import schema_name
from gqlnews.database.protocol import RequiredVersion, Statement, required_version_var
from gqlnews.errors import (
    BehindError,
    Code,
    DatabaseError,
    OverloadedError,
    ResourceLimitError,
    UnavailableError,
    UnreachableDatabaseError,
)
from tests.postgresql import Cluster

DEADLINE = 20.0
COUNT: Statement = ("SELECT count(*) FROM article", ())
ENDLESS: Statement = ("SELECT count(*) FROM generate_series(1, 10000000000)", ())
FAILING: Statement = ("SELECT fail()", ())
BUSY = f"""
SELECT count(*) FROM pg_stat_activity
WHERE application_name = '{APPLICATION_NAME}' AND query LIKE '%10000000000%' AND state = 'active'
"""  # noqa: S608 - a constant

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def url(postgresql: Cluster, store: Path) -> Iterator[str]:
    url = postgresql.copy_of(store)
    yield url
    postgresql.drop_database(url)


@pytest.fixture
def standby(postgresql: Cluster, store: Path) -> Iterator[str]:
    url = postgresql.copy_of(store)
    yield url
    postgresql.drop_database(url)


@asynccontextmanager
async def opened(url: str, limits: Limits = UNLIMITED) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(PostgresUrl(url), limits)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def execute(url: str, sql: str) -> object:
    """Execute SQL in the schema of the store; return the first value."""
    connection = await asyncpg.connect(url, server_settings={"search_path": schema_name()})
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def until_value(url: str, sql: str, value: object) -> None:
    """Wait until SQL returns a value."""
    deadline = time.monotonic() + DEADLINE
    while await execute(url, sql) != value:
        assert time.monotonic() < deadline


async def set_number(url: str, number: int) -> None:
    """Publish a version."""
    await execute(
        url,
        f"UPDATE site SET number = {number}, version = split_part(version, '-', 1) || '-{number}'",  # noqa: S608
    )


async def create_failing(url: str, state: str) -> None:
    """Let the statement FAILING fail with this SQLSTATE."""
    await execute(
        url,
        "CREATE FUNCTION fail() RETURNS text LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE 'it fails' USING ERRCODE = '{state}'; END $$",
    )


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


async def test_statements_are_one_select_with_its_snapshot(url: str) -> None:
    async with opened(url) as database:
        statements = [
            ('SELECT \'{"a": "$1"}\' || $1', ("x",)),
            COUNT,
            ("SELECT $2 || $1", ("a", "b")),
            ("SELECT slug FROM article WHERE slug = $1", ("none",)),
        ]
        values, snapshot_ids = await database.execute_batch(statements)
        assert values == [b'{"a": "$1"}x', b"2", b"ba", None]
        assert snapshot_ids == tuple(database.snapshot_id(audience) for audience in range(3))
        assert database.statements == 4


async def test_the_server_reads_sizes_counts_and_media(url: str) -> None:
    async with opened(url) as database:
        assert database.sizes(0)[""] == 1
        assert database.sizes(2)[""] == 2
        assert (await database.counts()) == {"public": 1, "all": 2, "error": 1, "warning": 0}
        assert await database.find_media("nothing.png", 0) is None
        assert database.custom_fields() == ()
        assert await database.can_answer()


async def test_an_answer_newer_than_the_last_poll_is_known_at_once(url: str) -> None:
    async with opened(url) as database:
        before = database.snapshot_id(0)
        await set_number(url, 7)
        _, ids = await database.execute_batch([COUNT])
        assert ids is not None
        assert ids[0].version.endswith(b"-7")
        assert database.snapshot_id(0) == ids[0] != before


async def test_a_published_version_is_polled(url: str) -> None:
    async with opened(url) as database:
        await set_number(url, 8)
        await until(lambda: (database.version(0) or b"").endswith(b"-8"))


async def test_a_statement_is_stopped_at_its_timeout(url: str) -> None:
    async with opened(url, Limits(timeout_seconds=0.4)) as database:
        with pytest.raises(ResourceLimitError) as error:
            await database.execute_batch([ENDLESS])
        assert error.value.code is Code.TIMED_OUT
        assert (await database.execute_batch([COUNT])).values == [b"2"]


async def test_values_over_the_size_limit_are_rejected(url: str) -> None:
    half = ("SELECT repeat('x', $1)", (500,))
    async with opened(url, Limits(max_response_bytes=1_000)) as database:
        assert len((await database.execute_batch([half, half])).values) == 2
        with pytest.raises(ResourceLimitError) as error:
            await database.execute_batch([half, half, ("SELECT 'x'", ())])
        assert error.value.code is Code.ANSWER_TOO_LARGE


@pytest.mark.parametrize(("state", "is_size"), [("54000", True), ("54001", False), ("54023", False)])
async def test_only_a_text_over_the_limit_of_postgresql_is_too_large(
    url: str, state: str, is_size: bool
) -> None:
    await create_failing(url, state)
    async with opened(url) as database:
        with pytest.raises(ResourceLimitError if is_size else DatabaseError):
            await database.execute_batch([FAILING])


async def test_parts_that_are_together_over_the_size_limit_are_rejected(url: str) -> None:
    half = ("SELECT repeat('x', $1)", (500,))
    async with opened(url, Limits(max_response_bytes=1_000)) as database:
        parts = database.execute_parts([[half], [half], [("SELECT 'x'", ())]])
        assert [len((await anext(parts))[0] or b"") for _ in range(2)] == [500, 500]
        with pytest.raises(ResourceLimitError) as error:
            await anext(parts)
        assert error.value.code is Code.ANSWER_TOO_LARGE


async def test_the_statement_of_a_client_that_leaves_is_cancelled(url: str) -> None:
    async with opened(url) as database:
        task = asyncio.create_task(database.execute_batch([ENDLESS]))
        await until_value(url, BUSY, 1)
        task.cancel()
        await until_value(url, BUSY, 0)
        for _ in range(4):
            assert (await database.execute_batch([COUNT])).values == [b"2"]


async def test_a_lost_connection_is_replaced_and_the_read_repeated(url: str) -> None:
    kill = (
        f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"  # noqa: S608
        f" WHERE application_name = '{APPLICATION_NAME}' AND query NOT LIKE '%custom_fields%'"
    )
    slow: Statement = ("SELECT pg_sleep(0.3)::text", ())
    async with opened(url) as database:
        task = asyncio.create_task(database.execute_batch([slow]))
        await until_value(url, BUSY.replace("10000000000", "pg_sleep"), 1)
        assert await execute(url, kill) in {1, 2}  # perhaps also the one that polls
        assert (await task).values == [b""]


async def test_parts_are_read_from_one_snapshot(url: str) -> None:
    version: Statement = ("SELECT number FROM site WHERE audience = 0", ())
    async with opened(url) as database:
        results = []
        async with aclosing(database.execute_parts([[version], [], [version, COUNT]])) as parts:
            async for values in parts:
                results.append(values)
                await set_number(url, 40 + len(results))
        assert results == [results[0], [], [*results[0], b"2"]]


async def test_parts_that_waited_for_a_load_are_read_again(url: str) -> None:
    """The snapshot of a read that waited for the lock is older than the load: it has empty tables."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%convert_to%'"
    )
    loader = await asyncpg.connect(url, server_settings={"search_path": schema_name()})
    async with opened(url) as database:
        async with loader.transaction():
            await loader.execute("CREATE TEMP TABLE saved AS SELECT * FROM site; TRUNCATE site")
            part = [("SELECT 'waits'", ()), COUNT]
            reading = asyncio.ensure_future(anext(database.execute_parts([part])))
            await until_value(url, waiting, 1)
            await loader.execute("INSERT INTO site SELECT * FROM saved")
        assert await reading == [b"waits", b"2"]
    await loader.close()


async def test_parts_that_wait_for_a_connection_for_too_long_are_refused(url: str) -> None:
    async with opened(url, Limits(timeout_seconds=0.3)) as database:
        async with database._pool.reader(), database._pool.reader():  # the third one is reserved
            with pytest.raises(OverloadedError):
                await anext(database.execute_parts([[COUNT]]))
        assert await anext(database.execute_parts([[COUNT]])) == [b"2"]


async def test_only_short_requests_get_the_reserved_connection(url: str) -> None:
    async with opened(url, Limits(timeout_seconds=0.3)) as database:
        pool = database._pool
        async with pool.reader(), pool.reader():
            assert pool.in_use == 2
            async with pool.reader(expected=SHORT_SECONDS):
                assert pool.in_use == 3
            with pytest.raises(OverloadedError):
                async with pool.reader(expected=2 * SHORT_SECONDS):
                    pass
        assert (pool.in_use, pool.waiting) == (0, 0)


async def test_a_part_that_fails_ends_the_response(url: str) -> None:
    async with opened(url, Limits(timeout_seconds=0.4)) as database:
        parts = database.execute_parts([[COUNT], [ENDLESS]])
        assert await anext(parts) == [b"2"]
        with pytest.raises(ResourceLimitError):
            await anext(parts)


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Stop a process during the block, so that it does not answer."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


async def test_a_host_that_stops_answering_ends_the_response(
    postgresql: Cluster, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if postgresql.process is None:
        pytest.skip("the processes of this cluster cannot be stopped")
    monkeypatch.setattr(part_reads, "GRACE_SECONDS", 0.1)
    process: Statement = ("SELECT pg_backend_pid()", ())
    async with opened(url, Limits(timeout_seconds=1.0)) as database, asyncio.timeout(DEADLINE):
        parts = database.execute_parts([[process], [("SELECT pg_sleep(0.3)::text", ())], [COUNT]])
        (value,) = await anext(parts)
        assert value is not None
        with stopped(int(value)), pytest.raises(ResourceLimitError) as error:
            async for _ in parts:
                pass
        assert error.value.code is Code.TIMED_OUT
        assert database.statistics().connections_in_use == 0


@pytest.mark.parametrize("state", ["53100", "53200", "55P03", "58030"])
async def test_an_error_that_may_pass_is_logged_and_not_one_of_the_program(
    url: str, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    await create_failing(url, state)
    async with opened(url) as database:
        with pytest.raises(UnavailableError):
            await database.execute_batch([FAILING])
        with pytest.raises(UnavailableError):
            await anext(database.execute_parts([[FAILING]]))
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a\udfffb"])
async def test_text_that_postgresql_cannot_store_matches_nothing(url: str, text: str) -> None:
    async with opened(url) as database:
        statement = ("SELECT count(*) FROM article WHERE slug = $1 OR title = $1", (text,))
        assert (await database.execute_batch([statement])).values == [b"0"]


async def test_a_version_that_the_primary_has_not_reached_is_behind(url: str) -> None:
    async with opened(url) as database:
        epoch = "".join((database.version(0) or b"").decode().rpartition("-")[:2])
        required_version_var.set(RequiredVersion(epoch, 1_000))
        with pytest.raises(BehindError):
            await database.execute_batch([COUNT])
        with pytest.raises(BehindError):
            async for _ in database.execute_parts([[COUNT]]):
                pass
        for far_ahead in (RequiredVersion(epoch, 1 << 30), RequiredVersion("another-", 1)):
            required_version_var.set(far_ahead)  # the statement reports the error
            assert (await database.execute_batch([COUNT])).values == [b"2"]
        await set_number(url, 1_000)
        required_version_var.set(RequiredVersion(epoch, 1_000))
        assert (await database.execute_batch([COUNT])).values == [b"2"]


async def test_another_epoch_of_the_primary_replaces_the_store(url: str) -> None:
    """What fails to take it into account is called again."""
    replaced, failed = asyncio.Event(), list[bool]()

    async def on_replaced() -> None:
        if not failed:
            failed.append(True)
            raise RuntimeError("unexpected")
        replaced.set()

    async with opened(url) as database:
        database.on_replaced = on_replaced
        before = database.snapshot_id(0)
        await execute(url, "UPDATE site SET version = 'abc' || audience || '-0'")
        async with asyncio.timeout(DEADLINE):
            await replaced.wait()
        after = database.snapshot_id(0)
        assert before is not None
        assert after is not None
        assert (after.database, after.version) == (before.database + 1, b"abc0-0")
        await until(lambda: database.replacements == 1)


async def test_changed_custom_fields_are_reported(url: str) -> None:
    changed, given = asyncio.Event(), list[object]()

    async def on_changed(fields: object) -> None:
        given.append(fields)
        if len(given) == 1:
            raise RuntimeError("unexpected")
        changed.set()

    async with opened(url) as database:
        database.custom_fields()
        database.on_fields_changed = on_changed
        declared = encode_fields((CustomField("mood"),))
        await execute(url, f"UPDATE store SET custom_fields = '{declared}'")  # noqa: S608
        async with asyncio.timeout(DEADLINE):
            await changed.wait()
        assert given == [(CustomField("mood"),)] * 2
        assert [field.name for field in database.custom_fields()] == ["mood"]


@asynccontextmanager
async def behind_a_standby(
    url: str, standby: str, monkeypatch: pytest.MonkeyPatch, *, has_primary: bool = True
) -> AsyncIterator[PostgresDatabase]:
    """A server that has read the primary, and whose further connections are to a standby, `standby`.

    The standby is another database with the same epoch.
    """
    async with opened(url) as database:
        others = Hosts(PostgresUrl(standby), 0.0)
        to_primary = database.hosts.connect

        async def connect(**roles: bool) -> HostConnection:
            if roles.get("to_primary"):
                if not has_primary:
                    raise UnreachableDatabaseError("the primary is gone")
                return await to_primary()
            found = await others.connect()
            found.is_primary = False
            return found

        monkeypatch.setattr(database.hosts, "connect", connect)
        yield database


async def test_a_connection_to_the_primary_is_kept_until_there_is_another(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url) as database:
        assert (await database.execute_batch([COUNT])).values == [b"2"]
        connect, attempts = database.hosts.connect, [0]

        async def fail(**roles: bool) -> HostConnection:
            attempts[0] += 1
            raise UnreachableDatabaseError("no host answers")

        monkeypatch.setattr(Hosts, "has_several", property(lambda _: True))
        monkeypatch.setattr(read_pool, "STANDBY_RETRY_SECONDS", 0.0)
        monkeypatch.setattr(database.hosts, "connect", fail)
        assert (await database.execute_batch([COUNT])).values == [b"2"]
        assert attempts == [1]
        monkeypatch.setattr(database.hosts, "connect", connect)
        assert (await database.execute_batch([COUNT])).values == [b"2"]
        assert database.statistics().connections == 2


async def test_the_connections_to_a_host_that_lags_are_closed_as_soon_as_they_are_idle(url: str) -> None:
    async with opened(url) as database:
        pool = database._pool
        async with pool.reader(), pool.reader() as reader:
            pool.leave("postgresql://another/news")
            assert pool.size == 2
            pool.leave(reader.host.url)
            assert pool.size == 2
            assert await reader.fetch("SELECT 1", ()) == (1,)
        assert pool.size == 0


NUMBER: Statement = ("SELECT number FROM site WHERE audience = 0", ())


async def test_an_answer_of_a_standby_that_is_behind_is_not_used(
    url: str, standby: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_number(url, 10)
    await set_number(standby, 9)
    async with behind_a_standby(url, standby, monkeypatch) as database:
        assert (await database.execute_batch([NUMBER])).values == [b"10"]
        async with aclosing(database.execute_parts([[NUMBER], [NUMBER]])) as parts:
            assert [values async for values in parts] == [[b"10"], [b"10"]]
        reading = asyncio.create_task(database.execute_batch([NUMBER]))
        await set_number(standby, 11)  # it catches up
        assert (await reading).values in ([b"11"], [b"10"])
        await until(lambda: (database.version(0) or b"").endswith((b"-10", b"-11")))


async def test_a_version_that_is_not_reached_runs_no_statement_again(
    url: str, standby: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_number(url, 10)
    await set_number(standby, 10)
    texts, fetch = [], Reader.fetch

    async def record(self: Reader, sql: str, parameters: Sequence[object]) -> asyncpg.Record:
        texts.append(sql)
        return await fetch(self, sql, parameters)

    monkeypatch.setattr(Reader, "fetch", record)
    monkeypatch.setattr(database_handle, "BEHIND_SECONDS", 0.1)
    monkeypatch.setattr(part_reads, "BEHIND_SECONDS", 0.1)
    async with behind_a_standby(url, standby, monkeypatch) as database:
        epoch = "".join((database.version(0) or b"").decode().rpartition("-")[:2])
        required_version_var.set(RequiredVersion(epoch, 11))
        with pytest.raises(BehindError):
            await database.execute_batch([COUNT])
        assert sum("count(*)" in text for text in texts) == 1
        with pytest.raises(BehindError):
            await anext(database.execute_parts([[COUNT]]))
        assert sum("count(*)" in text for text in texts) == 1
        reading = asyncio.create_task(database.execute_batch([NUMBER]))
        await set_number(url, 11)
        assert (await reading).values == [b"11"]


async def test_a_version_is_behind_if_the_primary_cannot_be_asked(
    url: str, standby: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_number(url, 10)
    await set_number(standby, 9)
    async with behind_a_standby(url, standby, monkeypatch, has_primary=False) as database:
        with pytest.raises(BehindError):
            await database.execute_batch([NUMBER])
        epoch = "".join((database.version(0) or b"").decode().rpartition("-")[:2])
        required_version_var.set(RequiredVersion(epoch, 1 << 30))
        with pytest.raises(BehindError):
            await database.execute_batch([NUMBER])
