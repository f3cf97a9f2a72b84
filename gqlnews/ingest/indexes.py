"""Create the indexes of large tables after a bulk load instead of row by row."""

import sqlite3

_LATER = """
SELECT name, sql FROM sqlite_master
WHERE type = 'index' AND sql IS NOT NULL
    AND tbl_name IN ('article', 'related', 'article_url', 'url_owner', 'article_topic')
"""


def defer_indexes(db: sqlite3.Connection) -> list[str]:
    """Drop the indexes of the large tables; return the statements that create them again."""
    indexes = db.execute(_LATER).fetchall()
    for name, _ in indexes:
        db.execute(f"DROP INDEX {name}")
    return [sql for _, sql in indexes]
