"""Resolve links: the article that owns each URL, and the target of each related entry.

If several articles have the same URL, its owner is the first in this order: published before unpublished,
then newest first, then by slug. So clients that see only published articles use the same rows, without those
whose target is not published.
"""

import sqlite3

_FORGET = "DELETE FROM url_owner WHERE url IN (SELECT url FROM affected_url)"

_OWN_ALONE = """
INSERT INTO url_owner
SELECT url, min(article_id) FROM article_url WHERE url IN (SELECT url FROM affected_url)
GROUP BY url HAVING count(*) = 1
"""

_OWN_SHARED = """
INSERT INTO url_owner
SELECT url, article_id FROM (
    SELECT shared.url, article_id, row_number() OVER (
        PARTITION BY shared.url ORDER BY published DESC, published_at DESC, slug) AS place
    FROM (
        SELECT url FROM article_url WHERE url IN (SELECT url FROM affected_url)
        GROUP BY url HAVING count(*) > 1
    ) AS shared
    JOIN article_url ON article_url.url = shared.url
    JOIN article ON article.id = article_id
) WHERE place = 1
"""

_LED_ELSEWHERE = """
related.url IN (SELECT url FROM affected_url)
    AND target_id IS NOT (SELECT article_id FROM url_owner WHERE url_owner.url = related.url)
"""
_MARK = f"""
INSERT OR IGNORE INTO affected_story
SELECT slug FROM related CROSS JOIN article ON id = article_id WHERE {_LED_ELSEWHERE}
"""  # noqa: S608 - the parts of these statements are this program's
_LEAD = f"""
UPDATE related SET target_id = (SELECT article_id FROM url_owner WHERE url_owner.url = related.url)
WHERE {_LED_ELSEWHERE}
"""  # noqa: S608


# In primary key order: if a table outgrows the cache, any other order causes random I/O.
_TAKE_URLS = "INSERT INTO article_url SELECT url, article_id FROM url_new ORDER BY url, article_id"


def load_urls(db: sqlite3.Connection) -> None:
    """Load the URLs of all articles in a bulk load."""
    db.execute(_TAKE_URLS)


def resolve_links(db: sqlite3.Connection, *, incremental: bool) -> None:
    """Update owners and targets of `affected_url`.

    With `incremental`, add the articles whose entries get another target to `affected_story`.
    """
    for statement in (_FORGET, _OWN_ALONE, _OWN_SHARED):
        db.execute(statement)
    if incremental:
        db.execute(_MARK)
    db.execute(_LEAD)
