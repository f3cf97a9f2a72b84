"""Which outcomes are counted, and under which names."""

import pytest

from gqlnews.engine.requests import GraphQLResponse
from gqlnews.errors import Code
from gqlnews.server.observability.metrics import (
    LONGEST_NAME,
    MAX_NAMES,
    NO_NAME,
    OTHER,
    Metrics,
    OperationOutcome,
    outcome_of,
)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (GraphQLResponse(b"", ok=True, is_clean=True), OperationOutcome.OK),
        (GraphQLResponse(b"", ok=True), OperationOutcome.OK),  # one part of a response, or an event
        (GraphQLResponse(b"", ok=True, codes=(Code.BAD_USER_INPUT,)), OperationOutcome.ERRORS),
        (GraphQLResponse(b"", ok=True, codes=(Code.INTERNAL_ERROR,)), OperationOutcome.FAILED),
        (GraphQLResponse(b"", ok=False, codes=(Code.TOO_COSTLY,)), OperationOutcome.REFUSED),
        (GraphQLResponse(b"", ok=False, codes=(Code.INTERNAL_ERROR,)), OperationOutcome.FAILED),
    ],
)
def test_an_answer_has_one_outcome(answer: GraphQLResponse, outcome: OperationOutcome) -> None:
    assert outcome_of(answer) is outcome


def test_names_past_the_first_are_others() -> None:
    metrics = Metrics()
    for number in range(MAX_NAMES + 7):
        metrics.ended(f"Name{number}", OperationOutcome.OK)
    assert len(metrics.rows) == MAX_NAMES + 2
    assert metrics.rows[OTHER] == [7, 0, 0, 0]


def test_an_operation_without_a_name_is_a_dash() -> None:
    metrics = Metrics()
    metrics.ended(None, OperationOutcome.ERRORS)
    assert metrics.rows[NO_NAME] == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("Refused", OperationOutcome.REFUSED), ("x" * (LONGEST_NAME + 1), OperationOutcome.OK)],
)
def test_what_is_refused_or_long_takes_no_place_from_others(name: str, outcome: OperationOutcome) -> None:
    metrics = Metrics()
    metrics.ended(name, outcome)
    assert set(metrics.rows) == {NO_NAME, OTHER}
    assert metrics.rows[OTHER][outcome] == 1


def test_a_name_that_is_served_is_refused_by_its_name() -> None:
    metrics = Metrics()
    metrics.ended("Front", OperationOutcome.OK)
    metrics.ended("Front", OperationOutcome.REFUSED)
    assert metrics.rows["Front"] == [1, 0, 1, 0]


def test_a_code_is_counted_once_an_answer() -> None:
    metrics = Metrics()
    metrics.ended(None, OperationOutcome.REFUSED, (Code.BAD_PAGE, Code.BAD_PAGE))
    assert metrics.errors == {Code.BAD_PAGE: 1}


@pytest.mark.parametrize(("seconds", "place"), [(0.0, 0), (0.0001, 0), (0.00011, 1), (11.0, 15)])
def test_a_time_is_counted_by_the_bound_that_it_stays_within(seconds: float, place: int) -> None:
    metrics = Metrics()
    metrics.timed(seconds)
    assert metrics.took.index(1) == place
