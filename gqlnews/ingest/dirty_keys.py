"""Dirty keys: which derived data to update because an article was added, changed or removed."""

import sqlite3
from collections.abc import Iterable

_OF_BATCH = (
    "INSERT OR IGNORE INTO affected_url SELECT url FROM article_url WHERE article_id IN batch",
    "INSERT OR IGNORE INTO affected_domain SELECT provider_domain FROM article"
    " WHERE id IN batch AND provider_domain IS NOT NULL",
    "INSERT OR IGNORE INTO affected_domain SELECT provider_domain FROM related"
    " WHERE article_id IN batch AND provider_domain IS NOT NULL",
    "INSERT OR IGNORE INTO affected_topic SELECT topic FROM article_topic WHERE article_id IN batch",
)

# Includes keys that only derived rows still have, because their articles are gone.
_ALL_URLS = "INSERT OR IGNORE INTO affected_url SELECT url FROM article_url UNION SELECT url FROM url_owner"
_ALL_NAMES = (
    "INSERT OR IGNORE INTO affected_slug SELECT slug FROM source",
    "INSERT OR IGNORE INTO affected_domain"
    " SELECT provider_domain FROM article WHERE provider_domain IS NOT NULL"
    " UNION SELECT provider_domain FROM related WHERE provider_domain IS NOT NULL"
    " UNION SELECT domain FROM provider",
    "INSERT OR IGNORE INTO affected_topic SELECT topic FROM article_topic UNION SELECT slug FROM topic",
)


def fill_batch(db: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Replace the content of `batch` with these article ids."""
    db.execute("DELETE FROM batch")
    db.executemany("INSERT INTO batch VALUES (?)", ((number,) for number in ids))


def mark_dirty(db: sqlite3.Connection) -> None:
    """Mark the keys of the articles in `batch` dirty, as their rows are now.

    Call it before and after a change, so that old and new keys are marked.
    """
    for statement in _OF_BATCH:
        db.execute(statement)


def mark_all_urls_dirty(db: sqlite3.Connection) -> None:
    """Mark every URL dirty."""
    db.execute(_ALL_URLS)


def mark_all_names_dirty(db: sqlite3.Connection) -> None:
    """Mark every slug, domain and topic dirty; fast only while the indexes exist."""
    for statement in _ALL_NAMES:
        db.execute(statement)
