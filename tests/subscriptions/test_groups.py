"""Catching up: clients take turns, pages are bounded, and at most one page delays a poll."""

import asyncio
from collections.abc import Awaitable, Callable
from unittest.mock import patch

from gqlnews.config.settings import SERVED
from gqlnews.database.sqlite import snapshots
from gqlnews.database.sqlite.connection import timeout_error
from gqlnews.database.sqlite.snapshots import Snapshot, VersionState
from gqlnews.subscriptions import groups, hub
from gqlnews.subscriptions.budget import OverBudgetError
from gqlnews.subscriptions.change_filter import ChangeFilter
from gqlnews.subscriptions.groups import CatchUp, Turns
from gqlnews.subscriptions.subscriber_queue import Event
from tests.live import DEADLINE, Live, living, until
from tests.schema.test_feed_failures import failing
from tests.schema.test_feed_limits import traced

SLUGS = [f"s{number:02}" for number in range(40)]


def alone(check: Callable[[Live], Awaitable[None]]) -> None:
    async def run() -> None:
        async with living(SERVED) as live:
            await check(live)

    asyncio.run(run())


def test_clients_take_turns_however_many_subscriptions_one_has() -> None:
    async def run() -> list[str]:
        turns, order, begin = Turns(), list[str](), asyncio.Event()

        async def take(client: str) -> None:
            async with turns.taken(client):
                order.append(client)
                await begin.wait()

        tasks = [asyncio.create_task(take(client)) for client in "aaaab"]
        await asyncio.sleep(0)
        begin.set()
        await asyncio.gather(*tasks)
        assert not turns._lines
        return order

    assert asyncio.run(run()) == ["a", "b", "a", "a", "a"]


def test_a_client_that_leaves_while_it_waits_holds_nobody_up() -> None:
    async def run() -> None:
        turns, holding = Turns(), asyncio.Event()

        async def take(client: str, seconds: float) -> None:
            async with turns.taken(client):
                holding.set()
                await asyncio.sleep(seconds)

        leaving = [asyncio.create_task(take(client, 3600)) for client in "aab"]
        await holding.wait()
        for task in reversed(leaving):
            task.cancel()
        await asyncio.wait(leaving)
        async with asyncio.timeout(DEADLINE):
            for client in "ab":
                await take(client, 0)
        assert not turns._lines

    asyncio.run(run())


def test_a_page_that_takes_too_long_is_read_in_smaller_ones_and_nothing_is_lost() -> None:
    async def check(live: Live) -> None:
        version = live.version()
        live.write(*SLUGS)
        with failing(ChangeFilter, "events", timeout_error()) as calls:
            watching = await live.joined(since=version)
            live.write("last")
            await watching.come(len(SLUGS) + 1)
        assert [slug for _, slug in watching.changes] == [*SLUGS, "last"]
        assert calls[0] > len(SLUGS) // 25  # 100 changes, then 25 a page

    alone(check)


def test_a_page_that_is_too_large_is_read_in_smaller_ones_and_nothing_is_lost() -> None:
    """The page waits in memory until the client has read it."""

    async def check(live: Live) -> None:
        version = live.version()
        live.write(*SLUGS)
        sizes: list[int] = []
        read = CatchUp.read

        def noted(self: CatchUp, site: VersionState, now: Snapshot) -> list[Event]:
            events = read(self, site, now)
            sizes.append(len(events))
            return events

        with patch.object(groups, "MAX_PAGE_BYTES", 1_000), patch.object(CatchUp, "read", noted):
            watching = await live.joined(since=version)
            await watching.come(len(SLUGS))
        assert [slug for _, slug in watching.changes] == SLUGS
        assert max(sizes) < len(SLUGS) / 2
        assert sum(sizes) == len(SLUGS)

    alone(check)


def test_one_change_that_takes_too_long_ends_the_subscription_and_not_the_others() -> None:
    async def check(live: Live) -> None:
        version = live.version()
        with patch.object(snapshots, "STEPS_OF_A_SEARCH", 1):
            other = await live.joined(client="other")
        live.write(*SLUGS)
        await live.settled()
        with patch.object(groups, "CATCH_UP_SECONDS", -1.0):
            late = live.watch(client="late", since=version)
            async with asyncio.timeout(DEADLINE):
                await asyncio.wait([late.task])
        assert isinstance(late.task.exception(), OverBudgetError)
        assert late.bodies == []
        live.write("last")
        await other.come(len(SLUGS) + 1)
        assert other.changes[-1] == ("ADDED", "last")
        assert live.feed.over_budget == 1

    alone(check)


def test_one_page_at_most_stands_between_a_look_and_its_turn() -> None:
    """This holds however many subscriptions catch up at the same time."""

    async def check(live: Live) -> None:
        version = live.version()
        live.write(*SLUGS)
        await live.joined()
        pages, opened = [0], live.feed._snapshots
        assert opened is not None

        def trace(sql: str) -> None:
            pages[0] += "FROM article_change" in sql

        await opened.at(traced(opened, trace))
        late = [live.watch(client=f"c{number % 5}", since=version) for number in range(20)]
        await until(lambda: any(one.bodies for one in late))
        between = []
        while any(len(one.bodies) < len(SLUGS) for one in late):
            before = pages[0]
            async with live.feed._lock:  # as a poll does
                between.append(pages[0] - before)
            await asyncio.sleep(0)
        assert max(between) <= 2  # one that had already begun, and the next one
        await live.settled()
        assert all([slug for _, slug in one.changes] == SLUGS for one in late)

    with patch.object(hub, "PAGE", 1):
        alone(check)
