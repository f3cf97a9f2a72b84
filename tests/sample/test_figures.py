"""The distributions: tables that are read at a quantile."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gqlnews.sample.figures import Quantiles, build_weights, happens

HEIGHTS = Quantiles((0.0, 0.5, 1.0), (0, 10, 110))


@pytest.mark.parametrize(("share", "height"), [(0.0, 0), (0.25, 5), (0.5, 10), (0.75, 60), (0.999, 110)])
def test_a_quantile_is_interpolated_between_its_neighbours(share: float, height: int) -> None:
    assert HEIGHTS.at(share) == height


@pytest.mark.parametrize(("share", "value"), [(0.0, 7), (0.24, 7), (0.25, 8), (0.99, 8)])
def test_a_value_is_drawn_in_proportion_to_its_weight(share: float, value: int) -> None:
    assert build_weights([(7, 1), (8, 3)]).at(share) == value


@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_quantiles_are_ascending(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert HEIGHTS.at(low) <= HEIGHTS.at(high)


def test_happens_is_true_for_the_share_of_calls() -> None:
    rng = Random(1)  # noqa: S311 - repeatable on purpose
    assert sum(happens(rng, 0.3) for _ in range(10_000)) == pytest.approx(3_000, rel=0.05)
