"""Problems of several files together, and the links between articles."""

import sqlite3

from gqlnews.content.models import ContentProblem, ProblemSeverity

# Read the problems in the store, for the command line.


def read_problems(db: sqlite3.Connection) -> list[ContentProblem]:
    """Return every problem by path, line (none first), column and code."""
    rows = db.execute(
        "SELECT path, line, column_, severity, code, message FROM problem"
        " ORDER BY path, line, column_, code, message"
    )
    return [
        ContentProblem(path, line, column, ProblemSeverity(severity), code, message)
        for path, line, column, severity, code, message in rows
    ]


# Cross-file problems: a slug or a URL that several files share.


_SLUGS = """
INSERT INTO across_new
SELECT source.slug, source.path, NULL, NULL, 'ERROR', 'duplicate-slug',
    '`' || first.path || '` has the slug `' || source.slug || '` already: rename one of the two'
FROM (
    SELECT slug, min(path) AS path FROM source
    WHERE slug IN (SELECT slug FROM affected_slug) GROUP BY slug HAVING count(*) > 1
) AS first
JOIN source ON source.slug = first.slug AND source.path > first.path
"""

# Articles with the same `url` field; the owner of the URL comes first.
_SHARED = """
WITH shared AS (
    SELECT article.url, path, url_line, url_column, published, published_line, published_column,
        row_number() OVER best AS place,
        first_value(path) OVER best AS first_path, first_value(published) OVER best AS first_published
    FROM (
        SELECT url FROM article_url WHERE url IN (SELECT url FROM affected_url)
        GROUP BY url HAVING count(*) > 1
    ) AS several
    JOIN article_url ON article_url.url = several.url
    JOIN article ON article.id = article_id AND article.url = article_url.url
    WINDOW best AS (PARTITION BY article.url ORDER BY published DESC, published_at DESC, slug)
)
INSERT INTO across_new
SELECT url, path, url_line, url_column, 'WARNING', 'duplicate-url',
    '`' || first_path || '` has the same URL, and stands for it'
FROM shared WHERE place > 1
UNION ALL
SELECT url, path, published_line, published_column, 'WARNING', 'published-disagrees',
    '`' || first_path || '` has the same URL, and is '
    || iif(first_published, 'published: so is the URL', 'not published: nor is the URL')
FROM shared WHERE place > 1 AND published <> first_published
"""

_OLD = """
INSERT INTO across_old
SELECT id FROM problem WHERE code = 'duplicate-slug' AND subject IN (SELECT slug FROM affected_slug)
UNION ALL
SELECT id FROM problem WHERE code <> 'duplicate-slug' AND subject IN (SELECT url FROM affected_url)
"""

_COLUMNS = "subject, path, line, column_, severity, code, message"
_BEFORE = f"SELECT {_COLUMNS} FROM across_old JOIN problem USING (id)"  # noqa: S608 - names of this program
_AFTER = f"SELECT {_COLUMNS} FROM across_new"  # noqa: S608
_DIFFER = f"SELECT EXISTS ({_BEFORE} EXCEPT {_AFTER}) OR EXISTS ({_AFTER} EXCEPT {_BEFORE})"
_INSERT = f"INSERT INTO problem ({_COLUMNS}, across) SELECT {_COLUMNS}, 1 FROM across_new"  # noqa: S608


def derive_cross_file_problems(db: sqlite3.Connection) -> bool:
    """Update the cross-file problems of `affected_slug` and `affected_url`; return whether they changed."""
    for statement in (_SLUGS, _SHARED, _OLD):
        db.execute(statement)
    (differ,) = db.execute(_DIFFER).fetchone()
    if differ:
        db.execute("DELETE FROM problem WHERE id IN across_old")
        db.execute(_INSERT)
    return bool(differ)


# Resolve links: the article that owns each URL, and the target of each related entry.
#
# If several articles have the same URL, its owner is the first in this order: published before unpublished,
# then newest first, then by slug. So clients that see only published articles use the same rows, without
# those whose target is not published.


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
