"""The server's store when its file is reported, replaced or fails."""

import asyncio
import fcntl
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from gqlnews.database.protocol import Statements
from gqlnews.database.sqlite.damage import (
    damaged_error,
    delete_report,
    get_identity,
    read_report,
    write_report,
)
from gqlnews.database.sqlite.database_handle import SqliteDatabase
from gqlnews.database.sqlite.leader_lock import acquire_lock
from gqlnews.database.sqlite.read_worker import ReadWorker
from gqlnews.database.sqlite.rebuild import swap_lock_path
from gqlnews.database.sqlite.writer import open_writer

SOON = 30.0
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[SqliteDatabase]:
    open_writer(database).close()
    access = SqliteDatabase()
    await access.open(database)
    try:
        yield access
    finally:
        await access.close()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not holds():  # noqa: ASYNC110  # no event tells it
            await asyncio.sleep(0.01)


async def test_a_server_that_starts_during_a_swap_waits_for_it(database: Path) -> None:
    open_writer(database).close()
    swap, access = acquire_lock(swap_lock_path(database), fcntl.LOCK_EX), SqliteDatabase()
    opening = asyncio.create_task(access.open(database))
    try:
        await asyncio.wait([opening], timeout=0.2)
        assert not opening.done()
    finally:
        os.close(swap)
    async with asyncio.timeout(SOON):
        await opening
    assert access.is_ready()
    await access.close()


async def test_a_server_is_ready_again_when_a_damage_report_is_deleted(database: Path) -> None:
    async with opened(database) as access:
        write_report(database, get_identity(database), damaged_error(database, "as another process says"))
        await until(lambda: not access.is_ready())
        delete_report(database)
        await until(access.is_ready)


async def test_a_failed_check_does_not_end_the_checks(
    database: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> None:
        raise OSError(f"no more open files, {access.replacements}")

    async with opened(database) as access:
        access.on_replaced = fail
        for replacements in (1, 2):
            filled(tmp_path / "new.db").replace(database)
            for suffix in ("-wal", "-shm"):
                database.with_name(database.name + suffix).unlink(missing_ok=True)
            await until(lambda expected=replacements: access.replacements == expected)  # type: ignore[misc]
    assert caplog.text.count("checking database") == 2


async def test_closing_right_after_a_replacement_leaves_no_thread(database: Path, tmp_path: Path) -> None:
    before = threading.active_count()
    async with opened(database) as access:
        filled(tmp_path / "new.db").replace(database)
        for suffix in ("-wal", "-shm"):
            database.with_name(database.name + suffix).unlink(missing_ok=True)
        await access._check_file()
        assert access.replacements == 1
    assert threading.active_count() == before


async def test_closing_in_the_middle_of_a_replacement_leaves_no_thread(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, start = asyncio.Event(), ReadWorker.start

    async def start_only_the_first(reader: ReadWorker) -> None:
        if reader.reserved:
            await start(reader)
        else:
            opening.set()
            await asyncio.Event().wait()

    before = threading.active_count()
    async with opened(database):
        monkeypatch.setattr(ReadWorker, "start", start_only_the_first)
        filled(tmp_path / "new.db").replace(database)
        async with asyncio.timeout(SOON):
            await opening.wait()
    assert threading.active_count() == before


async def test_a_database_that_is_still_being_ingested_is_not_opened(database: Path, tmp_path: Path) -> None:
    before = threading.active_count()
    async with opened(database) as access:
        open_writer(tmp_path / "new.db").close()
        (tmp_path / "new.db").replace(database)
        await access._check_file()
        assert access.replacements == 0
        filled(database)
        await access._check_file()
        assert access.replacements == 1
    assert threading.active_count() == before


def filled(database: Path) -> Path:
    with closing(open_writer(database)) as db:
        db.execute("UPDATE store SET fingerprint = 'filled'")
    return database


async def test_damage_detected_while_reading_sizes_is_reported(database: Path) -> None:
    async with opened(database) as access:
        access._sizes_snapshot_ids = None
        access._pool.execute_batch = damaged_read  # type: ignore[method-assign]
        await until(lambda: not access.is_ready())
    assert read_report(database) is not None


async def damaged_read(statements: Statements, expected: float | None = None) -> list[bytes | None]:
    raise damaged_error("the database", "malformed")
