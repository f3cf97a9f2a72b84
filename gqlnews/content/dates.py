"""Parse the dates of mapped files: one explicit grammar, which never guesses.

    date    2021-04-15 · 2021-4-5 · 2021/04/15 · April 15, 2021 · 15 April 2021 · 15/04/2021
    time    13:00 · 9:05:30 · 13:00:00.25 · 1:00 pm, after a space or a `T`
    zone    Z · UTC · GMT · +02:00 · +0200 · +02, after an optional space

English names of months may be abbreviated, and the name of a weekday may come first. A date of three numbers
that ends with the year is one only if the order of day and month does not matter. What has no zone is in the
zone of the site.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from gqlnews.timestamps import Instant, parse_instant

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
_MONTH_NUMBERS = {
    name[:length]: number for number, name in enumerate(_MONTHS, 1) for length in (3, len(name))
}
_MONTH_NUMBERS["sept"] = 9

_MAX_LENGTH = 64  # characters of a date
_SECONDS = len("2021-04-15T13:00:00")
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_NAME = r"(?P<name>[a-z]{3,9})\.?"
_DAY = r"(?P<day>\d{1,2})"
_YEAR = r"(?P<year>\d{4})"
_DATES = (
    rf"{_YEAR}(?P<mark>[-/])(?P<month>\d{{1,2}})(?P=mark){_DAY}",
    rf"{_NAME}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}",
    rf"{_DAY}(?:st|nd|rd|th)?[\s-]{_NAME},?[\s-]{_YEAR}",
    rf"(?P<one>\d{{1,2}})/(?P<other>\d{{1,2}})/{_YEAR}",
)
_TIME = (
    r"(?:(?:t|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?"
    r"(?:\s*(?P<half>[ap])\.?m\.?)?"
    r"(?:\s*(?:(?P<utc>z|utc|gmt)|(?P<sign>[+-])(?P<hours>\d{2}|\d(?=:))(?::?(?P<minutes>\d{2}))?))?)?"
)
_PATTERNS = tuple(re.compile(_WEEKDAY + each + _TIME, re.IGNORECASE | re.ASCII) for each in _DATES)


class WrittenDate(NamedTuple):
    """Date as an instant, and as the wall clock shows it in the zone that it was written in."""

    instant: Instant
    local: datetime


class DateFault(Enum):
    """Why a text is not a date."""

    UNKNOWN = "is not a date"
    AMBIGUOUS = "means two dates"


def parse_date(text: str, zone: tzinfo) -> WrittenDate | DateFault:
    """Parse a date; without a zone of its own, it is in `zone`."""
    text = text.strip()
    return _parse(text, zone) if len(text) <= _MAX_LENGTH else DateFault.UNKNOWN


@lru_cache(64)  # several fields of an article read the same date
def _parse(text: str, zone: tzinfo) -> WrittenDate | DateFault:
    if text.endswith("Z") and (instant := parse_instant(text)) is not None:  # quick, and what tools write
        return WrittenDate(instant, datetime.fromisoformat(instant.text[:_SECONDS]).replace(tzinfo=UTC))
    for pattern in _PATTERNS:
        if (match := pattern.fullmatch(text)) is not None:
            return _from_parts(match.groupdict(), zone)
    return DateFault.UNKNOWN


def from_day(year: int, month: int, day: int, zone: tzinfo) -> WrittenDate | None:
    """Return the midnight of a day in `zone`; None if there is no such day."""
    parsed = parse_date(f"{year:04}-{month:02}-{day:02}", zone)
    return parsed if isinstance(parsed, WrittenDate) else None


def _from_parts(parts: dict[str, str | None], zone: tzinfo) -> WrittenDate | DateFault:
    days = _possible_days(parts)
    if len(days) != 1:
        return DateFault.AMBIGUOUS if days else DateFault.UNKNOWN
    hour = _hour(parts)
    if hour is None:
        return DateFault.UNKNOWN
    whole = f"{days.pop().isoformat()}T{hour:02}:{parts['minute'] or '00'}:{parts['second'] or '00'}"
    try:
        local = datetime.fromisoformat(whole)
        offset = _offset(parts, local, zone)
    except (ValueError, OverflowError):
        return DateFault.UNKNOWN
    sign, seconds = "-" if offset < timedelta(0) else "+", abs(offset).total_seconds()
    minutes = round(seconds / 60)  # before standard time, zones have offsets with seconds
    instant = parse_instant(f"{whole}{parts['fraction'] or ''}{sign}{minutes // 60:02}:{minutes % 60:02}")
    if instant is None:  # outside the years 1 to 9999
        return DateFault.UNKNOWN
    return WrittenDate(instant, local.replace(tzinfo=timezone(offset)))


def _possible_days(parts: dict[str, str | None]) -> set[date]:
    """Return the days that the numbers may mean: more than one if the order of day and month matters."""
    year = int(parts["year"] or 0)
    if parts.get("one") is not None:
        one, other = int(parts["one"] or 0), int(parts["other"] or 0)
        pairs = {(one, other), (other, one)}
    elif parts.get("name") is not None:
        pairs = {(_MONTH_NUMBERS.get((parts["name"] or "").lower(), 0), int(parts["day"] or 0))}
    else:
        pairs = {(int(parts["month"] or 0), int(parts["day"] or 0))}
    return {day for month, number in pairs if (day := _day(year, month, number)) is not None}


def _day(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _hour(parts: dict[str, str | None]) -> int | None:
    """Return the hour from 0 to 23; None if a twelve-hour clock has no such hour."""
    hour = int(parts["hour"] or 0)
    if parts["half"] is None:
        return hour
    if not 1 <= hour <= 12:  # noqa: PLR2004
        return None
    return hour % 12 + (12 if (parts["half"] or "").lower() == "p" else 0)


def _offset(parts: dict[str, str | None], local: datetime, zone: tzinfo) -> timedelta:
    if parts["sign"] is not None:
        hours, minutes = int(parts["hours"] or 0), int(parts["minutes"] or 0)
        if hours > 23 or minutes > 59:  # noqa: PLR2004
            raise ValueError
        offset = timedelta(hours=hours, minutes=minutes)
        return offset if parts["sign"] == "+" else -offset
    return timedelta(0) if parts["utc"] is not None else zone.utcoffset(local) or timedelta(0)


# Dates in file names and paths.

_NAME_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?=$|[-_. ])[-_. ]*", re.ASCII)
_PATH_DATE = re.compile(r"(?:^|/)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?=$|[-_/])", re.ASCII)


class DatedName(NamedTuple):
    """File name in two parts: the day at its beginning, if it begins with one, and the rest."""

    day: tuple[int, int, int] | None
    rest: str


@lru_cache(64)
def split_name(name: str) -> DatedName:
    """Split the day off the beginning of a file name: `2021-04-15-launch`."""
    match = _NAME_DATE.match(name)
    if match is None:
        return DatedName(None, name)
    year, month, number = (int(part) for part in match.groups())
    if _day(year, month, number) is None:
        return DatedName(None, name)
    return DatedName((year, month, number), name[match.end() :])


def date_in_path(path: str, zone: tzinfo) -> WrittenDate | None:
    """Return the day in a path such as `2021/04/15/launch` or `2021-04-15-launch/index`."""
    match = _PATH_DATE.search(path)
    return None if match is None else from_day(int(match[1]), int(match[2]), int(match[3]), zone)
