"""The feed: each subscriber gets each change once, in order, and nothing that it may not see."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

import pytest

from gqlnews.errors import Code
from gqlnews.query.fields import Audience
from gqlnews.query.tree import RequestRefusedError
from gqlnews.subscriptions import hub, subscriber_queue
from gqlnews.subscriptions.subscriber_queue import ShuttingDownError, SlowConsumerError
from tests.live import Live, living, until

Received = list[tuple[str, str]]
Step = Callable[[Live], None]


def alone(check: Callable[[Live], Awaitable[None]]) -> None:
    """Run a check over its own store."""

    async def run() -> None:
        async with living() as live:
            await check(live)

    asyncio.run(run())


def after(*steps: Step, audience: Audience = Audience.PUBLIC, **variables: Any) -> Received:
    """Return the events of a client that subscribes before these steps."""
    received: Received = []

    async def check(live: Live) -> None:
        live.write("x")
        watching = await live.joined(audience=audience, **variables)
        for step in steps:
            step(live)
            await live.settled()
        received.extend(watching.changes)

    alone(check)
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
    assert after(*steps) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [("in", "in", ["UPDATED"]), ("in", "out", ["REMOVED"]), ("out", "in", ["ADDED"]), ("out", "out", [])],
)
def test_a_filter_is_judged_before_and_after(before: str, now: str, expected: list[str]) -> None:
    steps = (write("x", title=before), write("x", title=now, heat=1))
    kinds = [kind for kind, _ in after(*steps, where={"title": {"eq": "in"}})]
    assert kinds[1 if before == "in" else 0 :] == expected


def test_what_went_comes_without_content() -> None:
    async def check(live: Live) -> None:
        live.write("a")
        watching = await live.joined(where={"title": {"eq": "T"}})
        live.write("a", title="U")
        (event,) = await watching.come(1)
        assert event["article"] is None

    alone(check)


@pytest.mark.parametrize("audience", Audience)
def test_a_version_is_the_audiences_own(audience: Audience) -> None:
    async def check(live: Live) -> None:
        live.write("hidden", published=False)
        watching = await live.joined(audience=audience)
        live.write("a")
        (event,) = await watching.come(1)
        assert event["version"] == live.version(audience)

    alone(check)


def test_more_than_a_page_comes_whole_and_in_order() -> None:
    slugs = [f"s{number:02}" for number in range(25)]
    with patch.object(hub, "PAGE", 10):
        assert after(lambda live: live.write(*slugs)) == [("ADDED", slug) for slug in slugs]


def test_a_new_subscription_receives_changes_from_before_its_turn() -> None:
    """The change happens between the subscription and its first poll."""

    async def check(live: Live) -> None:
        watching = live.watch()
        live.write("a")
        await live.settled()
        assert watching.changes == [("ADDED", "a")]

    alone(check)


def test_who_leaves_off_and_goes_on_misses_nothing_and_hears_nothing_twice() -> None:
    async def check(live: Live) -> None:
        with patch.object(hub, "PAGE", 2):
            first = await live.joined()
            live.write("a")
            (event,) = await first.come(1)
            await first.leave()
            live.write("b", "c", "d", "e")
            live.remove("a")
            second = await live.joined(since=event["version"])
            live.write("f")
            await live.settled()
        kinds = {"b": "ADDED", "c": "ADDED", "d": "ADDED", "e": "ADDED", "a": "REMOVED", "f": "ADDED"}
        assert second.changes == [(kind, slug) for slug, kind in kinds.items()]

    alone(check)


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
def test_what_changes_between_the_pages_of_what_was_missed_comes_once(
    meanwhile: Step, expected: list[str]
) -> None:
    async def check(live: Live) -> None:
        with patch.object(hub, "PAGE", 2):
            live.write("a")
            version = live.version()
            live.write("b", "c", "d", "e")
            missed = live.feed.watch(live.ready(since=version), lambda: None)
            assert [_slug(await anext(missed)) for _ in range(2)] == ["b", "c"]
            meanwhile(live)
            await until(live.is_current)
            live.write("last")
            slugs = [_slug(await anext(missed)) for _ in range(len(expected) + 1)]
            assert slugs == [*expected, "last"]
            await missed.aclose()

    alone(check)


def _slug(body: bytes) -> str:
    slug: str = json.loads(body)["data"]["articleChanged"]["slug"]
    return slug


@pytest.mark.parametrize("since", [0, 1])
def test_what_was_forgotten_while_one_reads_is_said_and_not_left_out(since: int) -> None:
    async def check(live: Live) -> None:
        live.most_removed = 1
        with patch.object(hub, "PAGE", 2):
            live.write("a", "b", "c", "d", "e")
            version = live.version().rpartition("-")[0] + f"-{since}"
            missed = live.feed.watch(live.ready(since=version), lambda: None)
            await anext(missed)
            live.remove("a", "b", "c")
            await until(live.is_current)
            await anext(missed)
            with pytest.raises(RequestRefusedError) as refused:
                await anext(missed)
            assert refused.value.code == Code.VERSION_TOO_OLD

    alone(check)


def test_who_reads_too_slowly_is_dropped_once_and_the_others_notice_nothing() -> None:
    async def check(live: Live) -> None:
        with patch.object(subscriber_queue, "MAX_WAITING", 5):
            other = await live.joined()
            dropped: list[bool] = []
            slow = live.feed.watch(live.ready(), lambda: dropped.append(True))
            first = asyncio.create_task(anext(slow))
            await asyncio.sleep(0)
            for number in range(9):
                live.write(f"s{number}")
                await other.come(number + 1)
            assert len(other.bodies) == 9
            assert dropped == [True]
            await first
            with pytest.raises(SlowConsumerError):
                await anext(slow)

    alone(check)


def test_a_waiting_subscription_ends_when_the_server_stops() -> None:
    async def check(live: Live) -> None:
        watching = await live.joined()
        live.feed.end()
        await asyncio.wait([watching.task])
        assert isinstance(watching.task.exception(), ShuttingDownError)

    alone(check)


def test_nobody_begins_or_goes_on_with_what_was_missed_when_the_server_stops() -> None:
    async def check(live: Live) -> None:
        with patch.object(hub, "PAGE", 1):
            version = live.version()
            live.write("a", "b")
            missed = live.feed.watch(live.ready(since=version), lambda: None)
            await anext(missed)
            live.feed.end()
            for stream in (missed, live.feed.watch(live.ready(), lambda: None)):
                with pytest.raises(ShuttingDownError):
                    await anext(stream)
            assert live.feed.watching == 0

    alone(check)


def test_when_the_last_has_left_nothing_is_held() -> None:
    async def check(live: Live) -> None:
        watching = await live.joined()
        task = live.feed._task
        await watching.leave()
        assert task is not None
        await asyncio.wait([task])
        assert (live.feed.watching, live.feed._groups, live.feed._snapshots) == (0, {}, None)

    alone(check)


def test_a_subscription_that_joins_as_the_last_one_leaves_receives_every_change() -> None:
    async def check(live: Live) -> None:
        for number in range(20):
            before = await live.joined()
            leaving = asyncio.create_task(before.leave())
            for _ in range(number):
                await asyncio.sleep(0.001)
            watching = live.watch()
            live.write(f"s{number}")
            await leaving
            await watching.come(1)
            assert watching.changes == [("ADDED", f"s{number}")]
            await watching.leave()

    alone(check)
