"""The temporary tables of one ingest. They live in its transaction, so memory does not grow with the folder.

What changed is kept as values (slugs, URLs, domains), not as ids: a removed article's id may be given anew.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

_TABLES = {
    # what the folder holds now; a size of -1 is what is there but cannot be read
    "scan": "path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER",
    # why it cannot: one problem for each path, files and folders
    "refused": "path TEXT PRIMARY KEY, line INTEGER, column_ INTEGER, severity TEXT, code TEXT, message TEXT",
    "gone": "path TEXT PRIMARY KEY, slug TEXT",
    # where it was looked, if not everywhere: these paths and what is below them
    "area": "path TEXT PRIMARY KEY",
    "todo": "path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER",
    # ids of the articles that are being written or removed
    "batch": "id INTEGER PRIMARY KEY",
    "touched": "slug TEXT PRIMARY KEY, kind TEXT, was_public INTEGER, is_public INTEGER",
    # the URLs of articles, as they come into an empty store
    "url_new": "url TEXT, article_id INTEGER",
    # what must be derived anew
    "affected_slug": "slug TEXT PRIMARY KEY",
    "affected_url": "url TEXT PRIMARY KEY",
    "affected_domain": "domain TEXT PRIMARY KEY",
    "affected_topic": "slug TEXT PRIMARY KEY",
    "affected_story": "slug TEXT PRIMARY KEY",
    # articles whose stories are found anew, the pairs that link each other, and what they form
    "story_near": "id INTEGER PRIMARY KEY",
    "mutual": "article_id INTEGER, other_id INTEGER, public INTEGER",
    "story_member": "scope INTEGER, component INTEGER, article_id INTEGER",
    # problems that several files have together
    "across_new": "subject TEXT, path TEXT, line INTEGER, column_ INTEGER,"
    " severity TEXT, code TEXT, message TEXT",
    "across_old": "id INTEGER PRIMARY KEY",
}

# the texts that came into the full-text indexes, and those that went
_INDEXES = ("search_came", "search_went")


@contextmanager
def workspace(db: sqlite3.Connection) -> Iterator[None]:
    """Make the tables, and drop them at the end; where anything raises, the rollback drops them."""
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
