"""The sample's three years, counted in minutes from their first day; no clock and no time zone is read."""

from datetime import date, timedelta
from functools import cache

_FIRST_DAY = date(2023, 1, 1)
_DAYS = (date(2026, 1, 1) - _FIRST_DAY).days
_MINUTES_A_DAY = 1440

MINUTES = _DAYS * _MINUTES_A_DAY
"""How many minutes the three years have."""


@cache
def _days() -> tuple[str, ...]:
    return tuple((_FIRST_DAY + timedelta(days=day)).isoformat() for day in range(_DAYS))


def day_of(minute: int) -> str:
    """The date, `2024-05-17`."""
    return _days()[minute // _MINUTES_A_DAY]


def instant_of(minute: int) -> str:
    """The instant, `2024-05-17T09:41:00Z`."""
    hour, minute_of_hour = divmod(minute % _MINUTES_A_DAY, 60)
    return f"{day_of(minute)}T{hour:02}:{minute_of_hour:02}:00Z"
