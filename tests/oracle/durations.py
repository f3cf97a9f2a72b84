"""Durations in the format of arguments."""

from __future__ import annotations

import re

from .instants import BILLION

WRITTEN = re.compile(
    r"P(?=[0-9T])(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?"
)
SECONDS = (604_800, 86_400, 3_600, 60, 1)  # of a week, a day, an hour, a minute, a second


def read_duration(written: str) -> int:
    """Parse a duration to nanoseconds. Raises ValueError if it is invalid or zero."""
    found = WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError(f"no duration: {written!r}")
    parts = zip(found.groups(), SECONDS, strict=True)
    seconds = sum(int(count) * each for count, each in parts if count is not None)
    if seconds == 0:
        raise ValueError(f"lasts no time: {written!r}")
    return seconds * BILLION
