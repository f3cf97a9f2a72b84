"""Statements that are too slow or return too much are stopped, and other requests continue."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gqlnews.config.settings import Limits
from gqlnews.database.protocol import Statements
from gqlnews.database.sqlite.connection import connect_to_read, to_limit_error
from gqlnews.database.sqlite.migrations import migrations
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.database.sqlite.snapshots import SqliteSnapshot, SqliteSnapshotReader
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DatabaseError, ResourceLimitError

LINE: Statements = [("SELECT line FROM store", ())]
COUNTS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT CAST(max(i) AS TEXT) FROM n"
ENDLESS: Statements = [(COUNTS, ())]
COUNTED: Statements = [(COUNTS.replace("FROM n)", "FROM n LIMIT 300000)"), ())]  # several timeout checks
SEARCH: Statements = [(f"{COUNTS} WHERE 1 OR 'a MATCH b'", ())]
SHORT = Limits(timeout_seconds=0.05)
SMALL = Limits(max_response_bytes=2_000)
GROWS = """
import sys
from pathlib import Path
from gqlnews.database.sqlite import connection
from gqlnews.database.sqlite.connection import connect_to_read
connection.HEAP_BYTES = 16 << 20
db = connect_to_read(Path(sys.argv[1]), max_bytes=1 << 20)
numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
try:
    db.execute(numbers + " SELECT json_group_array(hex(zeroblob(100000))) FROM n").fetchone()
except MemoryError as error:
    print(connection.to_limit_error(error, db).code)
"""
OTHERS = """
import sqlite3
import sys
from pathlib import Path
from gqlnews.database.sqlite import connection
from gqlnews.database.sqlite.connection import connect_to_read
connection.HEAP_BYTES = 16 << 20
db = connect_to_read(Path(sys.argv[1]), max_bytes=1 << 20)
other = sqlite3.connect(":memory:", isolation_level=None)
other.execute("CREATE TABLE memory (content)")
try:
    while True:
        other.execute("INSERT INTO memory VALUES (zeroblob(100000))")
except MemoryError:
    pass
try:
    db.execute("SELECT hex(zeroblob(500000))").fetchone()
except MemoryError as error:
    print(connection.to_limit_error(error, db).code)
