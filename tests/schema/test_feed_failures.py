"""The feed after failures: subscribers that can continue lose nothing, and the others get an error."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from gqlnews.database.sqlite.snapshots import SnapshotPair
from gqlnews.errors import DatabaseError
from gqlnews.subscriptions import hub
from gqlnews.subscriptions.change_filter import ChangeFilter
from gqlnews.subscriptions.subscriber_queue import SubscriptionFailedError
from tests.live import Live, living, until

Failure = Callable[[], Exception]


def alone(check: Callable[[Live], Awaitable[None]]) -> None:
    async def run() -> None:
        async with living() as live:
            with patch.object(hub, "ERROR_BACKOFF", 0.01):
                await check(live)

    asyncio.run(run())


@contextmanager
def failing(owner: type, name: str, failure: Exception, *, after: int = 0) -> Iterator[list[int]]:
    """Make one call of a method fail, after `after` successful ones; yield the number of calls."""
    works, calls = getattr(owner, name), [0]

    def fail(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] == after + 1:
            raise failure
        return works(*arguments, **options)

    with patch.object(owner, name, fail):
        yield calls


@pytest.mark.parametrize("after", range(5))
def test_a_look_that_fails_half_way_is_gone_on_with(after: int) -> None:
    """Events that were already sent are not repeated, and changes made meanwhile are separate events."""

    async def check(live: Live) -> None:
        live.write("x", title="out")
        watching = await live.joined(where={"title": {"eq": "T"}})
        with patch.object(hub, "PAGE", 1), failing(SnapshotPair, "both", DatabaseError("busy"), after=after):
            live.write("a", "b", "c")
            await until(live.is_current if after > 3 else lambda: len(watching.bodies) >= min(after, 3))
            live.write("b", title="U")
            live.write("d")
            await live.settled()
        copy: set[str] = set()
        for kind, slug in watching.changes:
            assert (kind == "ADDED") == (slug not in copy)
            (copy.discard if kind == "REMOVED" else copy.add)(slug)
        assert copy == {"a", "c", "d"}

    alone(check)


def test_who_comes_and_goes_during_a_look_harms_nobody() -> None:
    """Its version is newer than the last poll, so it polls itself and is cancelled meanwhile."""

    async def check(live: Live) -> None:
        watching = await live.joined()
        for number in range(30):
            live.write(f"s{number:02}")
            coming = live.watch(since=live.version())
            for _ in range(number % 6):
                await asyncio.sleep(0.0003)
            await coming.leave()
            await watching.come(number + 1)
        assert watching.changes == [("ADDED", f"s{number:02}") for number in range(30)]

    alone(check)


def test_a_failure_for_one_group_does_not_affect_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def check(live: Live) -> None:
        one = await live.joined()
        other = await live.joined(where={"title": {"eq": "T"}})
        with failing(ChangeFilter, "events", sqlite3.OperationalError("no such column")):
            live.write("a")
            await asyncio.wait([one.task])
            await other.come(1)
        assert isinstance(one.task.exception(), SubscriptionFailedError)
        again = await live.joined()
        live.write("b")
        assert [len(await who.come(count)) for who, count in ((again, 1), (other, 2))] == [1, 2]

    alone(check)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("unexpected"), RuntimeError("unexpected"), AssertionError()]
)
def test_when_the_hub_fails_all_subscribers_get_an_error_and_may_resubscribe(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def check(live: Live) -> None:
        watching = [await live.joined(), await live.joined(where={"title": {"eq": "T"}})]
        version = live.version()
        with failing(SnapshotPair, "_look", error):
            await asyncio.wait([one.task for one in watching])
        assert all(isinstance(one.task.exception(), SubscriptionFailedError) for one in watching)
        live.write("a")
        again = await live.joined(since=version)
        live.write("b")
        await again.come(2)
        assert again.changes == [("ADDED", "a"), ("ADDED", "b")]

    alone(check)
    assert [record.getMessage() for record in caplog.records] == ["the feed failed"]


def test_a_snapshot_that_the_database_ended_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async def check(live: Live) -> None:
        watching = await live.joined()
        snapshots = live.feed._snapshots
        assert snapshots is not None
        await snapshots.at(lambda now: now.db.execute("ROLLBACK"))
        live.write("a")
        await asyncio.wait([watching.task])
        assert isinstance(watching.task.exception(), SubscriptionFailedError)

    alone(check)
    assert [record.getMessage() for record in caplog.records] == ["the feed failed"]


def test_a_database_that_cannot_be_opened_is_said_to_who_comes(caplog: pytest.LogCaptureFixture) -> None:
    async def check(live: Live) -> None:
        with failing(SnapshotPair, "_begin", DatabaseError("gone")):
            with pytest.raises(DatabaseError):
                await anext(live.feed.watch(live.ready(), lambda: None))
        watching = await live.joined()
        live.write("a")
        assert await watching.come(1)

    alone(check)
    assert not caplog.records


def test_an_error_that_stays_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def check(live: Live) -> None:
        live.write("x")
        watching = await live.joined()
        with always_failing(SnapshotPair, "_look", DatabaseError("the disk fails")) as calls:
            await until(lambda: calls[0] > 3)
        live.write("y")
        await until(lambda: len(watching.bodies) == 1)
        with always_failing(SnapshotPair, "_look", DatabaseError("the disk fails")) as calls:
            await until(lambda: calls[0] > 3)

    alone(check)
    assert caplog.text.count("the disk fails") == 2


@contextmanager
def always_failing(owner: type, name: str, failure: Exception) -> Iterator[list[int]]:
    """Make every call of a method fail; yield the number of calls."""
    calls = [0]

    def fail(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        raise failure

    with patch.object(owner, name, fail):
        yield calls
