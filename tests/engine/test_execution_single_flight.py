"""Single-flight: a statement that is running for one request is not run again for another."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gqlnews.database.protocol import BatchResults, SnapshotId, Statement, Statements, timeout_error
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.engine.execution import FieldCache
from gqlnews.errors import OverloadedError
from gqlnews.query.entities import Audience
from tests.ingest.conftest import database
from tests.store import UnreadStore

A, B, C = ("SELECT 'a'", ()), ("SELECT 'b'", ()), ("SELECT 'c'", ())
COUNT = ("SELECT CAST(count(*) AS TEXT) FROM topic", ())
COUNT_TOO = ("SELECT CAST(count(*) AS TEXT) FROM topic WHERE true", ())
SLOW = (
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
    " SELECT CAST(max(i) AS TEXT) FROM n",
    (),
)
PUBLIC, OPEN = Audience.PUBLIC, Audience.OPEN

__all__ = ["database"]

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class SlowStore(UnreadStore):
    """A store whose reads wait until `proceed` is set. `batches` are the statements of each read.

    `inline` is the result of each read on the event loop.
    """

    def __init__(self) -> None:
        self.inline: Sequence[bytes | None] | None = None
        self.snapshot: int | None = 1
        self.batches: list[list[Statement]] = []
        self.proceed = asyncio.Event()
        self.failure: Exception | None = None
        self.cancelled = 0

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        return None if self.snapshot is None else SnapshotId(self.snapshot, b"%d" % audience)

    def execute_inline(self, statements: Statements) -> Sequence[bytes | None] | None:
        return self.inline

    async def execute_batch(self, statements: Statements) -> BatchResults:
        """Return each statement's text with the snapshot at the start of the read."""
        self.batches.append(list(statements))
        snapshot = self.snapshot
        try:
            await self.proceed.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return BatchResults([f"{sql[-2:-1]}{snapshot}".encode() for sql, _ in statements])


async def _settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Requests:
    """Requests that run at the same time, through a field cache of `max_bytes`."""

    def __init__(self, max_bytes: int = 0) -> None:
        self.store = SlowStore()
        self.cache = FieldCache(self.store, max_bytes)

    async def start(
        self, *statements: Statement, audience: Audience = PUBLIC, uncacheable: Sequence[Statement] = ()
    ) -> "asyncio.Task[Sequence[bytes | None]]":
        async def read() -> Sequence[bytes | None]:
            return (await self.cache.read(audience, statements, uncacheable)).values

        task = asyncio.ensure_future(read())
        await _settle()
        return task


@pytest.mark.parametrize("max_bytes", [0, 1 << 20])
async def test_identical_requests_run_once(max_bytes: int) -> None:
    requests = Requests(max_bytes)
    tasks = [await requests.start(A, B) for _ in range(10)]
    requests.store.proceed.set()
    assert [list(await task) for task in tasks] == [[b"a1", b"b1"]] * 10
    assert requests.store.batches == [[A, B]]
    assert requests.cache.coalesced == 18


async def test_only_statements_that_are_not_running_are_run() -> None:
    requests = Requests()
    first, second = await requests.start(A, B), await requests.start(C, B)
    requests.store.proceed.set()
    assert list(await first) == [b"a1", b"b1"]
    assert list(await second) == [b"c1", b"b1"]
    assert requests.store.batches == [[A, B], [C]]


async def test_a_completed_statement_runs_again_without_a_cache() -> None:
    requests = Requests()
    requests.store.proceed.set()
    for _ in range(2):
        await (await requests.start(A))
    assert requests.store.batches == [[A], [A]]


async def test_audiences_share_nothing() -> None:
    requests = Requests()
    tasks = [await requests.start(A, audience=audience) for audience in (PUBLIC, OPEN)]
    requests.store.proceed.set()
    await asyncio.gather(*tasks)
    assert requests.store.batches == [[A], [A]]


async def test_a_request_after_a_change_does_not_share_an_older_result() -> None:
    requests = Requests()
    before = await requests.start(A)
    requests.store.snapshot = 2
    after = await requests.start(A)
    requests.store.proceed.set()
    assert list(await after) == [b"a2"]
    assert list(await before) == [b"a1"]


async def test_results_of_two_batches_are_of_one_snapshot() -> None:
    requests = Requests()
    first, second = await requests.start(A), await requests.start(B, A)
    requests.store.snapshot = 2
    requests.store.proceed.set()
    await first
    assert list(await second) == [b"b2", b"a2"]
    assert requests.store.batches == [[A], [B], [B, A]]


