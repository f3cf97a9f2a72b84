"""The statement time budget: per client, shared equally, and in fair-queueing order."""

import asyncio

import pytest

from gqlnews.subscriptions.budget import CLIENT_SECONDS, MIN_SECONDS, PAGE_SECONDS, Budget
from gqlnews.subscriptions.groups import SubscriberGroup, fairly
from gqlnews.subscriptions.subscriber_queue import SubscriberQueue, SubscriptionFailedError
from tests.live import Live, living

MORE = CLIENT_SECONDS + 0.001
ONE, OTHER = frozenset({"one"}), frozenset({"other"})
CHEAP, DEAR = 0.001, 0.05


def test_a_client_that_has_used_its_time_has_none_left_and_the_others_have() -> None:
    budget = Budget()
    assert budget.left(ONE) == CLIENT_SECONDS
    budget.charge(ONE, MORE)
    assert budget.left(ONE) <= 0 < budget.left(OTHER)


def test_what_several_clients_subscribe_to_is_charged_in_equal_shares() -> None:
    budget = Budget()
    assert budget.left(ONE | OTHER) == min(2 * CLIENT_SECONDS, PAGE_SECONDS)
    budget.charge(ONE | OTHER, MORE)
    assert budget.left(ONE) == pytest.approx(CLIENT_SECONDS - MORE / 2)


def test_a_shared_subscription_goes_on_while_any_of_its_clients_has_time_left() -> None:
    budget = Budget()
    budget.charge(ONE, MORE)
    assert budget.left(ONE | OTHER) > 0
    budget.charge(OTHER, MORE)
    assert budget.left(ONE | OTHER) <= 0


def test_where_many_clients_use_much_each_still_has_the_least() -> None:
    budget = Budget()
    for number in range(10):
        budget.charge({f"client {number}"}, PAGE_SECONDS / 10)
    budget.charge({"much"}, MIN_SECONDS)
    assert budget.left({"much"}) <= 0
    assert budget.left({"new"}) == MIN_SECONDS


def test_however_many_clients_subscribe_to_the_same_it_takes_no_more_than_a_page() -> None:
    assert Budget().left({f"client {number}" for number in range(1_000)}) == PAGE_SECONDS


def test_without_a_limit_nothing_ends() -> None:
    budget = Budget(limited=False)
    budget.charge(ONE, 1_000.0)
    assert budget.left(ONE) > 1_000.0


def order(*groups: tuple[str, float, set[str]]) -> list[str]:
    """Return group names in the order of evaluation. Groups are (name, expected seconds, clients)."""

    async def run(live: Live) -> list[str]:
        names: dict[SubscriberGroup, str] = {}
        for name, seconds, clients in groups:
            group = SubscriberGroup(
                live.ready(), {SubscriberQueue(lambda: None, client) for client in clients}
            )
            group.seconds = seconds
            names[group] = name
        return [names[turn.group] for turn in fairly(names)]

    async def over_a_store() -> list[str]:
        async with living() as live:
            return await run(live)

    return asyncio.run(over_a_store())


def test_cheap_groups_come_first() -> None:
    assert order(("dear", DEAR, {"a"}), ("cheap", CHEAP, {"b"})) == ["cheap", "dear"]


def test_a_group_does_not_wait_for_all_of_another_client_s() -> None:
    many = [(f"a{number}", DEAR / 2, {"a"}) for number in range(5)]
    assert order(*many, ("b", DEAR, {"b"}))[:3] == ["a0", "a1", "b"]


def test_a_shared_group_stands_where_the_client_that_used_least_puts_it() -> None:
    many = [(f"a{number}", CHEAP, {"a"}) for number in range(9)]
    assert order(*many, ("shared", 2 * CHEAP, {"a", "b"}))[:2] == ["a0", "shared"]


def test_a_group_whose_subscriptions_have_all_ended_is_not_judged() -> None:
    async def run() -> None:
        async with living() as live:
            ended, running = SubscriberQueue(lambda: None, "ended"), SubscriberQueue(lambda: None, "running")
            ended.fail(SubscriptionFailedError())
            (turn,) = fairly(
                [SubscriberGroup(live.ready(), {ended}), SubscriberGroup(live.ready(), {ended, running})]
            )
            assert turn.clients == {"running"}

    asyncio.run(run())
