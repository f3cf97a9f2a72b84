"""Durations in the format of arguments."""

import pytest

from .durations import read_duration
from .instants import BILLION

READ = [
    ("P1D", 86_400),
    ("P1W", 604_800),
    ("PT90M", 5_400),
    ("PT0H1S", 1),
    ("P0W0DT1S", 1),
    ("P1W2DT3H4M5S", 788_645),
    ("P01D", 86_400),
]
NONE = ["", "P", "PT", "P1DT", "P0D", "P1Y", "P1M", "P1.5D", "P1,5D", "-P1D", "P-1D", "p1d", "1D", "PT1S1M"]


@pytest.mark.parametrize(("written", "seconds"), READ)
def test_duration_in_seconds(written: str, seconds: int) -> None:
    assert read_duration(written) == seconds * BILLION


@pytest.mark.parametrize("written", [*NONE, "P\u0661D", "P1D ", "P1D\n"])
def test_invalid_durations_raise_value_error(written: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_duration(written)
