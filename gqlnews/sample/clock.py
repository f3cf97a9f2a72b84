"""Dates of the sample, as minutes of three fixed years; no clock and no time zone is read."""

from datetime import date, timedelta
from functools import cache

_FIRST_DAY = date(2023, 1, 1)
_DAYS = (date(2026, 1, 1) - _FIRST_DAY).days
_MINUTES_A_DAY = 1440

MINUTES = _DAYS * _MINUTES_A_DAY
"""Number of minutes in the three years."""


@cache
def _days() -> tuple[str, ...]:
    return tuple((_FIRST_DAY + timedelta(days=day)).isoformat() for day in range(_DAYS))


def day_of(minute: int) -> str:
    """Format the date, as `2024-05-17`."""
    return _days()[minute // _MINUTES_A_DAY]


def instant_of(minute: int) -> str:
    """Format the timestamp, as `2024-05-17T09:41:00Z`."""
    hour, minute_of_hour = divmod(minute % _MINUTES_A_DAY, 60)
    return f"{day_of(minute)}T{hour:02}:{minute_of_hour:02}:00Z"
