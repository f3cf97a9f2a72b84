"""The chart of a run."""

from xml.etree import ElementTree as ET

from benchmarks.throughput.plot import BAR_WIDTH, svg
from tests.benchmarks.results import result

RATES = {"limit": [8_000.0], "gqlnews-uncached": [2_000.0], "yoga": [1_000.0]}


def test_bars_are_as_long_as_the_figures_are_large() -> None:
    picture = ET.fromstring(svg(result(RATES)))  # noqa: S314 - ours
    bars = picture.iter("{http://www.w3.org/2000/svg}rect")
    assert [float(bar.attrib["width"]) for bar in bars] == [BAR_WIDTH, BAR_WIDTH / 4, BAR_WIDTH / 8]


def test_gqlnews_is_compared_to_the_fastest_peer() -> None:
    assert "2,000 · 2.0 × best peer" in svg(result(RATES))
