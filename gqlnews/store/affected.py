"""What must be derived anew, because an article that it rests on came, changed or went."""

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

# What is there, and what was derived from what is there no more.
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
    """Make `batch` hold these articles."""
    db.execute("DELETE FROM batch")
    db.executemany("INSERT INTO batch VALUES (?)", ((number,) for number in ids))


def mark_batch(db: sqlite3.Connection) -> None:
    """Whatever rests on the articles of `batch`, as their rows are now: say so before and after a change."""
    for statement in _OF_BATCH:
        db.execute(statement)


def mark_all_urls(db: sqlite3.Connection) -> None:
    """Every URL, instead of article by article."""
    db.execute(_ALL_URLS)


def mark_all_names(db: sqlite3.Connection) -> None:
    """Every slug, domain and topic, instead of article by article; quick where the indexes are there."""
    for statement in _ALL_NAMES:
        db.execute(statement)
