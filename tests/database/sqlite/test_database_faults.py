"""Whatever fails or is cancelled while the database is watched, replaced or closed: polling goes on, and no
thread, connection or task is left.
"""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from gqlnews.database.sqlite import database_handle, read_only, read_worker, snapshots
from gqlnews.database.sqlite.database_handle import SqliteDatabase
from gqlnews.database.sqlite.inline_executor import InlineExecutor
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.database.sqlite.snapshots import SqliteSnapshotReader
from gqlnews.errors import StorageError
from tests.database.sqlite.test_database_handle import filled, until

pytestmark = pytest.mark.anyio

ERRORS: list[BaseException] = [
    RuntimeError("can't start new thread"),
    OSError("no more open files"),
    MemoryError(),
    sqlite3.OperationalError("unexpected"),
    KeyError("unexpected"),
    asyncio.CancelledError(),
]
POINTS: dict[str, tuple[Any, str]] = {
    "a thread is started": (threading.Thread, "start"),
    "a reader is opened": (read_worker, "connect_to_read"),
    "the pool is opened": (ReadPool, "open"),
    "the inline executor is opened": (InlineExecutor, "open"),
    "the new file is read": (InlineExecutor, "has_content"),
    "the pool is read": (ReadPool, "execute_batch"),
    "the state of the file is read": (database_handle, "get_file_state"),
    "the report of a failing ingest is read": (database_handle, "is_ingest_failing"),
    "the damage report is read": (database_handle, "read_report"),
    "the sizes are queried": (SqliteDatabase, "_query"),
}
MAX_STEPS = 60


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def frequent_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_handle, "POLL_SECONDS", 0.01)


@pytest.fixture
def store(database: Path) -> Path:
    return filled(database)


def open_files(database: Path) -> list[str]:
    """Return the open files of this process at or beside the path, also deleted ones."""
    paths = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            paths.append(os.readlink(descriptor))
    return [path for path in paths if path.startswith(str(database))]


def _left(database: Path, threads: int, tasks: set[asyncio.Task[Any]]) -> tuple[Any, Any, Any]:
    return list(asyncio.all_tasks() - tasks), threading.enumerate()[threads:], open_files(database)


@asynccontextmanager
async def nothing_left(database: Path) -> AsyncIterator[None]:
    """Assert that the block leaves no thread, task or open file of the database."""
    threads, tasks = threading.active_count(), asyncio.all_tasks()
    yield
    with suppress(TimeoutError):
        await until(lambda: _left(database, threads, tasks) == ([], [], []))
    assert _left(database, threads, tasks) == ([], [], [])


