"""Estimate the statement time of a subscription before it runs.

Light subscriptions read only the changed articles and what these list. Heavy ones search an index or scan a
list, so their time grows with the store.
"""

from collections.abc import Iterator

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
    judging = 2 * sum(_seconds(test) for test in _tests(_condition(bound)))
    lists = sum(isinstance(field.declaration, GROWING) for field in _below(bound.field))
    return BASE_SECONDS + judging + LIST_SECONDS * lists + OBJECT_SECONDS * bound.cost


def is_heavy(bound: BoundSubscription) -> bool:
    """Return whether the time grows with the store, or one event has very many objects."""
    searches = any(test.operator is Operator.MATCHES for test in _tests(_condition(bound)))
    walks = any(isinstance(field.declaration, GROWING) for field in _below(bound.field))
    return searches or walks or bound.cost > LIGHT_COST


def _condition(bound: BoundSubscription) -> Condition:
    condition = bound.inputs.shape
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


def _tests(condition: Condition) -> Iterator[Comparison]:
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from _tests(part)
        case Not(test):
            yield test
        case Comparison():
            yield condition


def _below(plan: FieldPlan) -> Iterator[FieldPlan]:
    """Yield every field of the selection, at any depth."""
    for selection in plan.objects.values():
        for field in selection.fields:
            yield field
            yield from _below(field)
