"""Statement time of subscriptions: the budget per client, and an estimate before they run."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from math import inf

from gqlnews.errors import Code, ResourceLimitError
from gqlnews.query.conditions import All, AnyOf, Comparison, Condition, Not, Operator
from gqlnews.query.fields import (
    ChangeFeed,
    Connection,
    HistogramFacet,
    MoreLikeThis,
    NodeLookup,
    StatsFacet,
    TermsFacet,
)
from gqlnews.query.prepared import BoundSubscription
from gqlnews.query.tree import FieldPlan

# Per-client budget of statement time for one page of changes.
#
# The budget is in CPU time of the thread that runs the statements, so that a busy machine does not end
# subscriptions. The cost of a subscription that several clients share is split equally between them.

CLIENT_SECONDS = 0.25  # budget of one client
PAGE_SECONDS = 0.4  # for all clients together; above it, the budget of each client is MIN_SECONDS
MIN_SECONDS = 0.05
CATCH_UP_SECONDS = 0.125  # for a replayed page of one subscription

OVER_BUDGET = (
    "This subscription ended because the subscriptions of your address together exceeded their statement "
    "time for these changes. Resume with `since`: use fewer subscriptions, or simpler filters and selections."
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
        """Charge `seconds` to these clients, in equal parts."""
        self._total += seconds
        for client in clients:
            self._spent[client] += seconds / len(clients)

    def _remaining(self, client: str) -> float:
        spent = self._spent.get(client, 0.0)
        return min(CLIENT_SECONDS - spent, max(PAGE_SECONDS - self._total, MIN_SECONDS - spent))


# Estimate the statement time of a subscription before it runs.
#
# A light subscription reads only the changed articles and their related entries. A heavy one searches an
# index or reads a list, so its time grows with the size of the store.

BASE_SECONDS = 0.000_1  # per subscription
OPERATOR_SECONDS = {Operator.MATCHES: 0.001, Operator.CONTAINS: 0.000_02}  # per comparison in the filter
COMPARISON_SECONDS = 0.000_002  # per comparison with another operator
LIST_SECONDS = 0.001  # per selected field in GROWING
OBJECT_SECONDS = 0.000_005  # per object of one event
MAX_LIGHT_COST = 200  # maximum objects of one event of a light subscription

GROWING = Connection | TermsFacet | StatsFacet | HistogramFacet | MoreLikeThis | ChangeFeed | NodeLookup
"""Declarations of fields whose statement time grows with the size of the store."""


def expected_seconds(bound: BoundSubscription) -> float:
    """Estimate the seconds for one page of few changes; the filter runs before and after them."""
    filtering = 2 * sum(
        OPERATOR_SECONDS.get(comparison.operator, COMPARISON_SECONDS)
        for comparison in _comparisons(_condition(bound))
    )
    lists = sum(isinstance(field.declaration, GROWING) for field in _walk_fields(bound.field))
    return BASE_SECONDS + filtering + LIST_SECONDS * lists + OBJECT_SECONDS * bound.cost


def is_heavy(bound: BoundSubscription) -> bool:
    """Return whether the statement time grows with the store, or one event may have many objects."""
    searches = any(comparison.operator is Operator.MATCHES for comparison in _comparisons(_condition(bound)))
    reads_lists = any(isinstance(field.declaration, GROWING) for field in _walk_fields(bound.field))
    return searches or reads_lists or bound.cost > MAX_LIGHT_COST


def _condition(bound: BoundSubscription) -> Condition:
    condition = bound.arguments.shape
    assert isinstance(condition, All | AnyOf | Not | Comparison)
    return condition


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    """Yield every comparison of a condition, at any depth."""
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _comparisons(part)
        case Not(comparison):
            yield comparison
        case Comparison():
            yield condition


def _walk_fields(plan: FieldPlan) -> Iterator[FieldPlan]:
    """Yield every field of the selection, at any depth."""
    for selection in plan.objects.values():
        for field in selection.fields:
            yield field
            yield from _walk_fields(field)
