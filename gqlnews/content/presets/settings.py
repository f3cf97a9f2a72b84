"""Typed access to the values of a site's configuration, and the problems found in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gqlnews.content.presets.permalinks import unknown_placeholders
from gqlnews.content.presets.site import DEFAULT_ZONE
from gqlnews.errors import shorten

_MAX_QUOTED = 60  # characters of a value in a message


@dataclass(slots=True)
class ConfigProblem:
    """Problem of a configuration; `value` is the text that it is about."""

    value: str
    message: str


@dataclass(slots=True)
class SiteSettings:
    """Configuration, or a table of it; a value of another type counts as missing."""

    values: Mapping[str, Any]
    problems: list[ConfigProblem] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def get(self, key: str) -> Any:
        """Return a value of any type; None if it is missing."""
        return self.values.get(key)

    def text(self, key: str) -> str | None:
        """Return a text without surrounding white space; None if it is missing or blank."""
        value = self.values.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        return value.strip() or None if isinstance(value, str) else None

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.values.get(key)
        return value if isinstance(value, bool) else default

    def table(self, key: str) -> "SiteSettings":
        """Return a table, which is empty if it is missing."""
        value = self.values.get(key)
        return SiteSettings(value if isinstance(value, Mapping) else {}, self.problems)

    def tables(self, key: str) -> list["SiteSettings"]:
        """Return the tables of a list."""
        value = self.values.get(key)
        items = value if isinstance(value, list) else []
        return [SiteSettings(item, self.problems) for item in items if isinstance(item, Mapping)]

    def pattern(self, key: str) -> str | None:
        """Return a permalink pattern; None if it is missing or, after a report, not known."""
        pattern = self.text(key)
        unknown = unknown_placeholders(pattern) if pattern is not None else []
        if pattern is None or not unknown:
            return pattern
        quoted = shorten(pattern, _MAX_QUOTED)
        message = f"`{quoted}` contains the unknown placeholder {unknown[0]}: the default address is used."
        self.problems.append(ConfigProblem(pattern, message))
        return None

    def time_zone(self, key: str) -> str:
        """Return the name of a time zone; UTC if it is missing or unknown, which is reported."""
        name = self.text(key)
        if name is None or is_time_zone(name):
            return name or DEFAULT_ZONE
        message = f"`{shorten(name, _MAX_QUOTED)}` is not a known time zone: dates without a zone are in UTC."
        self.problems.append(ConfigProblem(name, message))
        return DEFAULT_ZONE

    def lower(self) -> "SiteSettings":
        """Return a copy with all keys in lower case, in nested tables too."""
        return SiteSettings(_lower(self.values), self.problems)


def is_time_zone(name: str) -> bool:
    """Return whether the name is that of a time zone, such as `Europe/Berlin`."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _lower(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key).lower(): _lower(each) for key, each in value.items()}
    return [_lower(each) for each in value] if isinstance(value, list) else value
