"""Load the searchable texts of articles as they were before changes, into the index of `before_search.py`."""

import json
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import orjson

from gqlnews.columns import TEXT_COLUMNS
from gqlnews.database.before_search import INSERT_INTO, clear_index, insert_texts
from gqlnews.database.sqlite.connection import UNLIMITED_BYTES

# ruff: noqa: S608 - these statements are built from constants only

# An image has the text only if the change changed it. Otherwise the text is that of the next image of the
# same article that has one, or else that of the present article. A removal always stores the text.

_STORED = """
SELECT id, (
    SELECT text FROM article_before AS later
    WHERE later.slug = image.slug AND later.version >= image.version AND later.text IS NOT NULL
    ORDER BY later.version LIMIT 1)
FROM article_before AS image WHERE id IN (SELECT value FROM json_each(?))
"""
_INSERT_PRESENT = f"""
{INSERT_INTO}
SELECT image.id, {", ".join(f"source.{column}" for column in TEXT_COLUMNS.split(", "))}
FROM article_before AS image JOIN article USING (slug)
    JOIN search_all_source AS source ON source.id = article.id
WHERE image.id = ?
"""


def load_texts(db: sqlite3.Connection, images: Collection[int], check: Callable[[], None]) -> None:
    """Replace the content of the index with the texts of these images, in the open transaction.

    `check` is called before each text; it raises to stop.
    """
    with _without_size_limit(db):
        clear_index(db)
        for image, compressed in db.execute(_STORED, (json.dumps(list(images)),)).fetchall():
            check()
            if compressed is None:
                db.execute(_INSERT_PRESENT, (image,))
            else:
                insert_texts(db, image, orjson.loads(zlib.decompress(compressed)))


@contextmanager
def _without_size_limit(db: sqlite3.Connection) -> Iterator[None]:
    """Lift the limit on the length of texts, which is for responses."""
    limit = db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, UNLIMITED_BYTES)
    try:
        yield
    finally:
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, limit)
