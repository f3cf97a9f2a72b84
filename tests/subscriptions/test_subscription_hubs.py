"""Two hubs: light subscriptions do not wait for heavy ones, and both get every event."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gqlnews.subscriptions.budget import expected_seconds, is_heavy
from gqlnews.subscriptions.hubs import SubscriptionHubs
from gqlnews.subscriptions.subscriber_queue import ShuttingDownError, StoreReplacedError
from tests.live import ARTICLE_CHANGED, PLAIN, Live, Subscriber, open_live, until

MATCHES = {"matches": "news"}


def run_check(check: Callable[[Live, SubscriptionHubs], Awaitable[None]]) -> None:
    async def run() -> None:
        async with open_live() as live, open_hubs(live) as hubs:
            await check(live, hubs)

    asyncio.run(run())


@asynccontextmanager
async def open_hubs(live: Live) -> AsyncIterator[SubscriptionHubs]:
    hubs = SubscriptionHubs(live.new_reader, live.revision.version)
    try:
        yield hubs
    finally:
        await hubs.close()


async def joined(live: Live, hubs: SubscriptionHubs, **variables: object) -> Subscriber:
    """Subscribe, and wait until the subscription has joined its hub."""
    before = _joined(hubs)
    subscription = Subscriber(hubs, live.prepare(**variables))  # type: ignore[arg-type]
    await until(lambda: _joined(hubs) > before)
    return subscription


def _joined(hubs: SubscriptionHubs) -> int:
    all_groups = (hubs.light._groups, hubs.heavy._groups)
    return sum(len(group.queues) for groups in all_groups for group in groups.values())


@pytest.mark.parametrize(
    ("selection", "where", "heavy"),
    [
        ("{ slug article { title topics { name } provider { name } } }", {"title": {"eq": "T"}}, False),
        ("{ article { related(first: 3) { title article { slug } } } }", None, False),
        ("{ slug }", {"title": {"contains": "a"}, "topic": {"any": ["AI"]}}, False),
        ("{ slug }", MATCHES, True),
        ("{ slug }", {"or": [{"title": {"eq": "T"}}, {"not": MATCHES}]}, True),
        ("{ article { similar { slug } } }", None, True),
        ("{ article { referencedBy { totalCount } } }", None, True),
        ("{ article { topics { articles { nodes { slug } } } } }", None, True),
        ("{ article { related { article { related { article { related { title } } } } } } }", None, True),
    ],
)
def test_subscriptions_whose_time_grows_with_the_store_are_heavy(
    selection: str, where: object, heavy: bool
) -> None:
    async def check(live: Live, _: SubscriptionHubs) -> None:
        assert is_heavy(live.prepare(ARTICLE_CHANGED % selection, where=where).bound) is heavy

    run_check(check)


def test_a_search_has_a_higher_estimate() -> None:
    async def check(live: Live, _: SubscriptionHubs) -> None:
        filters = (None, {"title": {"eq": "T"}}, {"title": {"contains": "T"}}, MATCHES, {"or": [MATCHES] * 9})
        seconds = [expected_seconds(live.prepare(PLAIN, where=where).bound) for where in filters]
        assert seconds == sorted(set(seconds))

    run_check(check)


def test_a_light_event_is_delivered_while_heavy_ones_are_evaluated() -> None:
    async def check(live: Live, hubs: SubscriptionHubs) -> None:
        light = await joined(live, hubs)
        heavy = await joined(live, hubs, where={"not": MATCHES})
        async with hubs.heavy._lock:  # as while heavy subscriptions are evaluated
            live.write("a")
            await light.wait_for_events(1)
            assert heavy.bodies == []
        await heavy.wait_for_events(1)
        assert light.changes == heavy.changes == [("ADDED", "a")]
        await asyncio.gather(light.cancel(), heavy.cancel())
        assert hubs.active == 0

    run_check(check)


@pytest.mark.parametrize("failure", [StoreReplacedError, ShuttingDownError])
def test_shutdown_and_reset_end_the_subscriptions_of_both_lanes(failure: type[Exception]) -> None:
    async def check(live: Live, hubs: SubscriptionHubs) -> None:
        both = [await joined(live, hubs), await joined(live, hubs, where=MATCHES)]
        if failure is StoreReplacedError:
            await hubs.reset()
        else:
            hubs.shutdown()
        await asyncio.wait([one.task for one in both])
        assert all(isinstance(one.task.exception(), failure) for one in both)

    run_check(check)
