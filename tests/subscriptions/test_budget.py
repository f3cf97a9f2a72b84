"""The statement time budget: per client, shared equally, and in fair-queueing order."""

import asyncio

import pytest

from gqlnews.subscriptions.budget import CLIENT_SECONDS, MIN_SECONDS, PAGE_SECONDS, Budget
from gqlnews.subscriptions.groups import SubscriberGroup, order_fairly
from gqlnews.subscriptions.subscriber_queue import SubscriberQueue, SubscriptionFailedError
from tests.live import Live, open_live

MORE = CLIENT_SECONDS + 0.001
ONE, OTHER = frozenset({"one"}), frozenset({"other"})
CHEAP, EXPENSIVE = 0.001, 0.05


def test_a_client_over_budget_does_not_affect_the_others() -> None:
    budget = Budget()
    assert budget.remaining(ONE) == CLIENT_SECONDS
    budget.charge(ONE, MORE)
    assert budget.remaining(ONE) <= 0 < budget.remaining(OTHER)


def test_a_shared_subscription_is_charged_in_equal_shares() -> None:
    budget = Budget()
    assert budget.remaining(ONE | OTHER) == min(2 * CLIENT_SECONDS, PAGE_SECONDS)
    budget.charge(ONE | OTHER, MORE)
    assert budget.remaining(ONE) == pytest.approx(CLIENT_SECONDS - MORE / 2)


def test_a_shared_subscription_continues_while_any_client_has_budget() -> None:
    budget = Budget()
    budget.charge(ONE, MORE)
    assert budget.remaining(ONE | OTHER) > 0
    budget.charge(OTHER, MORE)
    assert budget.remaining(ONE | OTHER) <= 0


def test_busy_clients_keep_a_minimum_budget() -> None:
    budget = Budget()
    for number in range(10):
        budget.charge({f"client {number}"}, PAGE_SECONDS / 10)
    budget.charge({"much"}, MIN_SECONDS)
    assert budget.remaining({"much"}) <= 0
    assert budget.remaining({"new"}) == MIN_SECONDS


def test_a_shared_subscription_takes_at_most_the_time_of_a_page() -> None:
    assert Budget().remaining({f"client {number}" for number in range(1_000)}) == PAGE_SECONDS


def test_without_a_limit_the_budget_is_infinite() -> None:
    budget = Budget(limited=False)
    budget.charge(ONE, 1_000.0)
    assert budget.remaining(ONE) > 1_000.0


def order(*groups: tuple[str, float, set[str]]) -> list[str]:
    """Return group names in the order of evaluation. Groups are (name, expected seconds, clients)."""

    async def run(live: Live) -> list[str]:
        names: dict[SubscriberGroup, str] = {}
        for name, seconds, clients in groups:
            group = SubscriberGroup(
                live.prepare(), {SubscriberQueue(lambda: None, client) for client in clients}
            )
            group.expected_seconds = seconds
            names[group] = name
        return [names[turn.group] for turn in order_fairly(names)]

    async def over_a_store() -> list[str]:
        async with open_live() as live:
            return await run(live)

    return asyncio.run(over_a_store())


def test_cheap_groups_come_first() -> None:
    assert order(("dear", EXPENSIVE, {"a"}), ("cheap", CHEAP, {"b"})) == ["cheap", "dear"]


def test_a_group_does_not_wait_for_all_of_another_client_s() -> None:
    many = [(f"a{number}", EXPENSIVE / 2, {"a"}) for number in range(5)]
    assert order(*many, ("b", EXPENSIVE, {"b"}))[:3] == ["a0", "a1", "b"]


def test_a_shared_group_is_ordered_by_its_least_busy_client() -> None:
    many = [(f"a{number}", CHEAP, {"a"}) for number in range(9)]
    assert order(*many, ("shared", 2 * CHEAP, {"a", "b"}))[:2] == ["a0", "shared"]


def test_a_group_without_active_subscriptions_is_not_evaluated() -> None:
    async def run() -> None:
        async with open_live() as live:
            ended, running = SubscriberQueue(lambda: None, "ended"), SubscriberQueue(lambda: None, "running")
            ended.fail(SubscriptionFailedError())
            (turn,) = order_fairly(
                [SubscriberGroup(live.prepare(), {ended}), SubscriberGroup(live.prepare(), {ended, running})]
            )
            assert turn.clients == {"running"}

    asyncio.run(run())
