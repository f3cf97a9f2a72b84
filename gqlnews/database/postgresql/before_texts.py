"""Searchable texts of articles as they were before changes, in a full-text index in memory.

The texts come from PostgreSQL; FTS5 evaluates `matches` on them, as in a SQLite store.
"""

import sqlite3
import zlib
from collections.abc import Sequence
from typing import Any

import orjson

from gqlnews.columns import TEXT_COLUMNS
from gqlnews.database.before_search import BEFORE_SEARCH, clear_index, create_index, insert_texts

# ruff: noqa: S608 - these statements are built from constants only

# An image has the text only if the change changed it. Otherwise the text is that of the next image of the
# same article that has one, or else that of the present article. A removal always stores the text.

STORED = """
SELECT id, (
    SELECT text FROM article_before AS later
    WHERE later.slug = image.slug AND later.version >= image.version AND later.text IS NOT NULL
    ORDER BY later.version LIMIT 1)
FROM article_before AS image WHERE id = ANY ($1::bigint[])
"""
"""Selects the ids of images, and their compressed texts if there are any."""

PRESENT = f"""
SELECT image.id, {", ".join(f"source.{column}" for column in TEXT_COLUMNS.split(", "))}
FROM article_before AS image JOIN article USING (slug)
    JOIN search_all_source AS source ON source.id = article.id
WHERE image.id = $1
"""
"""Selects the id of an image, and the texts of the present article."""

_MATCHING = f"SELECT json_group_array(rowid) FROM temp.{BEFORE_SEARCH} WHERE {BEFORE_SEARCH} MATCH ?"


class BeforeTexts:
    """Full-text index of before-images. `close` it at the end."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        create_index(self._db)

    def close(self) -> None:
        self._db.close()

    def clear(self) -> None:
        clear_index(self._db)

    def add_stored(self, image: int, compressed: bytes) -> None:
        insert_texts(self._db, image, orjson.loads(zlib.decompress(compressed)))

    def add_present(self, row: Sequence[Any]) -> None:
        """Add a row of `PRESENT`."""
        image, *texts = row
        insert_texts(self._db, image, texts)

    def matching(self, expression: str) -> str:
        """Return the ids of the images that match an FTS5 expression, as a JSON array."""
        (ids,) = self._db.execute(_MATCHING, (expression,)).fetchone()
        return str(ids)
