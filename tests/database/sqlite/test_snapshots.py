"""Snapshots of the content, the changes in them, and the texts of articles before changes."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest

from gqlnews.database.sqlite.snapshots import SqliteSnapshot, SqliteSnapshotReader
from gqlnews.errors import DatabaseError
from gqlnews.ingest import change_log
from tests.live import Live, open_live

TITLES = "SELECT json_group_array(title) FROM (SELECT title FROM article ORDER BY slug)"
Check = Callable[[Live, SqliteSnapshotReader], Awaitable[None]]
BEFORE, NOW = (f'["{word}"]'.encode() for word in ("before", "now"))


class OopsError(Exception):
    """The failure of a poll."""


def over_one_article(check: Check) -> None:
    async def run() -> None:
        async with open_live() as live:
            live.write("a", title="before")
            async with opened(live.database) as reader:
                await check(live, reader)

    asyncio.run(run())


@asynccontextmanager
async def opened(database: Path) -> AsyncIterator[SqliteSnapshotReader]:
    reader = SqliteSnapshotReader(database)
    await reader.open()
    try:
        yield reader
    finally:
        await reader.close()


def titles(snapshot: SqliteSnapshot) -> bytes | None:
    return snapshot.fetch_value(TITLES, ())


def test_a_snapshot_does_not_change_and_the_next_one_is_current() -> None:
    async def check(live: Live, reader: SqliteSnapshotReader) -> None:
        async with reader.snapshot() as states:
            live.write("a", title="now")
            assert await reader.run(titles) == BEFORE
            assert states[0].number == 1
        async with reader.snapshot() as states:
            assert await reader.run(titles) == NOW
            assert states[0].number == 2

    over_one_article(check)


def test_a_block_that_raises_ends_its_snapshot() -> None:
    async def check(live: Live, reader: SqliteSnapshotReader) -> None:
        with pytest.raises(OopsError):
            async with reader.snapshot():
                raise OopsError
        live.write("a", title="now")
        async with reader.snapshot():
            assert await reader.run(titles) == NOW

    over_one_article(check)


@pytest.mark.parametrize("turns", range(6))
def test_a_cancelled_snapshot_does_not_prevent_the_next(turns: int) -> None:
    """Cancelled after some time: while it begins, reads or ends."""

    async def look(reader: SqliteSnapshotReader) -> bytes | None:
        async with reader.snapshot():
            return await reader.run(titles)

    async def check(live: Live, reader: SqliteSnapshotReader) -> None:
        looking = asyncio.create_task(look(reader))
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        live.write("a", title="now")
        assert await look(reader) == NOW

    over_one_article(check)


def test_an_invalid_database_is_rejected_without_leaking_connections(tmp_path: Path) -> None:
    async def run() -> None:
        reader = SqliteSnapshotReader(tmp_path / "none.db")
        with pytest.raises(DatabaseError):
            await reader.open()
        assert reader._thread is None

    asyncio.run(run())


def test_the_wal_can_be_truncated_while_subscribers_are_idle() -> None:
    async def run() -> None:
        async with open_live() as live:
            watching = await live.subscribed()
            live.write("a")
            await watching.wait_for_events(1)
            await live.settled()
            assert await asyncio.to_thread(_empty, live.database) == (0, 0, 0)
            assert live.database.with_name("store.db-wal").stat().st_size == 0
            live.write("b")
            assert (await watching.wait_for_events(2))[1]["slug"] == "b"

    asyncio.run(run())


def _empty(database: Path) -> tuple[int, int, int]:
    """Truncate the WAL; return (whether it was blocked, pages, copied pages)."""
    with closing(sqlite3.connect(database, timeout=30)) as db:
        row: tuple[int, int, int] = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return row


# The images of changes.


async def images(live: Live, since: int, scope: int = 0) -> dict[str, list[tuple[int, str | None]]]:
    """Return the version and the title of each image of each change after `since`, by slug."""

    def read(now: SqliteSnapshot) -> dict[str, list[tuple[int, str | None]]]:
        rows = now.db.execute("SELECT id, title FROM article_before WHERE published IS NOT NULL").fetchall()
        titles = {id_: title.decode() for id_, title in rows}
        return {
            change.slug: [(image.number, titles.get(image.id)) for image in change.images]
            for change in now.changes(scope, since, 100, since=since)
        }

    async with opened(live.database) as reader, reader.snapshot():
        return await reader.run(read)


def over_history(check: Callable[[Live], Awaitable[None]]) -> None:
    """Run `check` after: 1 a added; 2, 3 a changed; 4 b added; 5 b removed; 6 b added; 7 b changed."""

    async def run() -> None:
        async with open_live() as live:
            for title in ("one", "two", "three"):
                live.write("a", title=title)
            live.write("b", title="old b")
            live.remove("b")
            for title in ("new b", "newer b"):
                live.write("b", title=title)
            await check(live)

    asyncio.run(run())


@pytest.mark.parametrize("scope", [0, 1])
@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (0, {"a": [(2, "one"), (3, "two")], "b": [(5, "old b"), (6, None), (7, "new b")]}),
        (2, {"a": [(3, "two")], "b": [(5, "old b"), (6, None), (7, "new b")]}),
        (4, {"b": [(5, "old b"), (6, None), (7, "new b")]}),
        (6, {"b": [(7, "new b")]}),
        (7, {}),
    ],
)
def test_a_change_has_the_images_since_the_version(
    since: int, expected: dict[str, list[tuple[int, str | None]]], scope: int
) -> None:
    async def check(live: Live) -> None:
        assert await images(live, since, scope) == expected

    over_history(check)


def test_the_oldest_images_are_pruned_but_none_of_the_newest_ingest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_log, "MAX_BEFORE_IMAGES", 2)

    async def check(live: Live) -> None:
        assert await images(live, 0) == {"a": [], "b": [(6, None), (7, "new b")]}
        live.write("a", "b", "c", "d", title="newest")
        live.write("a", "b", "c", "d", title="still newer")
        expected = {slug: [(number, "newest")] for number, slug in enumerate("abcd", 12)}
        assert await images(live, 0) == expected
        async with opened(live.database) as reader, reader.snapshot() as states:
            assert [state.images_pruned for state in states] == [9, 9, 9]

    over_history(check)


def test_images_older_than_each_version_that_is_answered_are_pruned() -> None:
    async def run() -> None:
        async with open_live() as live:
            live.max_removed = 1
            live.write("a", title="one")
            live.write("a", title="two")
            live.write("b", "c")
            live.remove("b")
            live.remove("c")  # forgets the removal of b, so versions before it are not answered
            with closing(sqlite3.connect(live.database)) as db:
                assert db.execute("SELECT slug FROM article_before").fetchall() == [("c",)]
                assert db.execute("SELECT images_pruned FROM site").fetchall() == [(5,)] * 3

    asyncio.run(run())