async def test_statements_that_read_the_clock_are_not_shared() -> None:
    requests = Requests()
    tasks = [await requests.start(A, uncacheable=[A]) for _ in range(2)]
    requests.store.proceed.set()
    await asyncio.gather(*tasks)
    assert requests.store.batches == [[A], [A]]


async def test_nothing_is_shared_while_the_snapshot_is_unknown() -> None:
    requests = Requests()
    requests.store.snapshot = None
    tasks = [await requests.start(A) for _ in range(2)]
    requests.store.proceed.set()
    await asyncio.gather(*tasks)
    assert requests.store.batches == [[A], [A]]


async def test_a_cancelled_request_stops_its_statements_and_the_others_run_theirs() -> None:
    requests = Requests()
    first, second = await requests.start(A), await requests.start(A)
    first.cancel()
    await _settle()
    assert requests.store.cancelled == 1
    requests.store.proceed.set()
    assert list(await second) == [b"a1"]
    assert requests.store.batches == [[A], [A]]


async def test_a_cancelled_request_does_not_stop_the_one_that_it_waits_for() -> None:
    requests = Requests()
    first, second = await requests.start(A), await requests.start(A)
    second.cancel()
    requests.store.proceed.set()
    assert list(await first) == [b"a1"]
    assert requests.store.cancelled == 0


async def test_a_timeout_is_shared_by_requests_with_the_same_statements() -> None:
    requests = Requests()
    tasks = [await requests.start(A, B) for _ in range(3)]
    other = await requests.start(A)
    requests.store.failure = timeout_error()
    requests.store.proceed.set()
    results = await asyncio.gather(*tasks, other, return_exceptions=True)
    assert results == [requests.store.failure] * 4
    assert requests.store.batches == [[A, B], [A]]  # the last may succeed by itself


async def test_overload_of_one_client_is_not_shared_with_others() -> None:
    requests = Requests()
    first, second = await requests.start(A), await requests.start(A)
    requests.store.failure = OverloadedError("full")
    requests.store.proceed.set()
    with pytest.raises(OverloadedError):
        await first
    with pytest.raises(OverloadedError):
        await second
    assert requests.store.batches == [[A], [A]]


@pytest.mark.parametrize("max_bytes", [0, 1 << 20])
@pytest.mark.parametrize(("inline", "batches"), [(b"i", []), (None, [[A]])])
async def test_short_statements_run_inline(
    max_bytes: int, inline: bytes | None, batches: list[list[Statement]]
) -> None:
    requests = Requests(max_bytes)
    requests.store.inline = None if inline is None else [inline]
    requests.store.proceed.set()
    assert list(await (await requests.start(A))) == [inline or b"a1"]
    assert requests.store.batches == batches


@pytest.mark.parametrize(("max_bytes", "result"), [(0, b"i"), (1 << 20, b"a1")])
async def test_a_running_statement_is_tried_inline_only_without_a_cache(
    max_bytes: int, result: bytes
) -> None:
    requests = Requests(max_bytes)
    first = await requests.start(A)
    requests.store.inline = [b"i"]
    second = await requests.start(A)
    requests.store.proceed.set()
    assert (list(await first), list(await second)) == ([b"a1"], [result])


class ProbedStore(UnreadStore):
    """A read pool with its versions."""

    def __init__(self) -> None:
        self.pool = ReadPool()

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        version = self.pool.inline.version(audience)
        return None if version is None else SnapshotId(0, version)

    async def execute_batch(self, statements: Statements) -> BatchResults:
        return BatchResults(await self.pool.execute_batch(statements))


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[FieldCache]:
    store = ProbedStore()
    await store.pool.open(database)
    try:
        yield FieldCache(store)
    finally:
        await store.pool.close()


async def test_no_result_is_older_than_its_request_or_mixes_snapshots(database: Path) -> None:
    """Over a real file that changes between the requests."""

    async def read(known: int) -> None:
        first, _, last = (await cache.read(PUBLIC, [COUNT, SLOW, COUNT_TOO])).values
        assert first == last
        assert int(first or b"") >= known

    with closing(open_writer(database)) as writer:
        async with opened(database) as cache, asyncio.TaskGroup() as reading:
            for number in range(1, 60):
                writer.execute("BEGIN")
                writer.execute("INSERT INTO topic VALUES (0, ?, 'x', 'A', 0)", (str(number),))
                writer.execute("UPDATE site SET version = ? WHERE audience = 0", (f"epoch-{number}",))
                writer.execute("COMMIT")
                for _ in range(4):
                    reading.create_task(read(number))
                    await asyncio.sleep(0)
        assert cache.coalesced > 0
