"""What a run prints."""

from benchmarks.throughput.table import markdown
from tests.benchmarks.results import result


def test_a_row_has_the_figures_and_the_ratios() -> None:
    found = result({"limit": [12_000], "gqlnews-cached": [6_000], "yoga": [1_000], "ordinary": [100]})
    rows = [line for line in markdown(found).splitlines() if line.startswith("| gqlnews")]
    assert rows[0] == "| gqlnews, answers kept | 6,000 | 0.17 | 2.50 | 400 | 0.50 | 60.00 | 6.00 |"


def test_nothing_is_compared_with_what_did_not_run() -> None:
    text = markdown(result({"gqlnews-cached": [6_000.0], "ordinary": [100.0]}))
    assert "× ordinary" in text
    assert "× limit" not in text
    assert "× fastest peer" not in text
