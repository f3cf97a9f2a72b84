"""Figures derived from the turns of a run."""

from tests.benchmarks.results import result


def test_a_ratio_is_of_the_best_rounds() -> None:
    """Other load on the machine slowed each of them down in some rounds."""
    found = result({"gqlnews-cached": [300, 150, 290], "ordinary": [20, 95, 100]})
    assert found.ratio("gqlnews-cached", "ordinary", "front", 1) == 3


def test_the_fastest_server_is_one_that_ran() -> None:
    found = result({"ordinary": [900.0], "yoga": [100.0], "mercurius": [200.0]})
    assert found.fastest(["yoga", "mercurius", "mercurius-dataloader"], "front", 32) == "mercurius"
    assert found.fastest(["mercurius-dataloader"], "front", 32) is None
