"""Usage counts: number of articles per name of a topic or provider, updated incrementally.

As with the full-text indexes, the articles of `batch` are subtracted before their rows change, and added
afterwards.
"""

import sqlite3

# ruff: noqa: S608 - the parts of these statements are this program's


def _counts(sign: str) -> tuple[str, ...]:
    return (
        f"""
        INSERT INTO topic_use
        SELECT topic, name, published, {sign}count(*) FROM article_topic
        WHERE article_id IN batch GROUP BY topic, name, published
        ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
        """,
        f"""
        INSERT INTO provider_use
        SELECT provider_domain, provider_name, 1, published, {sign}count(*) FROM article
        WHERE id IN batch AND provider_domain IS NOT NULL
        GROUP BY provider_domain, provider_name, published
        ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
        """,
        # An article that lists a name several times counts once.
        f"""
        INSERT INTO provider_use
        SELECT related.provider_domain, related.provider_name, 0, published, {sign}count(DISTINCT id)
        FROM batch CROSS JOIN article USING (id) CROSS JOIN related ON article_id = id
        WHERE related.provider_domain IS NOT NULL
        GROUP BY related.provider_domain, related.provider_name, published
        ON CONFLICT DO UPDATE SET articles = articles + excluded.articles
        """,
    )


_TAKE = _counts("")
_FORGET = _counts("-")
_TIDY = (
    "DELETE FROM topic_use WHERE topic IN (SELECT slug FROM affected_topic) AND articles = 0",
    "DELETE FROM provider_use WHERE domain IN (SELECT domain FROM affected_domain) AND articles = 0",
)


def decrement_usage(db: sqlite3.Connection) -> None:
    """Subtract the articles of `batch`, before their rows change."""
    for statement in _FORGET:
        db.execute(statement)


def increment_usage(db: sqlite3.Connection) -> None:
    """Add the articles of `batch`, with their current rows."""
    for statement in _TAKE:
        db.execute(statement)


def prune_usage(db: sqlite3.Connection) -> None:
    """Delete unused names of `affected_topic` and `affected_domain`."""
    for statement in _TIDY:
        db.execute(statement)
