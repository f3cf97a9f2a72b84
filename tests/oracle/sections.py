"""Sections of one world: the folders that hold its articles, at any depth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from .records import Article


@dataclass(frozen=True)
class Section:
    """A folder. `articles` are those in it and everything below, sorted newest first."""

    path: str
    articles: tuple[Article, ...]

    @property
    def title(self) -> str:
        """Return the last folder's name in words."""
        words = self.path.rpartition("/")[2].replace("-", " ").replace("_", " ")
        return words[:1].upper() + words[1:]

    @property
    def parent(self) -> str:
        """Return the path of the folder above; blank if it is the root."""
        return self.path.rpartition("/")[0]


def sections_of(articles: Iterable[Article]) -> dict[str, Section]:
    """Path → section, of articles that are sorted newest first."""
    found: dict[str, list[Article]] = defaultdict(list)
    for article in articles:
        for path in paths_to(article.section):
            found[path].append(article)
    return {path: Section(path, tuple(found[path])) for path in sorted(found)}


def paths_to(path: str | None) -> list[str]:
    """`a/b` → `a` and `a/b`."""
    return list(accumulate(path.split("/"), "{}/{}".format)) if path else []


def is_below(path: str | None, section: str) -> bool:
    """Whether the path is that of the section, or of a folder at any depth below it."""
    return path is not None and (path == section or path.startswith(f"{section}/"))
