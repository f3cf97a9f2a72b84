"""Which outcomes are counted, and under which names."""

import pytest

from gqlnews.engine.requests import GraphQLResponse
from gqlnews.errors import Code
from gqlnews.server.observability.metrics import (
    MAX_NAME_LENGTH,
    MAX_NAMES,
    NO_NAME,
    OTHER,
    Metrics,
    OperationOutcome,
    outcome_of_response,
)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (GraphQLResponse(b"", has_data=True, is_clean=True), OperationOutcome.OK),
        (GraphQLResponse(b"", has_data=True), OperationOutcome.OK),  # one part of a response, or an event
        (GraphQLResponse(b"", has_data=True, codes=(Code.BAD_USER_INPUT,)), OperationOutcome.ERRORS),
        (GraphQLResponse(b"", has_data=True, codes=(Code.INTERNAL_ERROR,)), OperationOutcome.FAILED),
        (GraphQLResponse(b"", has_data=False, codes=(Code.TOO_COSTLY,)), OperationOutcome.REFUSED),
        (GraphQLResponse(b"", has_data=False, codes=(Code.INTERNAL_ERROR,)), OperationOutcome.FAILED),
    ],
)
def test_a_response_has_one_outcome(answer: GraphQLResponse, outcome: OperationOutcome) -> None:
    assert outcome_of_response(answer) is outcome


def test_names_past_the_limit_are_counted_as_other() -> None:
    metrics = Metrics()
    for number in range(MAX_NAMES + 7):
        metrics.record_operation(f"Name{number}", OperationOutcome.OK)
    assert len(metrics.outcome_counts) == MAX_NAMES + 2
    assert metrics.outcome_counts[OTHER] == [7, 0, 0, 0]


def test_an_operation_without_a_name_is_a_dash() -> None:
    metrics = Metrics()
    metrics.record_operation(None, OperationOutcome.ERRORS)
    assert metrics.outcome_counts[NO_NAME] == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("Refused", OperationOutcome.REFUSED), ("x" * (MAX_NAME_LENGTH + 1), OperationOutcome.OK)],
)
def test_rejected_operations_and_long_names_use_no_rows(name: str, outcome: OperationOutcome) -> None:
    metrics = Metrics()
    metrics.record_operation(name, outcome)
    assert set(metrics.outcome_counts) == {NO_NAME, OTHER}
    assert metrics.outcome_counts[OTHER][outcome] == 1


def test_a_rejection_of_a_known_name_is_counted_by_name() -> None:
    metrics = Metrics()
    metrics.record_operation("Front", OperationOutcome.OK)
    metrics.record_operation("Front", OperationOutcome.REFUSED)
    assert metrics.outcome_counts["Front"] == [1, 0, 1, 0]


def test_a_code_is_counted_once_per_response() -> None:
    metrics = Metrics()
    metrics.record_operation(None, OperationOutcome.REFUSED, (Code.BAD_PAGE, Code.BAD_PAGE))
    assert metrics.errors == {Code.BAD_PAGE: 1}


@pytest.mark.parametrize(("seconds", "place"), [(0.0, 0), (0.0001, 0), (0.00011, 1), (11.0, 15)])
def test_a_duration_is_counted_in_its_histogram_bucket(seconds: float, place: int) -> None:
    metrics = Metrics()
    metrics.observe_duration(seconds)
    assert metrics.bucket_counts.index(1) == place
