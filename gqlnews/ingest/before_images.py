"""Before-images: with each change, store what the article was before it, as far as filters read it.

1. `capture_images` copies the rows of the articles that are about to change or go, and their searchable
   texts, into a temporary table.
2. `store_images` adds them to `article_before`, with the versions that the change log has assigned. It stores
   a text only if the change changed it. An article that is added again after a removal gets an empty image,
   because it did not exist before.
3. `prune_images` deletes the images that are older than each version that the change log still answers, and
   the oldest beyond `MAX_BEFORE_IMAGES`, but none of this ingest.
"""

import sqlite3
from collections.abc import Iterable

from gqlnews.columns import FILTER_COLUMNS, TEXT_COLUMNS

# ruff: noqa: S608 - these statements are built from constants and names of columns

MAX_BEFORE_IMAGES = 10_000
"""Images that are retained, besides those of the newest ingest."""

CAPTURED_COLUMNS = ", ".join(("slug TEXT PRIMARY KEY", *FILTER_COLUMNS[1:], "text"))
"""Columns of the temporary table `captured_before`; `declare_captured` adds those of custom fields."""

_TEXT = f"json_array({TEXT_COLUMNS})"  # the searchable text of a row of `search_all_source`


def declare_captured(db: sqlite3.Connection, field_columns: Iterable[str]) -> None:
    """Add the columns of custom fields to the temporary table."""
    for name in field_columns:
        db.execute(f"ALTER TABLE temp.captured_before ADD COLUMN {name}")


def capture_images(db: sqlite3.Connection, field_columns: Iterable[str]) -> None:
    """Capture the articles in `batch`, before their rows change."""
    _capture(db, field_columns, "id IN batch")


def _capture(db: sqlite3.Connection, field_columns: Iterable[str], condition: str) -> None:
    columns = (*FILTER_COLUMNS, *field_columns)
    names, values = ", ".join(columns), ", ".join(f"article.{name}" for name in columns)
    db.execute(
        f"INSERT INTO captured_before ({names}, text) SELECT {values}, (SELECT {_TEXT} FROM search_all_source"
        f" WHERE search_all_source.id = article.id) FROM article WHERE {condition}"
    )


# Filters read nothing of an article of which only the links in its HTML changed, so it is as it was.
_NOT_CAPTURED = (
    "slug IN (SELECT slug FROM touched WHERE kind = 'UPDATED')"
    " AND slug NOT IN (SELECT slug FROM captured_before)"
)

# CROSS JOIN, because SQLite would scan the change log in the order of the versions.
_STORE = f"""
INSERT INTO article_before (slug, version, public_version, %(names)s, text)
SELECT touched.slug, change.version, public.version, %(values)s,
    CASE WHEN image.text <> coalesce((
        SELECT {_TEXT} FROM search_all_source
        WHERE id = (SELECT id FROM article WHERE article.slug = touched.slug)), '')
    THEN compress_text(image.text) END
FROM touched
    CROSS JOIN article_change AS change ON change.scope = 1 AND change.slug = touched.slug
    LEFT JOIN captured_before AS image ON image.slug = touched.slug
    LEFT JOIN article_change AS public
        ON public.scope = 0 AND public.slug = touched.slug AND (was_public OR is_public)
WHERE kind <> 'ADDED' OR change.first_added < change.version OR public.first_added < public.version
ORDER BY change.version
"""


def store_images(db: sqlite3.Connection, field_columns: Iterable[str]) -> int:
    """Store the images of the articles in `touched`, before any entry of the change log is pruned.

    Returns the id of the newest image from before this ingest.
    """
    (last_old,) = db.execute("SELECT coalesce(max(id), 0) FROM article_before").fetchone()
    _capture(db, field_columns, _NOT_CAPTURED)
    names = [*(name for name in FILTER_COLUMNS if name != "slug"), *field_columns]
    values = (f"image.{name}" for name in names)
    db.execute(_STORE % {"names": ", ".join(names), "values": ", ".join(values)})
    return int(last_old)


_PRUNE = (
    *(
        f"UPDATE site SET images_pruned = max(images_pruned, newest.version) FROM ("
        f"SELECT max({column}) AS version FROM article_before WHERE id <= ?) AS newest"
        f" WHERE newest.version IS NOT NULL AND audience IN {audiences}"
        for column, audiences in (("public_version", "(0)"), ("version", "(1, 2)"))
    ),
    "DELETE FROM article_before WHERE id <= ?",
)
# The first image that is needed for a version that the change log answers.
_FIRST_NEEDED = """
SELECT id FROM article_before
WHERE version > (SELECT forgotten FROM site WHERE audience = 1)
   OR public_version > (SELECT forgotten FROM site WHERE audience = 0)
ORDER BY id LIMIT 1
"""


def prune_images(db: sqlite3.Connection, last_old: int, max_images: int) -> None:
    """Prune the images that no version needs, after the change log was pruned, and the oldest ones.

    `max_images` is the number of images to retain, besides those after `last_old`.
    """
    (last,) = db.execute("SELECT max(id) FROM article_before").fetchone()
    if last is None:
        return
    (first_needed,) = db.execute(_FIRST_NEEDED).fetchone() or (last + 1,)
    until = max(first_needed - 1, min(last - max_images, last_old))
    for statement in _PRUNE:
        db.execute(statement, (until,))
