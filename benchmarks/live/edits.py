"""Edit articles in turn, as editors save files: write a temporary file, and rename it over the article."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

TEMPORARY_NAME = ".gqlnews-live.tmp"  # in the same folder, so that the rename stays within one file system
_TITLE = re.compile(rb"^title:.*$", re.MULTILINE)
# Sorted, so that every n-th article is taken from the whole store.
_PUBLISHED = "SELECT slug, path FROM article WHERE published ORDER BY slug"


@dataclass(frozen=True, slots=True)
class OriginalArticle:
    """An article and its original text."""

    slug: str
    path: Path
    text: bytes


@dataclass(frozen=True, slots=True)
class SavedEdit:
    """One edit: the new title, and the time of saving by `time.monotonic`, which all processes share."""

    slug: str
    title: str
    saved_at: float


class Edits:
    """Each call of `save` gives the next article a unique title."""

    def __init__(self, articles: list[OriginalArticle]) -> None:
        self._articles = articles
        self._numbers = count()

    def save(self) -> SavedEdit:
        number = next(self._numbers)
        article = self._articles[number % len(self._articles)]
        title = f"Edit {number} of {time.time_ns()}"
        temporary = article.path.with_name(TEMPORARY_NAME)
        temporary.write_bytes(_TITLE.sub(f'title: "{title}"'.encode(), article.text, count=1))
        at = time.monotonic()
        temporary.rename(article.path)
        return SavedEdit(article.slug, title, at)


@contextmanager
def edit_articles(folder: Path, database: Path, limit: int) -> Iterator[Edits]:
    """Edit at most `limit` published articles of `folder`, and restore every file afterwards."""
    articles = [
        OriginalArticle(slug, folder / path, (folder / path).read_bytes())
        for slug, path in _select_articles(database, limit)
    ]
    try:
        yield Edits(articles)
    finally:
        for article in articles:
            temporary = article.path.with_name(TEMPORARY_NAME)
            temporary.write_bytes(article.text)
            temporary.rename(article.path)


def _select_articles(database: Path, limit: int) -> list[tuple[str, str]]:
    db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows: list[tuple[str, str]] = db.execute(_PUBLISHED).fetchall()
    db.close()
    return rows[:: max(1, len(rows) // limit)][:limit]
