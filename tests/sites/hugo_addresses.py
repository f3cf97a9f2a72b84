"""Addresses of Hugo: `[permalinks]` in its forms, ugly URLs, languages, and the cleaning of paths."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from .configuration import Configuration, default_language, text_of
from .dates import When
from .places import Place

PLACEHOLDER = re.compile(r":(\w+)(\[[^\]]*\])?")


class UnknownPlaceholderError(Exception):
    """A pattern of the configuration has a placeholder that Hugo does not know."""


def hugo_address(config: Configuration, place: Place, keys: dict[str, Any], when: When, title: str) -> str:
    parts = place.below.split("/")
    is_bundle = parts[-1] == "index" and len(parts) > 1
    name = parts[-2] if is_bundle else parts[-1]
    folders = parts[:-2] if is_bundle else parts[:-1]
    slug = text_of(keys.get("slug"))
    pattern = pattern_of(config.settings, folders[0] if folders else "/")
    path = "/".join([*folders, slug or name])
    if pattern:
        with suppress(UnknownPlaceholderError):  # a problem of the configuration: the default address is used
            path = expand(pattern, folders, name, slug, when, title, config)
    path = clean(path.strip("/"), config)
    ending = ".html" if is_ugly(config.settings, folders[0] if folders else "") else "/"
    return quote(f"{language_prefix(config, place.language)}/{path}{ending}", safe="/%+~@!$&'()*,;=:")


def pattern_of(settings: dict[str, Any], section: str) -> str | None:
    """Read `posts = "…"` of the old form, `page.posts = "…"` of the new one."""
    permalinks = settings.get("permalinks") or {}
    by_kind = permalinks.get("page")
    patterns = {**permalinks, **by_kind} if isinstance(by_kind, dict) else permalinks
    return text_of(patterns.get(section.lower()))


def bad_patterns(settings: dict[str, Any]) -> list[str]:
    """Return the patterns with a placeholder that Hugo does not know."""
    permalinks = settings.get("permalinks") or {}
    by_kind = permalinks.get("page")
    patterns = {**permalinks, **by_kind} if isinstance(by_kind, dict) else permalinks
    texts = [pattern for pattern in patterns.values() if isinstance(pattern, str)]
    return [
        text for text in texts if any(found[1] not in KNOWN.split() for found in PLACEHOLDER.finditer(text))
    ]


KNOWN = (
    "year month monthname day weekday weekdayname yearday section sections title slug slugorfilename "
    "filename contentbasename slugorcontentbasename"
)


def expand(
    pattern: str,
    folders: list[str],
    name: str,
    slug: str | None,
    when: When,
    title: str,
    config: Configuration,
) -> str:
    """Replace the placeholders. The day is that of the date as written, with its own offset."""
    local = when.local
    values = {
        "year": f"{local:%Y}",
        "month": f"{local:%m}",
        "monthname": f"{local:%B}",
        "day": f"{local:%d}",
        "weekday": f"{local:%w}",
        "weekdayname": f"{local:%A}",
        "yearday": str(int(f"{local:%j}")),
        "section": folders[0] if folders else "",
        "sections": "/".join(folders),
        "title": clean(title, config),
        "slug": clean(slug or title, config),
        "slugorfilename": clean(slug or name, config),
        "filename": clean(name, config),
        "contentbasename": clean(name, config),
        "slugorcontentbasename": clean(slug or name, config),
    }

    def replace(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise UnknownPlaceholderError(found[0])
        return "/".join(part_of(folders, found[2])) if found[2] else values[found[1]]

    return PLACEHOLDER.sub(replace, pattern)


def part_of(folders: list[str], cut: str) -> list[str]:
    """Return `[1]`, `[last]`, `[1:]` or `[:last]` of the sections."""
    low, colon, high = cut[1:-1].partition(":")
    first = len(folders) - 1 if low == "last" else int(low or 0)
    if not colon:
        return folders[first : first + 1]
    return folders[first : len(folders) - 1 if high == "last" else int(high or len(folders))]


def clean(path: str, config: Configuration) -> str:
    """Keep letters, marks, digits and a few signs; spaces become one hyphen, all else goes; lower case."""
    kept: list[str] = []
    pending = False
    for letter in path:
        if letter in "./\\_#+~-@%" or unicodedata.category(letter)[0] in "LM" or letter.isdigit():
            if pending and letter != "-":
                kept.append("-")
            pending = False
            kept.append(letter)
        elif letter.isspace() and kept and kept[-1] != "-":
            pending = True
    text = "".join(kept)
    return text if config.settings.get("disablepathtolower") == "true" else text.lower()


def is_ugly(settings: dict[str, Any], section: str) -> bool:
    ugly = settings.get("uglyurls")
    return (ugly.get(section.lower()) if isinstance(ugly, dict) else ugly) == "true"


def language_prefix(config: Configuration, language: str | None) -> str:
    """Return the folder of a language; the default one has one only where the configuration says so."""
    languages = config.settings.get("languages") or {}
    if language is None or language not in {code.lower() for code in languages}:
        return ""
    in_folder = config.settings.get("defaultcontentlanguageinsubdir") == "true"
    return f"/{language}" if language != default_language(config.settings) or in_folder else ""
