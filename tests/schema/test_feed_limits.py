"""Statement time: expensive subscriptions come last and end over budget; the others get every event."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest

from gqlnews.config.settings import DEFAULT_LIMITS
from gqlnews.database.protocol import timeout_error
from gqlnews.database.sqlite import snapshots
from gqlnews.engine.documents import PreparedCache
from gqlnews.errors import ResourceLimitError
from gqlnews.query import prepared
from gqlnews.subscriptions import budget, hub
from gqlnews.subscriptions.budget import OverBudgetError
from gqlnews.subscriptions.change_filter import ChangeFilter
from gqlnews.subscriptions.subscriber_queue import StoreReplacedError, SubscriberQueue
from tests.live import DEADLINE, Live, Subscriber, open_live, trace_statements, until
from tests.schema.test_feed_failures import failing

AT_ONCE = 1e-9  # seconds: positive, and less than any statement takes
SEARCHES = {"or": [{"matches": f"word{number}"} for number in range(60)]}


def run_live(check: Callable[[Live], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_live(DEFAULT_LIMITS) as live:
            await check(live)

    asyncio.run(run())


def where(number: int) -> dict[str, Any]:
    """Return a different filter for each number. Every article here matches all of them."""
    return {"title": {"ne": f"none {number}"}}


async def ended(watching: Subscriber) -> BaseException | None:
    async with asyncio.timeout(DEADLINE):
        await asyncio.wait([watching.task])
    return watching.task.exception()


def test_a_cheap_group_receives_its_events_before_an_expensive_one_is_filtered() -> None:
    async def check(live: Live) -> None:
        await live.subscribed(where=SEARCHES)
        cheap = await live.subscribed(client="other")
        known: list[int] = []

        def trace(sql: str) -> None:
            if "MATCH" in sql:
                known.append(max(listener.number for one in live.hub._groups.values()
                                 for listener in one.queues if listener.client == "other"))  # fmt: skip

        await trace_statements(live, trace)
        live.write("a")
        await live.settled()
        assert cheap.changes == [("ADDED", "a")]
        number = int(live.version().rpartition("-")[2])
        assert known == [number]

    run_live(check)


def test_many_new_subscribers_do_not_delay_the_next_poll() -> None:
    async def check(live: Live) -> None:
        def watch() -> AsyncGenerator[bytes, None]:
            return live.hub.subscribe(live.prepare(), lambda: None)

        def joined() -> list[SubscriberQueue]:
            return [one for group in live.hub._groups.values() for one in group.queues]

        await live.subscribed()
        async with live.hub._lock:
            many = [asyncio.ensure_future(anext(watch())) for _ in range(50)]
            await asyncio.sleep(0)
            look = asyncio.create_task(live.hub._lock.acquire())
            await asyncio.sleep(0)
        await look
        assert len(joined()) <= 1 + 1
        live.hub._lock.release()
        await until(lambda: len(joined()) == 1 + 50)
        for task in many:
            task.cancel()
        await asyncio.wait(many)

    run_live(check)


def test_over_budget_only_that_client_s_subscriptions_end() -> None:
    async def check(live: Live) -> None:
        many = [await live.subscribed(client="many", where=where(number)) for number in range(3)]
        other = await live.subscribed(client="other")
        with patch.object(budget, "CLIENT_SECONDS", AT_ONCE):
            live.write("a")
            await until(lambda: sum(one.task.done() for one in many) == 2)
            (goes_on,) = (one for one in many if not one.task.done())
            live.write("b")
            await live.settled()
        for one in many:
            if one is not goes_on:
                error = await ended(one)
                assert isinstance(error, OverBudgetError)
                assert (error.code, one.changes) == ("TIMED_OUT", [])
        assert goes_on.changes == other.changes == [("ADDED", "a"), ("ADDED", "b")]
        assert live.hub.over_budget == 2

    run_live(check)


def test_a_statement_over_its_client_s_budget_is_interrupted_and_the_next_runs() -> None:
    async def check(live: Live) -> None:
        with patch.object(snapshots, "SEARCH_STEPS_PER_CHECK", 1):
            watching = await live.subscribed()
        with patch.object(budget, "CLIENT_SECONDS", AT_ONCE):
            live.write("a")
            assert isinstance(await ended(watching), OverBudgetError)
        again = await live.subscribed()
        live.write("b")
        await live.settled()
        assert again.changes == [("ADDED", "b")]

    run_live(check)


def test_an_equal_subscription_of_a_client_within_budget_continues() -> None:
    longer = {"and": [where(number) for number in range(60)]}  # expected to take longer, so evaluated last

    async def check(live: Live) -> None:
        many = [await live.subscribed(client="many", where=where(number)) for number in range(2)]
        alike = [await live.subscribed(client=client, where=longer) for client in ("many", "other")]
        with patch.object(budget, "CLIENT_SECONDS", AT_ONCE):
            live.write("a")
            await until(lambda: any(one.task.done() for one in many))
            await live.settled()
        assert [one.changes for one in alike] == [[("ADDED", "a")]] * 2
        assert not any(one.task.done() for one in alike)

    run_live(check)


def test_a_subscription_that_ended_over_budget_resumes_without_a_loss() -> None:
    async def check(live: Live) -> None:
        version = live.version()
        await live.subscribed(client="one")
        late = await live.subscribed(client="one", where=where(1))
        with patch.object(budget, "CLIENT_SECONDS", AT_ONCE):
            live.write("a")
            await until(lambda: any(one.task.done() for one in live.watching))
        assert isinstance(await ended(next(one for one in live.watching if one.task.done())), OverBudgetError)
        again = await live.subscribed(client="one", where=where(1), since=version)
        live.write("b")
        await again.wait_for_events(2)
        assert again.changes == [("ADDED", "a"), ("ADDED", "b")]
        await late.cancel()

    run_live(check)


def test_a_statement_over_the_statement_limit_ends_only_its_subscription() -> None:
    async def check(live: Live) -> None:
        one = await live.subscribed()
        other = await live.subscribed(where=where(1))
        with failing(ChangeFilter, "events", timeout_error()):
            live.write("a")
            await until(lambda: one.task.done() or other.task.done())
        slow, quick = (one, other) if one.task.done() else (other, one)
        error = await ended(slow)
        assert isinstance(error, ResourceLimitError)
        assert not isinstance(error, OverBudgetError)
        assert [event["slug"] for event in await quick.wait_for_events(1)] == ["a"]

    run_live(check)


def test_a_running_poll_does_not_delay_replacing_the_store() -> None:
    slugs = [f"s{number:03}" for number in range(300)]

    async def check(live: Live) -> None:
        watching = await live.subscribed()
        with patch.object(hub, "PAGE_SIZE", 1):
            live.write(*slugs)
            await watching.wait_for_events(1)
            await live.hub.reset()
            assert isinstance(await ended(watching), StoreReplacedError)
        assert len(watching.bodies) < len(slugs)

    run_live(check)


def test_values_that_read_the_clock_are_rebound_without_recompiling() -> None:
    async def check(live: Live) -> None:
        live.engine.cache = PreparedCache(0)  # which caches no statement
        watched = live.prepare(where={"publishedDateTime": {"withinLast": "PT1H"}})
        with patch.object(prepared, "compile_statement", side_effect=AssertionError("compiled again")):
            before = watched.bound.filter_changes("[]", "[]")
            await until(lambda: watched.current().filter_changes("[]", "[]") != before)
        assert watched.current().filter_changes("[]", "[]")[0] == before[0]

    run_live(check)


@pytest.mark.parametrize("age", [30, 90])
def test_a_relative_date_filter_uses_the_time_of_the_change(age: int) -> None:
    async def check(live: Live) -> None:
        watching = await live.subscribed(where={"publishedDateTime": {"withinLast": "PT1M"}})
        last = await live.subscribed(where={"title": {"eq": "last"}})
        now = datetime.now(UTC).timestamp()
        live.write("a", publishedDateTime=datetime.fromtimestamp(now - age, UTC).strftime("%FT%TZ"))
        live.write("z", title="last", publishedDateTime="2020-01-01T00:00:00Z")
        await last.wait_for_events(1)
        await live.settled()
        assert watching.changes == ([("ADDED", "a")] if age < 60 else [])

    run_live(check)
