"""Instants as text: what a file or an argument writes, what is served, and what orders.

A calendar of years 1 to 9999 in UTC, without leap seconds. Sub-second digits are text throughout, so that
all nine are kept.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_WRITTEN = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(?:(:[0-9]{2})(\.[0-9]{1,9})?)?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))?)?"
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # every datetime here is naive and means UTC
_BILLION = 1_000_000_000
_FIRST_SECOND = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


class Instant(NamedTuple):
    """`text` as served (`2021-04-15T13:00:00.50Z`), `key` as it orders (`2021-04-15T13:00:00.5`)."""

    key: str
    text: str


def parse_instant(text: str) -> Instant | None:
    """The instant that `text` writes, None where it writes none.

    RFC 3339, or without seconds, or the date alone (00:00), or a space for the `T`; no offset means UTC.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        return None
    date, minutes, seconds, fraction, sign, hours_off, minutes_off = written.groups()
    whole = f"{date}T{minutes or '00:00'}{seconds or ':00'}"
    try:
        moment = datetime.fromisoformat(whole)
        if sign is not None:
            offset = timedelta(hours=int(hours_off), minutes=int(minutes_off))
            moment = moment - offset if sign == "+" else moment + offset
            whole = moment.isoformat(timespec="seconds")
    except (ValueError, OverflowError):  # no such day, or outside the years 1 to 9999
        return None
    if fraction is None:
        return Instant(whole, f"{whole}Z")
    return Instant((whole + fraction).rstrip("0").rstrip("."), f"{whole}{fraction}Z")


def instant_of_ns(mtime_ns: int) -> str:
    """A file time, nanoseconds since 1970, as served; held within the years 1 to 9999."""
    seconds, nanoseconds = divmod(mtime_ns, _BILLION)
    inside = min(max(seconds, _FIRST_SECOND), _LAST_SECOND)
    whole = (_EPOCH + timedelta(seconds=inside)).isoformat(timespec="seconds")
    digits = f"{nanoseconds:09d}".rstrip("0")
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"
