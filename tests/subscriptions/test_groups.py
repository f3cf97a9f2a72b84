"""Catching up: clients take turns, pages are bounded, and at most one page delays a poll."""

import asyncio
from collections.abc import Awaitable, Callable
from unittest.mock import patch

from gqlnews.config.settings import DEFAULT_LIMITS
from gqlnews.database.protocol import timeout_error
from gqlnews.database.snapshots import Snapshot, VersionState
from gqlnews.database.sqlite import snapshots
from gqlnews.subscriptions import groups, hub
from gqlnews.subscriptions.budget import OverBudgetError
from gqlnews.subscriptions.change_filter import ChangeFilter
from gqlnews.subscriptions.groups import CatchUp, FairLock
from gqlnews.subscriptions.subscriber_queue import Event
from tests.live import DEADLINE, Live, open_live, trace_statements, until
from tests.schema.test_feed_failures import failing

SLUGS = [f"s{number:02}" for number in range(40)]


def run_check(check: Callable[[Live], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_live(DEFAULT_LIMITS) as live:
            await check(live)

    asyncio.run(run())


def test_clients_are_served_round_robin_however_many_subscriptions_one_has() -> None:
    async def run() -> list[str]:
        turns, order, begin = FairLock(), list[str](), asyncio.Event()

        async def take(client: str) -> None:
            async with turns.acquire(client):
                order.append(client)
                await begin.wait()

        tasks = [asyncio.create_task(take(client)) for client in "aaaab"]
        await asyncio.sleep(0)
        begin.set()
        await asyncio.gather(*tasks)
        assert not turns._turns._clients
        return order

    assert asyncio.run(run()) == ["a", "b", "a", "a", "a"]


def test_a_client_that_disconnects_while_queued_delays_nobody() -> None:
    async def run() -> None:
        turns, holding = FairLock(), asyncio.Event()

        async def take(client: str, seconds: float) -> None:
            async with turns.acquire(client):
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
        assert not turns._turns._clients

    asyncio.run(run())


def test_a_page_that_takes_too_long_is_split_without_loss() -> None:
    async def check(live: Live) -> None:
        version = live.version()
        live.write(*SLUGS)
        with failing(ChangeFilter, "events", timeout_error()) as calls:
            subscription = await live.subscribed(since=version)
            live.write("last")
            await subscription.wait_for_events(len(SLUGS) + 1)
        assert [slug for _, slug in subscription.changes] == [*SLUGS, "last"]
        assert calls[0] > len(SLUGS) // 25  # 100 changes, then 25 a page

    run_check(check)


def test_a_page_that_is_too_large_is_split_without_loss() -> None:
    """The page waits in memory until the client has read it."""

    async def check(live: Live) -> None:
        version = live.version()
        live.write(*SLUGS)
        sizes: list[int] = []
        read = CatchUp.read

        def record_call(self: CatchUp, site: VersionState, now: Snapshot) -> list[Event]:
            events = read(self, site, now)
            sizes.append(len(events))
            return events

        with patch.object(groups, "MAX_PAGE_BYTES", 1_000), patch.object(CatchUp, "read", record_call):
            subscription = await live.subscribed(since=version)
            await subscription.wait_for_events(len(SLUGS))
        assert [slug for _, slug in subscription.changes] == SLUGS
        assert max(sizes) < len(SLUGS) / 2
        assert sum(sizes) == len(SLUGS)

    run_check(check)


def test_a_change_that_takes_too_long_ends_only_its_subscription() -> None:
    async def check(live: Live) -> None:
        version = live.version()
        with patch.object(snapshots, "SEARCH_STEPS_PER_CHECK", 1):
            other = await live.subscribed(client="other")
        live.write(*SLUGS)
        await live.settled()
        with patch.object(groups, "CATCH_UP_SECONDS", -1.0):
            late = live.subscribe(client="late", since=version)
            async with asyncio.timeout(DEADLINE):
                await asyncio.wait([late.task])
        assert isinstance(late.task.exception(), OverBudgetError)
        assert late.bodies == []
        live.write("last")
        await other.wait_for_events(len(SLUGS) + 1)
        assert other.changes[-1] == ("ADDED", "last")
        assert live.hub.over_budget == 1

    run_check(check)


def test_at_most_one_page_delays_a_poll() -> None:
    """This holds however many subscriptions catch up at the same time."""

    async def check(live: Live) -> None:
        version = live.version()
        live.write(*SLUGS)
        await live.subscribed()
        pages = [0]

        def trace(sql: str) -> None:
            pages[0] += "FROM article_change" in sql

        await trace_statements(live, trace)
        late = [live.subscribe(client=f"c{number % 5}", since=version) for number in range(20)]
        await until(lambda: any(one.bodies for one in late))
        between = []
        while any(len(one.bodies) < len(SLUGS) for one in late):
            before = pages[0]
            async with live.hub._lock:  # as a poll does
                between.append(pages[0] - before)
            await asyncio.sleep(0)
        assert max(between) <= 2  # one that had already begun, and the next one
        await live.settled()
        assert all([slug for _, slug in one.changes] == SLUGS for one in late)

    with patch.object(hub, "PAGE_SIZE", 1):
        run_check(check)
