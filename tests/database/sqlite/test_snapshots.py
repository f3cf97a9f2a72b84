"""Two snapshots of the content at once, even if a poll fails."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from gqlnews.database.sqlite.snapshots import Snapshot, SnapshotLostError, SnapshotPair
from gqlnews.errors import DatabaseError
from gqlnews.subscriptions.hub import SNAPSHOT_MAX_AGE
from tests.live import Live, open_live

TITLES = "SELECT json_group_array(title) FROM (SELECT title FROM article ORDER BY slug)"
Check = Callable[[Live, SnapshotPair], Awaitable[None]]


class OopsError(Exception):
    """The failure of a poll."""


def over_one_article(check: Check) -> None:
    async def run() -> None:
        async with open_live() as live:
            live.write("a", title="before")
            async with opened(live.database) as snapshots:
                await check(live, snapshots)

    asyncio.run(run())


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[SnapshotPair]:
    snapshots = SnapshotPair()
    await snapshots.open(database)
    try:
        yield snapshots
    finally:
        await snapshots.close()


def titles(snapshot: Snapshot) -> bytes | None:
    return snapshot.fetch_value(TITLES, ())


async def both(snapshots: SnapshotPair) -> tuple[bytes | None, bytes | None]:
    return await snapshots.with_both(lambda before, now: (titles(before), titles(now)))


BEFORE, NOW, LATER = (f'["{word}"]'.encode() for word in ("before", "now", "later"))


def test_a_poll_provides_the_snapshots_before_and_after_a_change() -> None:
    async def check(live: Live, snapshots: SnapshotPair) -> None:
        live.write("a", title="now")
        async with snapshots.advance() as changed:
            assert changed
            live.write("a", title="later")
            assert await both(snapshots) == (BEFORE, NOW)
        assert await snapshots.with_current(titles) == NOW

    over_one_article(check)


def test_the_current_snapshot_is_stable_until_the_next_poll() -> None:
    async def check(live: Live, snapshots: SnapshotPair) -> None:
        live.write("a", title="now")
        assert await snapshots.with_current(titles) == BEFORE

    over_one_article(check)


def test_a_poll_without_changes_yields_false() -> None:
    async def check(live: Live, snapshots: SnapshotPair) -> None:
        live.ingest()
        async with snapshots.advance() as changed:
            assert not changed

    over_one_article(check)


def test_the_next_poll_continues_after_a_failed_one() -> None:
    async def check(live: Live, snapshots: SnapshotPair) -> None:
        live.write("a", title="now")
        with pytest.raises(OopsError):
            async with snapshots.advance():
                raise OopsError
        live.write("a", title="later")
        for expected in ((BEFORE, NOW), (NOW, LATER)):
            async with snapshots.advance() as changed:
                assert changed
                assert await both(snapshots) == expected

    over_one_article(check)


@pytest.mark.parametrize("turns", range(6))
def test_the_next_poll_continues_after_a_cancelled_one(turns: int) -> None:
    """Cancelled after some time: while it begins, reads or ends."""

    async def look(snapshots: SnapshotPair) -> None:
        async with snapshots.advance():
            await both(snapshots)

    async def check(live: Live, snapshots: SnapshotPair) -> None:
        live.write("a", title="now")
        looking = asyncio.create_task(look(snapshots))
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        live.write("a", title="later")
        for _ in range(2):
            await look(snapshots)
        assert await snapshots.with_current(titles) == LATER

    over_one_article(check)


def test_a_transaction_ended_by_sqlite_raises_snapshot_lost() -> None:
    async def check(live: Live, snapshots: SnapshotPair) -> None:
        await snapshots.with_current(lambda now: now.db.execute("ROLLBACK"))
        live.write("a", title="now")
        with pytest.raises(SnapshotLostError):
            async with snapshots.advance():
                pass

    over_one_article(check)


def test_an_invalid_database_is_rejected_without_leaking_connections(tmp_path: Path) -> None:
    async def run() -> None:
        snapshots = SnapshotPair()
        with pytest.raises(DatabaseError):
            await snapshots.open(tmp_path / "none.db")
        assert snapshots._thread is None

    asyncio.run(run())


def test_the_wal_can_be_truncated_while_idle_snapshots_are_open() -> None:
    async def run() -> None:
        async with open_live() as live:
            watching = await live.subscribed()
            live.write("a")
            await watching.wait_for_events(1)
            assert await asyncio.to_thread(_empty, live.database, SNAPSHOT_MAX_AGE * 20) == (0, 0, 0)
            assert live.database.with_name("store.db-wal").stat().st_size == 0
            live.write("b")
            assert (await watching.wait_for_events(2))[1]["slug"] == "b"

    asyncio.run(run())


def _empty(database: Path, wait: float) -> tuple[int, int, int]:
    """Truncate the WAL; return (whether it was blocked, pages, copied pages)."""
    with closing(sqlite3.connect(database, timeout=wait)) as db:
        row: tuple[int, int, int] = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return row
