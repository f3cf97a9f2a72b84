"""The feed: each subscriber gets each change once, in order, and nothing that it may not see."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any
from unittest.mock import patch

import pytest

from gqlnews.errors import Code
from gqlnews.query.entities import Audience
from gqlnews.query.tree import LocatedRequestError
from gqlnews.subscriptions import hub, subscriber_queue
from gqlnews.subscriptions.subscriber_queue import ShuttingDownError, SlowConsumerError, StoreReplacedError
from tests.ingest.model import open_careless, run_ingest
from tests.live import Live, open_live, until

Received = list[tuple[str, str]]
Step = Callable[[Live], None]


def run_check(check: Callable[[Live], Awaitable[None]]) -> None:
    """Run a check over its own store."""

    async def run() -> None:
        async with open_live() as live:
            await check(live)

    asyncio.run(run())


def events_after(*steps: Step, audience: Audience = Audience.PUBLIC, **variables: Any) -> Received:
    """Return the events of a client that subscribes before these steps."""
    received: Received = []

    async def check(live: Live) -> None:
        live.write("x")
        subscription = await live.subscribed(audience=audience, **variables)
        for step in steps:
            step(live)
            await live.settled()
        received.extend(subscription.changes)

    run_check(check)
    return received


def write(slug: str, **keys: object) -> Step:
    return lambda live: live.write(slug, **keys)


def remove(slug: str) -> Step:
    return lambda live: live.remove(slug)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((write("a"),), [("ADDED", "a")]),
        ((write("a"), write("a")), [("ADDED", "a")]),  # no content changed
        ((write("a"), write("a", title="U")), [("ADDED", "a"), ("UPDATED", "a")]),
        ((write("a"), remove("a")), [("ADDED", "a"), ("REMOVED", "a")]),
        ((write("a"), remove("a"), write("a")), [("ADDED", "a"), ("REMOVED", "a"), ("ADDED", "a")]),
        ((lambda live: live.write("b", "a"),), [("ADDED", "a"), ("ADDED", "b")]),
        ((write("a", published=False),), []),
        ((write("a", published=False), write("a")), [("ADDED", "a")]),
        ((write("a"), write("a", published=False)), [("ADDED", "a"), ("REMOVED", "a")]),
        ((write("a"), write("a", published=False), remove("a")), [("ADDED", "a"), ("REMOVED", "a")]),
    ],
)
def test_the_public_receives_public_changes_only(steps: tuple[Step, ...], expected: Received) -> None:
    assert events_after(*steps) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [("in", "in", ["UPDATED"]), ("in", "out", ["REMOVED"]), ("out", "in", ["ADDED"]), ("out", "out", [])],
)
def test_a_filter_is_evaluated_before_and_after_a_change(before: str, now: str, expected: list[str]) -> None:
    steps = (write("x", title=before), write("x", title=now, heat=1))
    kinds = [kind for kind, _ in events_after(*steps, where={"title": {"eq": "in"}})]
    assert kinds[1 if before == "in" else 0 :] == expected


def test_a_removed_article_has_no_content() -> None:
    async def check(live: Live) -> None:
        live.write("a")
        subscription = await live.subscribed(where={"title": {"eq": "T"}})
        live.write("a", title="U")
        (event,) = await subscription.wait_for_events(1)
        assert event["article"] is None

    run_check(check)


@pytest.mark.parametrize("audience", Audience)
def test_each_audience_has_its_own_version(audience: Audience) -> None:
    async def check(live: Live) -> None:
        live.write("hidden", published=False)
        subscription = await live.subscribed(audience=audience)
        live.write("a")
        (event,) = await subscription.wait_for_events(1)
        assert event["version"] == live.version(audience)

    run_check(check)


def test_several_pages_are_delivered_completely_and_in_order() -> None:
    slugs = [f"s{number:02}" for number in range(25)]
    with patch.object(hub, "PAGE_SIZE", 10):
        assert events_after(lambda live: live.write(*slugs)) == [("ADDED", slug) for slug in slugs]


def test_a_new_subscription_receives_changes_from_before_its_turn() -> None:
    """The change happens between the subscription and its first poll."""

    async def check(live: Live) -> None:
        subscription = live.subscribe()
        live.write("a")
        await live.settled()
        assert subscription.changes == [("ADDED", "a")]

    run_check(check)


def test_a_resumed_subscription_misses_and_repeats_nothing() -> None:
    async def check(live: Live) -> None:
        with patch.object(hub, "PAGE_SIZE", 2):
            first = await live.subscribed()
            live.write("a")
            (event,) = await first.wait_for_events(1)
            await first.cancel()
            live.write("b", "c", "d", "e")
            live.remove("a")
            second = await live.subscribed(since=event["version"])
            live.write("f")
            await live.settled()
        kinds = {"b": "ADDED", "c": "ADDED", "d": "ADDED", "e": "ADDED", "a": "REMOVED", "f": "ADDED"}
        assert second.changes == [(kind, slug) for slug, kind in kinds.items()]

    run_check(check)


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        (lambda live: None, ["d", "e"]),
        (lambda live: live.write("d", title="U"), ["e", "d"]),
        (lambda live: live.remove("b"), ["d", "e", "b"]),  # the client had this article
        (lambda live: live.remove("d"), ["e"]),  # the client never had it
        (lambda live: live.write("f"), ["d", "e", "f"]),
    ],
)
def test_a_change_during_a_replay_is_delivered_once(meanwhile: Step, expected: list[str]) -> None:
    async def check(live: Live) -> None:
        with patch.object(hub, "PAGE_SIZE", 2):
            live.write("a")
            version = live.version()
            live.write("b", "c", "d", "e")
            missed = live.hub.subscribe(live.prepare(since=version), lambda: None)
            assert [_slug(await anext(missed)) for _ in range(2)] == ["b", "c"]
            meanwhile(live)
            await until(live.is_current)
            live.write("last")
            slugs = [_slug(await anext(missed)) for _ in range(len(expected) + 1)]
            assert slugs == [*expected, "last"]
            await missed.aclose()

    run_check(check)


def _slug(body: bytes) -> str:
    slug: str = json.loads(body)["data"]["articleChanged"]["slug"]
    return slug


@pytest.mark.parametrize("since", [0, 1])
def test_a_version_that_expires_during_a_replay_is_an_error(since: int) -> None:
    async def check(live: Live) -> None:
        live.max_removed = 1
        with patch.object(hub, "PAGE_SIZE", 2):
            live.write("a", "b", "c", "d", "e")
            version = live.version().rpartition("-")[0] + f"-{since}"
            missed = live.hub.subscribe(live.prepare(since=version), lambda: None)
            await anext(missed)
            live.remove("a", "b", "c")
            await until(live.is_current)
            await anext(missed)
            with pytest.raises(LocatedRequestError) as error:
                await anext(missed)
            assert error.value.code == Code.VERSION_TOO_OLD

    run_check(check)


def test_a_slow_consumer_is_dropped_once_and_others_are_unaffected() -> None:
    async def check(live: Live) -> None:
        with patch.object(subscriber_queue, "MAX_QUEUED", 5):
            other = await live.subscribed()
            dropped: list[bool] = []
            slow = live.hub.subscribe(live.prepare(), lambda: dropped.append(True))
            first = asyncio.create_task(anext(slow))
            await asyncio.sleep(0)
            for number in range(9):
                live.write(f"s{number}")
                await other.wait_for_events(number + 1)
            assert len(other.bodies) == 9
            assert dropped == [True]
            await first
            with pytest.raises(SlowConsumerError):
                await anext(slow)

    run_check(check)


def test_a_waiting_subscription_ends_when_the_server_stops() -> None:
    async def check(live: Live) -> None:
        subscription = await live.subscribed()
        live.hub.shutdown()
        await asyncio.wait([subscription.task])
        assert isinstance(subscription.task.exception(), ShuttingDownError)

    run_check(check)


def test_no_replay_starts_or_continues_when_the_server_stops() -> None:
    async def check(live: Live) -> None:
        with patch.object(hub, "PAGE_SIZE", 1):
            version = live.version()
            live.write("a", "b")
            missed = live.hub.subscribe(live.prepare(since=version), lambda: None)
            await anext(missed)
            live.hub.shutdown()
            for stream in (missed, live.hub.subscribe(live.prepare(), lambda: None)):
                with pytest.raises(ShuttingDownError):
                    await anext(stream)
            assert live.hub.active == 0

    run_check(check)


def test_the_snapshot_reader_closes_after_the_last_subscription() -> None:
    async def check(live: Live) -> None:
        subscription = await live.subscribed()
        task = live.hub._task
        await subscription.cancel()
        assert task is not None
        await asyncio.wait([task])
        assert (live.hub.active, live.hub._groups, live.hub._reader) == (0, {}, None)

    run_check(check)


def test_a_subscription_that_joins_as_the_last_one_leaves_receives_every_change() -> None:
    async def check(live: Live) -> None:
        for number in range(20):
            before = await live.subscribed()
            leaving = asyncio.create_task(before.cancel())
            for _ in range(number):
                await asyncio.sleep(0.001)
            subscription = live.subscribe()
            live.write(f"s{number}")
            await leaving
            await subscription.wait_for_events(1)
            assert subscription.changes == [("ADDED", f"s{number}")]
            await subscription.cancel()

    run_check(check)


def test_a_replay_ends_if_the_store_is_replaced_meanwhile() -> None:
    async def check(live: Live) -> None:
        version = live.version()
        live.write("a", "b", "c")
        with patch.object(hub, "PAGE_SIZE", 1):
            bodies = live.hub.subscribe(live.prepare(since=version), lambda: None)
            await anext(bodies)
            live.database = live.database.with_name("other.db")
            with closing(open_careless(live.database)) as db:
                run_ingest(db, live.folder)
            await live.hub.reset()
            with pytest.raises(StoreReplacedError):
                await anext(bodies)

    run_check(check)
