"""The printed tables of a run."""

from msgspec.structs import replace

from benchmarks.throughput.table import markdown
from tests.benchmarks.results import cold, result


def test_a_row_has_figures_and_ratios() -> None:
    found = result({"limit": [12_000], "gqlnews-cached": [6_000], "yoga": [1_000], "ordinary": [100]})
    rows = [line for line in markdown(found).splitlines() if line.startswith("| gqlnews")]
    assert rows[0] == "| gqlnews, response cache | 6,000 | 0.17 | 2.50 | 400 | 0.50 | 60.00 | 6.00 |"


def test_servers_that_did_not_run_are_not_compared() -> None:
    text = markdown(result({"gqlnews-cached": [6_000.0], "ordinary": [100.0]}))
    assert "× baseline" in text
    assert "× upper bound" not in text
    assert "× fastest peer" not in text


def test_cold_starts_show_the_worst_and_the_median_over_the_whole_turn() -> None:
    starts = [*cold("gqlnews-uncached", 600, 1_200, 900), *cold("yoga", 300, 240, 600)]
    found = replace(result({"gqlnews-uncached": [1_000.0], "yoga": [500.0]}), cold=starts)
    lines = markdown(found).splitlines()
    assert "**front: 3 cold starts, 32 connections**" in lines
    assert "| gqlnews, no caches | 500 | 750 | 2.50 | 3.00 |" in lines
