"""Searchable texts of articles as they were before changes, in a temporary full-text index of one reader."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import orjson

from gqlnews.columns import TEXT_COLUMNS, TOKENIZER
from gqlnews.database.sqlite.connection import UNLIMITED_BYTES

# ruff: noqa: S608 - these statements are built from constants only

# An image has the text only if the change changed it. Otherwise the text is that of the next image of the
# same article that has one, or else that of the present article. A removal always stores the text.

BEFORE_SEARCH = "before_search"
"""Name of the temporary index. Its rowids are the ids of `article_before`."""

_CREATE = (
    f"CREATE VIRTUAL TABLE temp.{BEFORE_SEARCH} USING fts5 ({TEXT_COLUMNS}, content = '',"
    f" tokenize = '{TOKENIZER}')"
)
_CLEAR = f"INSERT INTO temp.{BEFORE_SEARCH} ({BEFORE_SEARCH}) VALUES ('delete-all')"
_STORED = """
SELECT id, (
    SELECT text FROM article_before AS later
    WHERE later.slug = image.slug AND later.version >= image.version AND later.text IS NOT NULL
    ORDER BY later.version LIMIT 1)
FROM article_before AS image WHERE id IN (SELECT value FROM json_each(?))
"""
_INSERT = f"INSERT INTO temp.{BEFORE_SEARCH} (rowid, {TEXT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_INSERT_PRESENT = f"""
INSERT INTO temp.{BEFORE_SEARCH} (rowid, {TEXT_COLUMNS})
SELECT image.id, {", ".join(f"source.{column}" for column in TEXT_COLUMNS.split(", "))}
FROM article_before AS image JOIN article USING (slug)
    JOIN search_all_source AS source ON source.id = article.id
WHERE image.id = ?
"""


def create_index(db: sqlite3.Connection) -> None:
    """Create the empty index on this connection, which must not be in a transaction."""
    db.execute(_CREATE)


def load_texts(db: sqlite3.Connection, images: Collection[int], check: Callable[[], None]) -> None:
    """Replace the content of the index with the texts of these images, in the open transaction.

    `check` is called before each text; it raises to stop.
    """
    with _without_size_limit(db):
        db.execute(_CLEAR)
        for image, compressed in db.execute(_STORED, (json.dumps(list(images)),)).fetchall():
            check()
            if compressed is None:
                db.execute(_INSERT_PRESENT, (image,))
            else:
                db.execute(_INSERT, (image, *orjson.loads(zlib.decompress(compressed))))


@contextmanager
def _without_size_limit(db: sqlite3.Connection) -> Iterator[None]:
    """Lift the limit on the length of texts, which is for responses."""
    limit = db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, UNLIMITED_BYTES)
    try:
        yield
    finally:
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
