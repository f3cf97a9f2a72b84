"""Parse and format timestamps and durations.

Timestamps are in UTC, in the years 1 to 9999, without leap seconds. Fractions of a second are processed as
text, because they have up to nine digits and a datetime has only six.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_TIMESTAMP = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(?:(:[0-9]{2})(\.[0-9]{1,9})?)?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))?)?"
)
_DURATION = re.compile(
    r"P(?=[0-9T])(?:([0-9]{1,18})W)?(?:([0-9]{1,18})D)?"
    r"(?:T(?=[0-9])(?:([0-9]{1,18})H)?(?:([0-9]{1,18})M)?(?:([0-9]{1,18})S)?)?"
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # every datetime here is naive and means UTC
_BILLION = 1_000_000_000
_NS_PER_MS = 1_000_000
_FIRST_SECOND = int(datetime(1, 1, 1, tzinfo=UTC).timestamp())
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


class Instant(NamedTuple):
    """Timestamp: `text` as served (`2021-04-15T13:00:00.50Z`), `key` to sort by (`2021-04-15T13:00:00.5`)."""

    key: str
    text: str


def parse_instant(text: str) -> Instant | None:
    """Parse a timestamp; return None if `text` is not one.

    Accepts RFC 3339, with up to nine fractional digits. Also accepts a time without seconds, a date without a
    time (which means 00:00), a space instead of the `T`, and no offset (which means UTC).
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        return None
    date, hour_minute, second_part, fraction, sign, offset_hours, offset_minutes = match.groups()
    whole = f"{date}T{hour_minute or '00:00'}{second_part or ':00'}"
    try:
        parsed = datetime.fromisoformat(whole)
        if sign is not None:
            offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
            parsed = parsed - offset if sign == "+" else parsed + offset
            whole = parsed.isoformat(timespec="seconds")
    except (ValueError, OverflowError):  # no such day, or outside the years 1 to 9999
        return None
    if fraction is None:
        return Instant(whole, f"{whole}Z")
    return Instant((whole + fraction).rstrip("0").rstrip("."), f"{whole}{fraction}Z")


def to_epoch_seconds(key: str) -> float:
    """Convert a sort key to seconds since the Unix epoch, in double precision."""
    whole, _, fraction = key.partition(".")
    elapsed = datetime.fromisoformat(whole) - _EPOCH
    return elapsed.days * 86_400 + elapsed.seconds + float(f"0.{fraction or 0}")


def to_epoch_ns(key: str) -> int:
    """Convert a sort key to nanoseconds since the Unix epoch."""
    whole, _, fraction = key.partition(".")
    elapsed = datetime.fromisoformat(whole) - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * _BILLION + int(fraction.ljust(9, "0"))


def sort_key_before(now_ns: int, seconds: int) -> str:
    """Return the sort key of `seconds` before `now_ns`, clamped to the earliest supported timestamp."""
    return from_epoch_ns(max(now_ns - seconds * _BILLION, _FIRST_SECOND * _BILLION)).key


def parse_duration(text: str) -> int | None:
    """Parse an ISO 8601 duration of weeks, days, hours, minutes and seconds into seconds.

    Only integers are accepted. Returns None for any other text and for a duration of zero.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds or None


def from_epoch_ns(epoch_ns: int) -> Instant:
    """Convert nanoseconds since the Unix epoch to a timestamp, clamped to the years 1 to 9999."""
    seconds, nanoseconds = divmod(epoch_ns, _BILLION)
    clamped = min(max(seconds, _FIRST_SECOND), _LAST_SECOND)
    whole = (_EPOCH + timedelta(seconds=clamped)).isoformat(timespec="seconds")
    digits = f"{nanoseconds:09d}".rstrip("0")
    key = f"{whole}.{digits}" if digits else whole
    return Instant(key, f"{key}Z")


def from_epoch_ns_to_ms(epoch_ns: int) -> Instant:
    """Convert nanoseconds since the Unix epoch to a timestamp, rounded down to milliseconds.

    For clock times that clients see: JavaScript's `Date` has no more digits, so a client that parses an
    answer and filters by the result would otherwise miss the row that it came from.
    """
    return from_epoch_ns(epoch_ns - epoch_ns % _NS_PER_MS)
