"""Publish and hide articles at their instants, without a change to their files.

The table `source` has the next two instants of each article, as its last valid file says. So an article
appears and expires even while its file has an error. A file that an ingest reads is decided by the parser, by
the same time.
"""

import sqlite3

from gqlnews.columns import GROUPS
from gqlnews.database.sqlite.writer import execute_all
from gqlnews.ingest.before_images import capture_images
from gqlnews.ingest.derive import DECREMENT_USAGE, INCREMENT_USAGE
from gqlnews.ingest.fts_index import ADD_TO_INDEX, REMOVE_FROM_INDEX, TRACK_ADDED
from gqlnews.ingest.upsert import IngestState, mark_batch

# `published` changes at `due` and again at `due_after`: if both have come, it is as before.
_CHANGED = """
SELECT article.id FROM fallen_due CROSS JOIN source USING (path) CROSS JOIN article USING (slug, path)
WHERE source.due <= ?1 AND (due_after IS NULL OR due_after > ?1)
"""
_TOUCH = """
INSERT INTO touched SELECT article.slug, 'UPDATED', published, 1 - published, fallen_due.due
FROM batch CROSS JOIN article USING (id) CROSS JOIN fallen_due USING (path)
"""
_UPDATE = (
    "UPDATE article SET published = 1 - published WHERE id IN batch",
    *(
        f"UPDATE {table} SET published = 1 - published WHERE article_id IN batch"  # noqa: S608 - our names
        for table in (*GROUPS, "media")
    ),
)
_ADVANCE = """
UPDATE source SET due = iif(due_after > ?1, due_after, NULL), due_after = NULL
WHERE due <= ?1 AND path IN (SELECT path FROM fallen_due)
"""


def find_due(db: sqlite3.Connection, now: str) -> None:
    """Fill `fallen_due` with the files whose articles appear or expire until `now`, a sort key."""
    db.execute("INSERT INTO fallen_due SELECT path, due FROM source WHERE due <= ?", (now,))


def apply_schedule(state: IngestState, now: str) -> None:
    """Change `published` of the articles in `fallen_due`, except those whose files were read."""
    db = state.db
    if changed := [number for (number,) in db.execute(_CHANGED, (now,))]:
        mark_batch(state, changed)
        capture_images(db, state.field_columns)
        db.execute(_TOUCH)
        execute_all(db, DECREMENT_USAGE)
        if state.incremental:
            execute_all(db, REMOVE_FROM_INDEX)
        execute_all(db, _UPDATE)
        execute_all(db, INCREMENT_USAGE)
        if state.incremental:
            execute_all(db, ADD_TO_INDEX)
            db.execute(TRACK_ADDED)
    db.execute(_ADVANCE, (now,))


def next_due(db: sqlite3.Connection) -> str | None:
    """Return when the next article appears or expires, as a sort key; None if none does."""
    (due,) = db.execute("SELECT min(due) FROM source WHERE due IS NOT NULL").fetchone()
    return None if due is None else str(due)