def replace(database: Path) -> None:
    """Replace the database by another one, which has no log yet."""
    filled(database.with_name("new.db")).replace(database)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def failing_times(real: Any, error: BaseException, times: int) -> tuple[Any, Callable[[], bool]]:
    """Return a function that raises the first times and then calls the real one; and whether it has."""
    calls = 0

    def fail(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise error
        return real(*arguments, **options)

    return fail, lambda: calls >= times


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("point", POINTS)
async def test_polling_survives_any_error(
    store: Path, monkeypatch: pytest.MonkeyPatch, point: str, error: BaseException
) -> None:
    owner, name = POINTS[point]
    async with nothing_left(store):
        access = SqliteDatabase()
        await access.open(store)
        fail, has_failed = failing_times(getattr(owner, name), error, 3)
        with monkeypatch.context() as context:
            context.setattr(owner, name, fail)
            replace(store)
            access._sizes_snapshot_ids = None
            await until(has_failed)
            await until(lambda: access.replacements == 1)
        replace(store)
        await until(lambda: access.replacements == 2)
        assert access.is_ready()
        results = await access.execute_batch([("SELECT fingerprint FROM store", ())])
        assert results.values == [b"filled"]
        await access.close()


async def test_a_repeated_error_is_logged_once(
    store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    access = SqliteDatabase()
    await access.open(store)
    for message in ("one", "another"):
        fail, has_failed = failing_times(read_only.get_file_state, OSError(message), 10)
        with monkeypatch.context() as context:
            context.setattr(database_handle, "get_file_state", fail)
            await until(has_failed)
    await access.close()
    assert caplog.text.count("checking database") == 2


async def run_and_cancel(work: Coroutine[Any, Any, object], steps: int) -> bool:
    """Run a coroutine as a task, and cancel it after some iterations of the loop; return whether it was."""
    task = asyncio.create_task(work)
    for _ in range(steps):
        await asyncio.sleep(0.001 if steps > MAX_STEPS // 2 else 0)
        if task.done():
            break
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()


@pytest.mark.parametrize("steps", range(0, MAX_STEPS, 3))
async def test_a_replacement_may_be_cancelled_at_any_step(store: Path, steps: int) -> None:
    async with nothing_left(store):
        access = SqliteDatabase()
        await access.open(store)
        assert access._watching is not None
        access._watching.cancel()
        replace(store)
        await run_and_cancel(access._check_file(), steps)
        await access.close()


@pytest.mark.parametrize("steps", range(0, MAX_STEPS, 3))
async def test_opening_may_be_cancelled_at_any_step(store: Path, steps: int) -> None:
    async with nothing_left(store):
        access = SqliteDatabase()
        await run_and_cancel(access.open(store), steps)
        await access.close()


@pytest.mark.parametrize("steps", range(1, 8))
async def test_closing_may_be_cancelled_at_any_step(store: Path, steps: int) -> None:
    async with nothing_left(store):
        access = SqliteDatabase()
        await access.open(store)
        replace(store)
        await access._check_file()
        await run_and_cancel(access.close(), steps)


@pytest.mark.parametrize("steps", range(0, MAX_STEPS, 3))
async def test_opening_a_pool_may_be_cancelled_at_any_step(store: Path, steps: int) -> None:
    async with nothing_left(store):
        pool = ReadPool()
        await run_and_cancel(pool.open(store, 3), steps)
        await pool.close()


class FailingToClose:
    def __init__(self, real: sqlite3.Connection) -> None:
        self._real = real

    def close(self) -> None:
        self._real.close()
        raise sqlite3.OperationalError("unable to close")


async def test_a_reader_that_cannot_be_closed_does_not_keep_the_others(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with nothing_left(store):
        pool = ReadPool()
        await pool.open(store, 3)
        reader: Any = pool._readers[0]
        reader._opened = reader._connection = FailingToClose(reader._connection)
        await pool.close()
        reader._connection = None
    assert "unable to close" in caplog.text


async def test_an_error_after_opening_closes_everything(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SqliteDatabase, "_query", failing_times(None, KeyError("unexpected"), 1)[0])
    async with nothing_left(store):
        with pytest.raises(KeyError):
            await SqliteDatabase().open(store)


@pytest.mark.parametrize("error", [*ERRORS[:-1]], ids=repr)
@pytest.mark.parametrize("step", ["connect_to_read", "create_index"])
async def test_a_snapshot_reader_that_cannot_open_leaves_nothing(
    store: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    monkeypatch.setattr(snapshots, step, failing_times(getattr(snapshots, step), error, 1)[0])
    async with nothing_left(store):
        with pytest.raises(type(error)):
            await SqliteSnapshotReader(store).open()


@pytest.mark.parametrize("error", [*ERRORS[:-1]], ids=repr)
async def test_a_snapshot_that_cannot_begin_does_not_prevent_the_next(
    store: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    reader = SqliteSnapshotReader(store)
    begin, _ = failing_times(snapshots.SqliteSnapshot.begin, error, 1)
    monkeypatch.setattr(snapshots.SqliteSnapshot, "begin", begin)
    async with nothing_left(store):
        await reader.open()
        with pytest.raises(type(error)):
            async with reader.snapshot():
                pass
        async with reader.snapshot() as states:
            assert len(states) == 3
        await reader.close()


@pytest.mark.parametrize("steps", range(0, MAX_STEPS, 5))
async def test_snapshots_may_be_cancelled_at_any_step(store: Path, steps: int) -> None:
    async def use(reader: SqliteSnapshotReader) -> None:
        await reader.open()
        async with reader.snapshot():
            pass
        await reader.close()

    async with nothing_left(store):
        reader = SqliteSnapshotReader(store)
        await run_and_cancel(use(reader), steps)
        await reader.close()


async def test_a_reader_without_a_thread_is_an_error_that_says_so(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail, _ = failing_times(threading.Thread.start, RuntimeError("can't start new thread"), 1)
    with monkeypatch.context() as context:
        context.setattr(threading.Thread, "start", fail)
        with pytest.raises(StorageError, match=r"cannot be read \(can't start new thread\): raise"):
            await ReadPool().open(store)
