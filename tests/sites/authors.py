"""Authors of a site: bylines in front matter, and data files about authors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .configuration import read_static, text_of
from .fields import at, decoded
from .topics import topic_slug

KEYS = ("authors", "author", "params.author", "extra.author")
FILES = ("authors.yml", "_data/authors.yml", "data/authors/*", "blog/authors.yml")
DIVIDER = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*")
NAME = re.compile(r"[^\W\d_a-z][^\W\d_]+(?: [^\W\d_a-z][\w.'-]*)+")  # words that begin with capitals

Byline = tuple[str, ...]


def byline(keys: Mapping[str, Any], names: Iterable[str] = KEYS) -> Byline | None:
    """Return the names of the first key that is not empty; None if what they divide into is left open."""
    value: Any = next((found for key in names if (found := at(dict(keys), key))), [])
    if isinstance(value, list):
        found = [name for item in value if (name := name_of(item))]
        return None if any(DIVIDER.search(name) for name in found) else tuple(found)
    name = name_of(value)
    parts = DIVIDER.split(name) if name else []
    return tuple(parts) if len(parts) < 2 or all(map(NAME.fullmatch, parts)) else None


def name_of(value: Any) -> str:
    return decoded(text_of(value.get("name") if isinstance(value, dict) else value) or "")


def author_data(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what the data files say, by key."""
    found: dict[str, dict[str, Any]] = {}
    for pattern in FILES:
        for file in sorted(folder.glob(pattern)):
            data = read_static(file)
            each = {file.stem: data} if file.parent.name == "authors" else data
            found |= {key: value for key, value in each.items() if isinstance(value, dict)}
    return found


def author_names(bylines: Iterable[Byline | None], data: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Slug → name: that of the data, else that of most articles, then the first by code point."""
    uses: dict[str, Counter[str]] = {}
    for each in bylines:
        firsts = {topic_slug(name): name for name in reversed(each or ())}
        for slug, name in firsts.items():
            uses.setdefault(slug, Counter())[name] += 1
    names = {slug: min(each, key=lambda name: (-each[name], name)) for slug, each in uses.items()}
    named = {
        topic_slug(key): decoded(given) for key, one in data.items() if (given := text_of(one.get("name")))
    }
    return names | {slug: name for slug, name in named.items() if slug in names}
