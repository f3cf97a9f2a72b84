"""Publish and hide articles that are due although their files cannot be read now.

Such a file has an error, or is in a folder that cannot be listed. Its article stays as it was in the last
valid version, but that version too says when it appears and expires.
"""

from gqlnews.database.sqlite.writer import execute_all
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
    "UPDATE article_topic SET published = 1 - published WHERE article_id IN batch",
)
_ADVANCE = """
UPDATE source SET due = iif(due_after > ?1, due_after, NULL), due_after = NULL
WHERE due <= ?1 AND path IN (SELECT path FROM fallen_due)
"""


def apply_schedule(state: IngestState, now: str) -> None:
    """Change `published` of the articles in `fallen_due` whose files were not read; `now` is a sort key."""
    db = state.db
    if changed := [number for (number,) in db.execute(_CHANGED, (now,))]:
        mark_batch(state, changed)
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
