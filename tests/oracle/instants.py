"""Dates in the formats of content files."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

WRITTEN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:\d\d)?)?",
    re.ASCII,
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLION, BILLION = 1_000_000, 1_000_000_000


class Instant(NamedTuple):
    """`nanoseconds` since 1970 in UTC, which determine the order, and the `text` in responses."""

    nanoseconds: int
    text: str


def read_instant(written: str) -> Instant:
    """Parse a date. Raises ValueError if it is invalid or outside the years 1 to 9999."""
    found = WRITTEN.fullmatch(written)
    if found is None:
        raise ValueError(f"no date: {written!r}")
    year, month, day, hour, minute, second, digits, offset = found.groups()
    clock = f"{hour or '00'}:{minute or '00'}:{second or '00'}"
    local = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}").replace(tzinfo=zone(offset))
    try:
        moment = local.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"outside the years 1 to 9999: {written!r}") from error
    whole = (moment - EPOCH) // timedelta(seconds=1)
    return Instant(whole * BILLION + int((digits or "").ljust(9, "0")), text_of(moment, digits or ""))


def text_of(moment: datetime, digits: str = "") -> str:
    """Format the instant as in responses, with these sub-second digits."""
    fraction = f".{digits}" if digits else ""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + fraction + "Z"


def of_nanoseconds(nanoseconds: int) -> Instant:
    """Convert clock time to whole milliseconds, rounded down, with as many digits as it needs."""
    milliseconds = nanoseconds // MILLION
    seconds, fraction = divmod(milliseconds, 1_000)
    digits = f"{fraction:03}".rstrip("0")
    return Instant(milliseconds * MILLION, text_of(EPOCH + timedelta(seconds=seconds), digits))


def zone(offset: str | None) -> timezone:
    """Parse the offset `+02:00`, `Z` or None. Raises ValueError for minutes over 59 or hours over 23."""
    if offset is None or offset in "Zz":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:])
    if hours > 23 or minutes > 59:
        raise ValueError(f"no offset: {offset!r}")
    away = timedelta(hours=hours, minutes=minutes)
    return timezone(-away if offset[0] == "-" else away)
