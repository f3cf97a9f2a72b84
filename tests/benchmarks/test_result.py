"""What follows from the turns of a run."""

from tests.benchmarks.results import result


def test_a_ratio_compares_within_each_round() -> None:
    """The machine was twice as fast in the second round, and both were: that changes no ratio."""
    found = result({"gqlnews-cached": [300, 600, 300], "ordinary": [100, 200, 100]})
    assert found.ratio("gqlnews-cached", "ordinary", "front", 32) == 3


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    found = result({"gqlnews-cached": [200, 900, 300], "ordinary": [100, 100, 100]})
    assert found.ratio("gqlnews-cached", "ordinary", "front", 1) == 3


def test_the_fastest_is_one_that_ran() -> None:
    found = result({"ordinary": [900.0], "yoga": [100.0], "mercurius": [200.0]})
    assert found.fastest(["yoga", "mercurius", "mercurius-dataloader"], "front", 32) == "mercurius"
    assert found.fastest(["mercurius-dataloader"], "front", 32) is None
