"""Number of statements: one set per change for all identical subscriptions, however many there are."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from gqlnews.query.entities import Audience
from tests.live import ARTICLE_CHANGED, PLAIN, Live, open_live, trace_statements

OTHER = ARTICLE_CHANGED % "{ slug article { heat related { title } } }"
Where = Mapping[str, Any] | None


async def statements(live: Live, slugs: list[str]) -> Counter[str]:
    """Count the statements that the feed runs while these articles are ingested."""
    await live.settled()
    ran: Counter[str] = Counter()

    def trace(sql: str) -> None:
        ran[
            "telling" if "group_concat" in sql else "judging" if "json_group_array(p" in sql else "other"
        ] += 1

    async with live.hub._lock:
        await trace_statements(live, trace)
        live.write(*slugs)
    await live.settled()
    return Counter(ran)  # excludes the statements of shutting down


def counted(watching: list[tuple[str, Audience, Where]], slugs: list[str]) -> Counter[str]:
    async def run() -> Counter[str]:
        async with open_live() as live:
            for query, audience, where in watching:
                live.subscribe(query, audience, where=where)
            return await statements(live, slugs)

    return asyncio.run(run())


PUBLIC, EDITOR = Audience.PUBLIC, Audience.EDITOR
TITLE, HEAT = {"title": {"eq": "T"}}, {"heat": {"isNull": True}}


@pytest.mark.parametrize("many", [1, 1000])
def test_identical_subscriptions_cost_as_much_as_one(many: int) -> None:
    ran = counted([(PLAIN, PUBLIC, TITLE)] * many, ["a"])
    assert ran == {"judging": 1, "telling": 1, "other": 4}  # begin, versions, changes, end


@pytest.mark.parametrize(
    ("watching", "judging", "telling"),
    [
        ([(PLAIN, PUBLIC, TITLE), (PLAIN, PUBLIC, HEAT)], 2, 2),
        ([(PLAIN, PUBLIC, TITLE), (OTHER, PUBLIC, TITLE)], 1, 2),  # one filter, two selections
        ([(PLAIN, PUBLIC, TITLE), (PLAIN, EDITOR, TITLE)], 2, 2),
        ([(PLAIN, Audience.OPEN, TITLE), (PLAIN, EDITOR, TITLE)], 1, 2),  # both see the same articles
        ([(PLAIN, PUBLIC, {"title": {"eq": "other"}})], 1, 0),
        ([(PLAIN.replace("$where", "$w"), PUBLIC, None), (PLAIN, PUBLIC, None)], 1, 1),
    ],
)
def test_a_filter_is_evaluated_once_for_before_and_after(
    watching: list[tuple[str, Audience, Where]], judging: int, telling: int
) -> None:
    ran = counted(watching, ["a"])
    assert (ran["judging"], ran["telling"]) == (judging, telling)


def test_changes_ingested_together_are_evaluated_together() -> None:
    ran = counted([(PLAIN, PUBLIC, TITLE)], [f"s{number}" for number in range(50)])
    assert (ran["judging"], ran["telling"]) == (1, 1)


def test_changes_invisible_to_all_subscribers_are_not_evaluated() -> None:
    async def run() -> Counter[str]:
        async with open_live() as live:
            live.subscribe()
            live.folder.article("hidden.md", published=False)
            return await statements(live, [])

    ran = asyncio.run(run())
    assert ran["judging"] == ran["telling"] == 0


def test_identical_subscriptions_share_the_same_bytes() -> None:
    async def run() -> None:
        async with open_live() as live:
            subscription = [live.subscribe() for _ in range(3)]
            await live.settled()
            live.write("a")
            await live.settled()
            (body,) = subscription[0].bodies
            assert all(one.bodies[0] is body for one in subscription)

    asyncio.run(run())
