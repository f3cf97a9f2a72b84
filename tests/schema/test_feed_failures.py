"""The feed after failures: subscribers that can continue lose nothing, and the others get an error."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from gqlnews.database.snapshots import Snapshot, VersionState
from gqlnews.database.sqlite.snapshots import SqliteSnapshotReader
from gqlnews.errors import DatabaseError
from gqlnews.subscriptions import hub
from gqlnews.subscriptions.change_filter import ChangeFilter
from gqlnews.subscriptions.groups import CatchUp
from gqlnews.subscriptions.hub import SubscriptionHub
from gqlnews.subscriptions.subscriber_queue import Event, ShuttingDownError, SubscriptionFailedError
from tests.live import DEADLINE, Live, open_live, until, wait_until

Failure = Callable[[], Exception]


def run_live(check: Callable[[Live], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_live() as live:
            with patch.object(hub, "ERROR_BACKOFF", 0.01):
                await check(live)

    asyncio.run(run())


@contextmanager
def failing(owner: type, name: str, failure: BaseException, *, after: int = 0) -> Iterator[list[int]]:
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
def test_a_poll_that_fails_half_way_is_resumed(after: int) -> None:
    """Events that were already sent are not repeated, and changes made meanwhile are separate events."""

    async def check(live: Live) -> None:
        live.write("x", title="out")
        watching = await live.subscribed(where={"title": {"eq": "T"}})
        with (
            patch.object(hub, "PAGE_SIZE", 1),
            failing(SqliteSnapshotReader, "run", DatabaseError("busy"), after=after),
        ):
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

    run_live(check)


def test_subscribing_and_leaving_during_a_poll_affects_no_one_else() -> None:
    """Its version is newer than the last poll, so it polls itself and is cancelled meanwhile."""

    async def check(live: Live) -> None:
        watching = await live.subscribed()
        for number in range(30):
            live.write(f"s{number:02}")
            coming = live.subscribe(since=live.version())
            for _ in range(number % 6):
                await asyncio.sleep(0.0003)
            await coming.cancel()
            await watching.wait_for_events(number + 1)
        assert watching.changes == [("ADDED", f"s{number:02}") for number in range(30)]

    run_live(check)


def test_a_failure_for_one_group_does_not_affect_the_others(caplog: pytest.LogCaptureFixture) -> None:
    async def check(live: Live) -> None:
        one = await live.subscribed()
        other = await live.subscribed(where={"title": {"eq": "T"}})
        with failing(ChangeFilter, "events", sqlite3.OperationalError("no such column")):
            live.write("a")
            await asyncio.wait([one.task])
            await other.wait_for_events(1)
        assert isinstance(one.task.exception(), SubscriptionFailedError)
        again = await live.subscribed()
        live.write("b")
        assert [len(await who.wait_for_events(count)) for who, count in ((again, 1), (other, 2))] == [1, 2]

    run_live(check)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("unexpected"), RuntimeError("unexpected"), AssertionError()]
)
def test_when_the_hub_fails_all_subscribers_get_an_error_and_may_resubscribe(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def check(live: Live) -> None:
        watching = [await live.subscribed(), await live.subscribed(where={"title": {"eq": "T"}})]
        version = live.version()
        with failing(SqliteSnapshotReader, "_begin", error):
            live.write("a")  # the hub reads only what has changed
            await asyncio.wait([one.task for one in watching])
        assert all(isinstance(one.task.exception(), SubscriptionFailedError) for one in watching)
        again = await live.subscribed(since=version)
        live.write("b")
        await again.wait_for_events(2)
        assert again.changes == [("ADDED", "a"), ("ADDED", "b")]

    run_live(check)
    assert [record.getMessage() for record in caplog.records] == ["the subscription hub failed"]


@pytest.mark.parametrize("name", ["_is_due", "_poll", "_close_reader"])
@pytest.mark.parametrize(
    "error", [RuntimeError("unexpected"), OSError("unexpected"), asyncio.CancelledError()], ids=repr
)
def test_whatever_fails_the_next_subscriptions_are_served(name: str, error: BaseException) -> None:
    """A step of the hub that fails unexpectedly, or whose future is cancelled, does not end it for good."""

    async def check(live: Live) -> None:
        watching = await live.subscribed()
        if name == "_close_reader":
            with failing(SubscriptionHub, name, error) as calls:
                await watching.cancel()
                await until(lambda: calls[0] > 0)
        else:
            with failing(SubscriptionHub, name, error):
                await asyncio.wait([watching.task])
            assert isinstance(watching.task.exception(), SubscriptionFailedError)
        for slug in ("a", "b"):
            again = await live.subscribed()
            live.write(slug)
            await again.wait_for_events(1)
            assert again.changes == [("ADDED", slug)]
            await again.cancel()

    run_live(check)


@pytest.mark.parametrize("steps", range(12))
def test_closing_a_hub_may_be_cancelled_at_any_step(steps: int) -> None:
    async def check(live: Live) -> None:
        await live.subscribed()
        closing = asyncio.create_task(live.hub.close())
        for _ in range(steps):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await live.hub.close()

    before = threading.active_count()
    run_live(check)
    wait_until(lambda: threading.active_count() == before)  # a cancelled close does not wait for its threads


def test_closing_a_hub_during_a_replay_ends_the_subscription_with_its_reason() -> None:
    async def check(live: Live) -> None:
        version = live.version()
        live.write("a")
        reading, may_continue, read = threading.Event(), threading.Event(), CatchUp.read

        def read_slowly(self: CatchUp, state: VersionState, now: Snapshot) -> list[Event]:
            reading.set()
            assert may_continue.wait(DEADLINE)
            return read(self, state, now)

        with patch.object(CatchUp, "read", read_slowly):
            late = live.subscribe(since=version)
            await until(reading.is_set)
            closing = asyncio.create_task(live.hub.close())
            await asyncio.sleep(0)
            may_continue.set()
            await closing
            await asyncio.wait([late.task])
        assert isinstance(late.task.exception(), ShuttingDownError)

    run_live(check)


def test_new_subscribers_are_told_that_the_database_cannot_be_opened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def check(live: Live) -> None:
        with failing(SqliteSnapshotReader, "_begin", DatabaseError("gone")):
            with pytest.raises(DatabaseError):
                await anext(live.hub.subscribe(live.prepare(), lambda: None))
        watching = await live.subscribed()
        live.write("a")
        assert await watching.wait_for_events(1)

    run_live(check)
    assert not caplog.records


def test_a_persistent_error_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def check(live: Live) -> None:
        live.write("x")
        watching = await live.subscribed()
        for slug in ("y", "z"):
            with always_failing(SqliteSnapshotReader, "_begin", DatabaseError("the disk fails")) as calls:
                live.write(slug)
                await until(lambda calls=calls: calls[0] > 3)  # type: ignore[misc]
            await live.settled()
        assert watching.changes == [("ADDED", "y"), ("ADDED", "z")]

    run_live(check)
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