"""
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _made(database: Path) -> None:
    open_writer(database).close()


@asynccontextmanager
async def pool(database: Path, limits: Limits, count: int = 1) -> AsyncIterator[ReadPool]:
    readers = ReadPool(limits)
    await readers.open(database, count)
    try:
        async with asyncio.timeout(10):
            yield readers
    finally:
        await readers.close()


def text_of(length: int) -> tuple[str, tuple[int]]:
    return "SELECT hex(zeroblob(?))", (length // 2,)


@pytest.mark.parametrize("statements", [ENDLESS, SEARCH, [*LINE, *ENDLESS, *LINE]])
async def test_a_statement_that_exceeds_the_timeout_is_stopped(
    database: Path, statements: Statements
) -> None:
    async with pool(database, SHORT) as readers:
        with pytest.raises(ResourceLimitError, match="exceeded its time limit") as refused:
            await readers.execute_batch(statements)
        assert refused.value.code == "TIMED_OUT"
        assert await readers.execute_batch([*LINE, *LINE]) != [None, None]  # no transaction is left open


@pytest.mark.usefixtures("no_inline_execution")
async def test_a_job_queued_too_long_fails_as_overload(database: Path) -> None:
    begun: list[str] = []
    async with pool(database, SHORT) as readers:
        running, loop = asyncio.Event(), asyncio.get_running_loop()

        def note(statement: str) -> None:
            begun.append(statement)
            loop.call_soon_threadsafe(running.set)

        await readers.trace(note)
        calls = [asyncio.create_task(readers.execute_batch(ENDLESS))]
        async with asyncio.timeout(10):
            await running.wait()
        calls += [asyncio.create_task(readers.execute_batch(ENDLESS)) for _ in range(8)]
        ends = await asyncio.gather(*calls, return_exceptions=True)
        codes = [getattr(end, "code", None) for end in ends]
        assert set(codes) == {"TIMED_OUT", "OVERLOADED"}
        assert codes.count("TIMED_OUT") == begun.count(COUNTS)
        assert await readers.execute_batch(LINE) != [None]


async def test_queue_time_does_not_count_as_run_time(database: Path) -> None:
    async with pool(database, Limits(timeout_seconds=10.0)) as readers:
        call = readers._create_job(COUNTED)
        call.queued_at -= 1_000.0
        readers._queue.put(call)
        readers._wake()
        assert await call.future == [b"300000"]


async def test_without_a_timeout_no_job_is_overdue(database: Path) -> None:
    async with pool(database, Limits()) as readers:
        endless, waits = (asyncio.create_task(readers.execute_batch(some)) for some in (ENDLESS, LINE))
        await asyncio.sleep(0)
        readers._fail_overdue()
        endless.cancel()
        assert await waits != [None]


async def test_without_a_timeout_no_statement_is_stopped(database: Path) -> None:
    async with pool(database, Limits()) as readers:
        call = asyncio.create_task(readers.execute_batch(ENDLESS))
        done, _ = await asyncio.wait([call], timeout=0.1)
        assert not done
        call.cancel()
        await asyncio.wait([call])


async def test_a_result_over_the_size_limit_is_rejected(database: Path) -> None:
    most = SMALL.max_response_bytes
    async with pool(database, SMALL) as readers:
        assert await readers.execute_batch([text_of(most - 2)]) == [b"0" * (most - 2)]
        with pytest.raises(ResourceLimitError, match="larger than 2,000 bytes") as refused:
            await readers.execute_batch([text_of(most)])
        assert refused.value.code == "ANSWER_TOO_LARGE"


async def test_the_size_limit_applies_to_all_results_together(database: Path) -> None:
    half = text_of(SMALL.max_response_bytes // 2)
    async with pool(database, SMALL) as readers:
        assert len(await readers.execute_batch([half, half])) == 2
        with pytest.raises(ResourceLimitError, match="larger than 2,000 bytes"):
            await readers.execute_batch([half, half, text_of(2)])


async def test_inline_statements_have_the_same_size_limit(database: Path) -> None:
    async with pool(database, SMALL) as readers:
        with pytest.raises(ResourceLimitError, match="larger than 2,000 bytes"):
            await readers.execute_batch([text_of(SMALL.max_response_bytes + 2)])


def test_an_endless_aggregate_is_stopped_by_the_heap_limit(database: Path) -> None:
    """In a separate process, because SQLite's memory limit applies to the process."""
    command = [sys.executable, "-c", GROWS, str(database)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout == "ANSWER_TOO_LARGE\n"


def test_a_statement_without_memory_because_of_others_is_no_large_response(database: Path) -> None:
    command = [sys.executable, "-c", OTHERS, str(database)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    assert done.stdout == "OVERLOADED\n"


def test_without_a_size_limit_a_lack_of_memory_is_overload() -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        error = to_limit_error(MemoryError(), db)
    assert error is not None
    assert error.code == "OVERLOADED"


async def test_a_snapshot_remains_usable_after_a_stopped_statement(database: Path) -> None:
    reader = SqliteSnapshotReader(database, Limits(timeout_seconds=0.05, max_response_bytes=2_000))
    await reader.open()
    try:
        async with reader.snapshot():
            for statement, code in ((ENDLESS[0], "TIMED_OUT"), (text_of(2_002), "ANSWER_TOO_LARGE")):
                with pytest.raises(ResourceLimitError) as refused:
                    await reader.run(lambda now, one=statement: now.fetch_value(*one))  # type: ignore[misc]
                assert refused.value.code == code
            assert await reader.run(_counts_for_long) == 0
    finally:
        await reader.close()


def _counts_for_long(now: SqliteSnapshot) -> int:
    """Statements that are not a client's have no limit, and the transaction stays open."""
    now.db.execute(f"{COUNTS.replace('FROM n)', 'FROM n LIMIT 1000000)')}").fetchone()
    assert now.db.in_transaction
    rows: list[sqlite3.Row] = now.db.execute("SELECT 1 FROM article").fetchall()
    return len(rows)


def test_a_database_of_an_older_version_has_to_be_migrated_first(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    open_writer(path, known_migrations=migrations()[:-1]).close()
    with pytest.raises(DatabaseError, match=r"older gqlnews .*: run `gqlnews ingest FOLDER --db"):
        connect_to_read(path)
    open_writer(path).close()
    connect_to_read(path).close()
