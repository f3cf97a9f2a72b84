"""Edit articles in turn, as an editor saves: write a temporary file, then rename it over the article."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

ASIDE = ".gqlnews-live.tmp"  # in the same folder, so that the rename stays within one file system
_TITLE = re.compile(rb"^title:.*$", re.MULTILINE)
# Ordered, so that a stride covers the whole store.
_PUBLISHED = "SELECT slug, path FROM article WHERE published ORDER BY slug"


@dataclass(frozen=True, slots=True)
class Edited:
    """An article and its original text."""

    slug: str
    path: Path
    text: bytes


@dataclass(frozen=True, slots=True)
class Saved:
    """One edit: the new title, and the time of saving by `time.monotonic`, which all processes share."""

    slug: str
    title: str
    at: float


class Edits:
    """Saves the next article at each call, with a title that is unique."""

    def __init__(self, articles: list[Edited]) -> None:
        self._articles = articles
        self._numbers = count()

    def save(self) -> Saved:
        number = next(self._numbers)
        article = self._articles[number % len(self._articles)]
        title = f"Edit {number} of {time.time_ns()}"
        aside = article.path.with_name(ASIDE)
        aside.write_bytes(_TITLE.sub(f'title: "{title}"'.encode(), article.text, count=1))
        at = time.monotonic()
        aside.rename(article.path)
        return Saved(article.slug, title, at)


@contextmanager
def editing(folder: Path, database: Path, most: int) -> Iterator[Edits]:
    """Edit at most `most` published articles of `folder`, and restore every file afterwards."""
    articles = [
        Edited(slug, folder / path, (folder / path).read_bytes()) for slug, path in _some(database, most)
    ]
    try:
        yield Edits(articles)
    finally:
        for article in articles:
            aside = article.path.with_name(ASIDE)
            aside.write_bytes(article.text)
            aside.rename(article.path)


def _some(database: Path, most: int) -> list[tuple[str, str]]:
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows: list[tuple[str, str]] = db.execute(_PUBLISHED).fetchall()
    db.close()
    return rows[:: max(1, len(rows) // most)][:most]
