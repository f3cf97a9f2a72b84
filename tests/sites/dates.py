"""The lenient grammar of dates: no form that could mean two things is guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?"
ZONE = r"(?:\s*(?P<zone>[Zz]|UTC|GMT|[+-]\d{2}:?\d{2}))?"
NUMBERS = re.compile(
    rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}})[-/](?P<day>\d{{1,2}})(?:(?:[Tt]|\s+){TIME}{ZONE})?"
)
WORDS = re.compile(
    r"(?:[A-Za-z]+,?\s+)??(?:(?P<name>[A-Za-z]{3,9})\.?\s+(?P<day>\d{1,2})|(?P<day2>\d{1,2})\s+(?P<name2>[A-Za-z]{3,9})\.?)"
    rf",?\s+(?P<year>\d{{4}})(?:,?\s+{TIME}{ZONE})?"
)
NAMES = "january february march april may june july august september october november december"
TWO_MEANINGS = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{4}\b.*")
FILE_NAME = re.compile(r"(\d{4}-\d{1,2}-\d{1,2})(?:[-_ ]|$)")
FOLDERS = re.compile(r"(?:^|/)(\d{4})/(\d{1,2})/(\d{1,2})(?:/|$)")


class DateError(Exception):
    """Not a date. Its argument is the problem code."""


@dataclass(frozen=True)
class When:
    """An instant: `local` in the offset written, or else the site's; `fraction` has the digits as written."""

    local: datetime
    fraction: str

    @property
    def text(self) -> str:
        utc = self.local.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(timespec="seconds") + self.fraction + "Z"


def read_date(text: str, zone: tzinfo) -> When:
    """Return the instant. Raises DateError with `bad-date` or `ambiguous-date`."""
    text = text.strip()
    found = NUMBERS.fullmatch(text) or WORDS.fullmatch(text)
    if found is None:
        both = TWO_MEANINGS.fullmatch(text)
        either = both is not None and 0 < int(both[1]) <= 12 and 0 < int(both[2]) <= 12 and both[1] != both[2]
        raise DateError("ambiguous-date" if either else "bad-date")
    part = found.groupdict()
    day = int(part.get("day") or part["day2"])
    try:
        month = int(part["month"]) if part.get("month") else month_number(part.get("name") or part["name2"])
        clock = [int(part[name] or 0) for name in ("hour", "minute", "second")]
        offset = zone_of(part["zone"]) or zone
        local = datetime(int(part["year"]), month, day, clock[0], clock[1], clock[2], tzinfo=offset)
        local.astimezone(UTC)  # raises outside the years 1 to 9999
    except (ValueError, OverflowError) as error:
        raise DateError("bad-date") from error
    return When(local, part["fraction"] or "")


def month_number(name: str) -> int:
    """Return 1 to 12 for an English month, whole or abbreviated. Raises ValueError."""
    months = [number for number, month in enumerate(NAMES.split(), 1) if month.startswith(name.lower())]
    if len(months) != 1:
        raise ValueError(name)
    return months[0]


def zone_of(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def date_in_path(path: str, own: str | None, zone: tzinfo) -> When | None:
    """Return the date in a file's name, or else in its own address, or else in the names of its folders.

    `path` has no extension, so that of a page bundle ends in `/index`. Year and month alone are no date.
    """
    name = path.rsplit("/", 1)[-1]
    if found := FILE_NAME.match(name):
        return in_name(found[1], zone)
    if own and (found := FOLDERS.search(own)):
        return in_name("-".join(found.groups()), zone)
    if found := FOLDERS.search(path):
        return in_name("-".join(found.groups()), zone)
    for folder in reversed(path.split("/")[:-1]):
        if found := FILE_NAME.match(folder):
            return in_name(found[1], zone)
    return None


def in_name(text: str, zone: tzinfo) -> When | None:
    """Return the date, or None if there is no such day: then it is only a name."""
    try:
        return read_date(text, zone)
    except DateError:
        return None
