"""Temporary tables of one ingest. They live in its transaction, so memory does not grow with the folder.

Changes are stored as values (slugs, URLs, domains), not ids, because the id of a removed article may be
reused.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_TABLES = {
    # the current content of the folder; a size of -1 marks what cannot be read
    "scan": "path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER",
    # why it cannot be read: one problem per path, for files and folders
    "refused": "path TEXT PRIMARY KEY, line INTEGER, column_ INTEGER, severity TEXT, code TEXT, message TEXT",
    "gone": "path TEXT PRIMARY KEY, slug TEXT",
    # incremental scan: these paths and what is below them
    "area": "path TEXT PRIMARY KEY",
    "todo": "path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER",
    # ids of the articles that are being written or removed
    "batch": "id INTEGER PRIMARY KEY",
    "touched": "slug TEXT PRIMARY KEY, kind TEXT, was_public INTEGER, is_public INTEGER",
    # the URLs of articles in a bulk load
    "url_new": "url TEXT, article_id INTEGER",
    # dirty keys
    "affected_slug": "slug TEXT PRIMARY KEY",
    "affected_url": "url TEXT PRIMARY KEY",
    "affected_domain": "domain TEXT PRIMARY KEY",
    "affected_topic": "slug TEXT PRIMARY KEY",
    "affected_story": "slug TEXT PRIMARY KEY",
    # articles whose stories are computed again, the pairs that link each other, and their components
    "story_near": "id INTEGER PRIMARY KEY",
    "mutual": "article_id INTEGER, other_id INTEGER, public INTEGER",
    "story_member": "scope INTEGER, component INTEGER, article_id INTEGER",
    # cross-file problems
    "across_new": "subject TEXT, path TEXT, line INTEGER, column_ INTEGER,"
    " severity TEXT, code TEXT, message TEXT",
    "across_old": "id INTEGER PRIMARY KEY",
}

# texts added to and removed from the full-text indexes
_INDEXES = ("search_came", "search_went")


@contextmanager
def temp_tables(db: sqlite3.Connection) -> Iterator[None]:
    """Create the tables, and drop them at the end; if anything raises, the rollback drops them."""
    for name, columns in _TABLES.items():
        db.execute(f"CREATE TEMP TABLE {name} ({columns}){_storage(columns)}")
    for name in _INDEXES:
        db.execute(
            f"CREATE VIRTUAL TABLE temp.{name} USING fts5 (public, hidden,"
            " content = '', detail = column, tokenize = 'unicode61 remove_diacritics 2')"
        )
        db.execute(f"CREATE VIRTUAL TABLE temp.{name}_words USING fts5vocab (temp, {name}, col)")
    yield
    for name in _INDEXES:
        db.execute(f"DROP TABLE temp.{name}_words")
        db.execute(f"DROP TABLE temp.{name}")
    for name in _TABLES:
        db.execute(f"DROP TABLE temp.{name}")


def _storage(columns: str) -> str:
    return " WITHOUT ROWID" if "TEXT PRIMARY KEY" in columns else ""
