"""Limits that keep events on time: statement time per client, and estimated cost."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from math import inf

from gqlnews.errors import Code, ResourceLimitError
from gqlnews.query.fields import (
    ChangeFeed,
    Connection,
    HistogramFacet,
    MoreLikeThis,
    NodeLookup,
    StatsFacet,
    TermsFacet,
)
from gqlnews.query.predicates import All, AnyOf, Comparison, Condition, Not, Operator
from gqlnews.query.prepared import BoundSubscription
from gqlnews.query.tree import FieldPlan

# Per-client budget of statement time for one page of changes.
#
# The budget counts CPU time of the thread that runs the statements, so that a busy machine does not end
# subscriptions. The cost of a subscription that several clients share is split equally between them.

CLIENT_SECONDS = 0.25  # per client
PAGE_SECONDS = 0.4  # for all clients together; past it, each client gets MIN_SECONDS
MIN_SECONDS = 0.05
CATCH_UP_SECONDS = 0.125  # for a replayed page of one subscription, which is evaluated on one side only

OVER_BUDGET = (
    "Your address's subscriptions take more statement time for these changes than one client may use, so "
    "this one has ended: resume it with `since`, with fewer beside it, or simpler filters and selections."
)


class OverBudgetError(ResourceLimitError):
    """Raised to end a subscription whose client has used up its statement time."""

    def __init__(self) -> None:
        super().__init__(Code.TIMED_OUT, OVER_BUDGET)


class Budget:
    """Remaining statement time for one page of changes; unlimited if `limited` is false."""

    def __init__(self, *, limited: bool = True) -> None:
        self._limited = limited
        self._spent: defaultdict[str, float] = defaultdict(float)
        self._total = 0.0

    def remaining(self, clients: Collection[str]) -> float:
        """Return the seconds left for a subscription of these clients; <= 0 only if all are over budget."""
        if not self._limited:
            return inf
        shares = len(clients) * max(map(self._remaining, clients))
        return min(shares, max(PAGE_SECONDS - self._total, MIN_SECONDS))

    def charge(self, clients: Collection[str], seconds: float) -> None:
        self._total += seconds
        for client in clients:
            self._spent[client] += seconds / len(clients)

    def _remaining(self, client: str) -> float:
        spent = self._spent.get(client, 0.0)
        return min(CLIENT_SECONDS - spent, max(PAGE_SECONDS - self._total, MIN_SECONDS - spent))


# Estimate the statement time of a subscription before it runs.
#
# Light subscriptions read only the changed articles and what these list. Heavy ones search an index or scan a
# list, so their time grows with the store.

SEARCH_SECONDS = 0.001
CONTAINS_SECONDS = 0.000_02
TEST_SECONDS = 0.000_002
LIST_SECONDS = 0.001
OBJECT_SECONDS = 0.000_005
BASE_SECONDS = 0.000_1
LIGHT_COST = 200  # maximum objects of one event

GROWING = Connection | TermsFacet | StatsFacet | HistogramFacet | MoreLikeThis | ChangeFeed | NodeLookup
"""Declarations whose statement time grows with the size of the store."""


def expected_seconds(bound: BoundSubscription) -> float:
    """Estimate the seconds for one page with few changes."""
    filtering = 2 * sum(_seconds(test) for test in _comparisons(_condition(bound)))
    lists = sum(isinstance(field.declaration, GROWING) for field in _walk_fields(bound.field))
    return BASE_SECONDS + filtering + LIST_SECONDS * lists + OBJECT_SECONDS * bound.cost


def is_heavy(bound: BoundSubscription) -> bool:
    """Return whether the time grows with the store, or one event has very many objects."""
    searches = any(test.operator is Operator.MATCHES for test in _comparisons(_condition(bound)))
    walks = any(isinstance(field.declaration, GROWING) for field in _walk_fields(bound.field))
    return searches or walks or bound.cost > LIGHT_COST


def _condition(bound: BoundSubscription) -> Condition:
    condition = bound.arguments.shape
    assert isinstance(condition, All | AnyOf | Not | Comparison)
    return condition


def _seconds(test: Comparison) -> float:
    match test.operator:
        case Operator.MATCHES:
            return SEARCH_SECONDS
        case Operator.CONTAINS:
            return CONTAINS_SECONDS
        case _:
            return TEST_SECONDS


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _comparisons(part)
        case Not(test):
            yield test
        case Comparison():
            yield condition


def _walk_fields(plan: FieldPlan) -> Iterator[FieldPlan]:
    """Yield every field of the selection, at any depth."""
    for selection in plan.objects.values():
        for field in selection.fields:
            yield field
            yield from _walk_fields(field)
