"""Two lanes: light subscriptions do not wait for heavy ones, and both get every event."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from gqlnews.subscriptions.budget import expected_seconds, is_heavy
from gqlnews.subscriptions.hub import Lanes
from gqlnews.subscriptions.subscriber_queue import ShuttingDownError, StoreReplacedError
from tests.live import ARTICLE_CHANGED, PLAIN, Live, Watching, living, until

MATCHES = {"matches": "news"}


def alone(check: Callable[[Live, Lanes], Awaitable[None]]) -> None:
    async def run() -> None:
        async with living() as live, lanes_over(live) as lanes:
            await check(live, lanes)

    asyncio.run(run())


@asynccontextmanager
async def lanes_over(live: Live) -> AsyncIterator[Lanes]:
    lanes = Lanes(live.database, live.revision.version)
    try:
        yield lanes
    finally:
        await lanes.close()


async def joined(live: Live, lanes: Lanes, **variables: object) -> Watching:
    """Subscribe, and wait until the subscription has joined its lane."""
    before = _joined(lanes)
    watching = Watching(lanes, live.ready(**variables))  # type: ignore[arg-type]
    await until(lambda: _joined(lanes) > before)
    return watching


def _joined(lanes: Lanes) -> int:
    lanes_groups = (lanes.light._groups, lanes.heavy._groups)
    return sum(len(group.listeners) for groups in lanes_groups for group in groups.values())


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
def test_what_grows_with_the_store_is_heavy(selection: str, where: object, heavy: bool) -> None:
    async def check(live: Live, _: Lanes) -> None:
        assert is_heavy(live.ready(ARTICLE_CHANGED % selection, where=where).bound) is heavy

    alone(check)


def test_what_searches_is_expected_to_take_longer() -> None:
    async def check(live: Live, _: Lanes) -> None:
        filters = (None, {"title": {"eq": "T"}}, {"title": {"contains": "T"}}, MATCHES, {"or": [MATCHES] * 9})
        seconds = [expected_seconds(live.ready(PLAIN, where=where).bound) for where in filters]
        assert seconds == sorted(set(seconds))

    alone(check)


def test_a_light_event_comes_while_heavy_ones_are_judged() -> None:
    async def check(live: Live, lanes: Lanes) -> None:
        light = await joined(live, lanes)
        heavy = await joined(live, lanes, where={"not": MATCHES})
        async with lanes.heavy._lock:  # as while heavy subscriptions are evaluated
            live.write("a")
            await light.come(1)
            assert heavy.bodies == []
        await heavy.come(1)
        assert light.changes == heavy.changes == [("ADDED", "a")]
        await asyncio.gather(light.leave(), heavy.leave())
        assert lanes.watching == 0

    alone(check)


@pytest.mark.parametrize("failure", [StoreReplacedError, ShuttingDownError])
def test_what_ends_every_subscription_ends_those_of_both_lanes(failure: type[Exception]) -> None:
    async def check(live: Live, lanes: Lanes) -> None:
        both = [await joined(live, lanes), await joined(live, lanes, where=MATCHES)]
        if failure is StoreReplacedError:
            await lanes.reset()
        else:
            lanes.end()
        await asyncio.wait([one.task for one in both])
        assert all(isinstance(one.task.exception(), failure) for one in both)

    alone(check)
