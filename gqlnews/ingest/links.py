"""Resolve links between articles, and derive cross-file problems."""

import sqlite3
from collections.abc import Collection
from functools import partial

from gqlnews.content.article_links import resolve_placeholders
from gqlnews.content.models import ContentProblem, ProblemSeverity
from gqlnews.database.sqlite.writer import execute_all
from gqlnews.ingest.rows import PROBLEM_COLUMNS, problem_row

# ruff: noqa: S608 - these statements are built from constants only

# Links: the article that owns each URL, and the target of each related entry.
#
# If several articles have the same URL, its owner is the first in this order: published before unpublished,
# then newest first, then by slug. So the same rows serve clients that see only published articles: for these,
# links to an unpublished article are left out.


_DELETE_OWNERS = "DELETE FROM url_owner WHERE url IN (SELECT url FROM affected_url)"

_INSERT_UNIQUE_OWNERS = """
INSERT INTO url_owner
SELECT url, min(article_id) FROM article_url WHERE url IN (SELECT url FROM affected_url)
GROUP BY url HAVING count(*) = 1
"""

_INSERT_SHARED_OWNERS = """
INSERT INTO url_owner
SELECT url, article_id FROM (
    SELECT shared.url, article_id, row_number() OVER (
        PARTITION BY shared.url ORDER BY published DESC, published_at DESC, slug) AS nth
    FROM (
        SELECT url FROM article_url WHERE url IN (SELECT url FROM affected_url)
        GROUP BY url HAVING count(*) > 1
    ) AS shared
    JOIN article_url ON article_url.url = shared.url
    JOIN article ON article.id = article_id
) WHERE nth = 1
"""

_TARGET_CHANGED = """
related.url IN (SELECT url FROM affected_url)
    AND target_id IS NOT (SELECT article_id FROM url_owner WHERE url_owner.url = related.url)
"""
_MARK_STORIES = f"""
INSERT OR IGNORE INTO affected_story
SELECT slug FROM related CROSS JOIN article ON id = article_id WHERE {_TARGET_CHANGED}
"""
_UPDATE_TARGETS = f"""
UPDATE related SET target_id = (SELECT article_id FROM url_owner WHERE url_owner.url = related.url)
WHERE {_TARGET_CHANGED}
"""


# In primary key order: if the table is larger than the cache, any other order causes random I/O.
LOAD_URLS = "INSERT INTO article_url SELECT url, article_id FROM url_new ORDER BY url, article_id"


def resolve_links(db: sqlite3.Connection, *, incremental: bool) -> None:
    """Update owners and targets of `affected_url`.

    With `incremental`, add the articles whose entries get another target to `affected_story`.
    """
    execute_all(db, (_DELETE_OWNERS, _INSERT_UNIQUE_OWNERS, _INSERT_SHARED_OWNERS))
    if incremental:
        db.execute(_MARK_STORIES)
    db.execute(_UPDATE_TARGETS)


# Links in bodies: the URLs of the articles that they lead to.
#
# A link to an unpublished article gets that article's URL only in articles that are unpublished too, because
# otherwise the public would see it.


_ALL_LINKED = "SELECT id FROM article WHERE linked_html IS NOT NULL"
_TOUCHED_LINKED = """
SELECT id FROM article WHERE linked_html IS NOT NULL AND slug IN (SELECT slug FROM touched)
UNION SELECT article_id FROM article_link WHERE target IN (SELECT slug FROM touched)
"""
_LINKED_ARTICLE = "SELECT slug, published, linked_html, html FROM article WHERE id = ?"
_LINKED_URL = "SELECT url FROM article WHERE slug = ? AND published >= ?"


def resolve_body_links(db: sqlite3.Connection, *, incremental: bool) -> None:
    """Resolve the links of bodies, with `incremental` only those from and to the articles of `touched`.

    Articles whose HTML changes are added to `touched`.
    """
    ids = db.execute(_TOUCHED_LINKED if incremental else _ALL_LINKED).fetchall()
    for (article_id,) in ids:
        slug, published, linked_html, stored = db.execute(_LINKED_ARTICLE, (article_id,)).fetchone()
        html = resolve_placeholders(linked_html, partial(_find_url, db, published))
        if html != stored:
            db.execute("UPDATE article SET html = ? WHERE id = ?", (html, article_id))
            changed = (slug, "UPDATED", published, published)
            db.execute("INSERT OR IGNORE INTO touched VALUES (?, ?, ?, ?, NULL)", changed)


def _find_url(db: sqlite3.Connection, published: int, slug: str) -> str | None:
    row = db.execute(_LINKED_URL, (slug, published)).fetchone()
    return row[0] if row else None


# Cross-file problems: several files have the same slug or the same URL.


_SHARED_SLUGS = """
INSERT INTO across_new
SELECT source.slug, source.path, NULL, NULL, 'ERROR', 'duplicate-slug',
    '`' || first.path || '` has the slug `' || source.slug || '` already: rename one of the two'
FROM (
    SELECT slug, min(path) AS path FROM source
    WHERE slug IN (SELECT slug FROM affected_slug WHERE slug <> '') GROUP BY slug HAVING count(*) > 1
) AS first
JOIN source ON source.slug = first.slug AND source.path > first.path
"""

# Articles with the same `url` field; the owner of the URL comes first. It is published if any of them is.
_SHARED_URLS = """
WITH shared AS (
    SELECT article.url, path, url_line, url_column, published, published_line, published_column,
        row_number() OVER best AS nth,
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
    '`' || first_path || '` has the same URL and is used for it: change one of the URLs'
FROM shared WHERE nth > 1
UNION ALL
SELECT url, path, published_line, published_column, 'WARNING', 'published-disagrees',
    '`' || first_path || '` has the same URL and is published, but this article is not: make both equal'
FROM shared WHERE nth > 1 AND published <> first_published
"""

_STORED = """
INSERT INTO across_old
SELECT id FROM problem WHERE code = 'duplicate-slug' AND subject IN (SELECT slug FROM affected_slug)
UNION ALL
SELECT id FROM problem WHERE code <> 'duplicate-slug' AND subject IN (SELECT url FROM affected_url)
"""

_COLUMNS = f"subject, {PROBLEM_COLUMNS}"
_STORED_PROBLEMS = f"SELECT {_COLUMNS} FROM across_old JOIN problem USING (id)"
_DERIVED_PROBLEMS = f"SELECT {_COLUMNS} FROM across_new"
_HAS_CHANGED = (
    f"SELECT EXISTS ({_STORED_PROBLEMS} EXCEPT {_DERIVED_PROBLEMS})"
    f" OR EXISTS ({_DERIVED_PROBLEMS} EXCEPT {_STORED_PROBLEMS})"
)
_INSERT = f"INSERT INTO problem ({_COLUMNS}, across) SELECT {_COLUMNS}, 1 FROM across_new"


def derive_cross_file_problems(db: sqlite3.Connection) -> bool:
    """Update the cross-file problems of `affected_slug` and `affected_url`; return whether they changed."""
    execute_all(db, (_SHARED_SLUGS, _SHARED_URLS, _STORED))
    (changed,) = db.execute(_HAS_CHANGED).fetchone()
    if changed:
        db.execute("DELETE FROM problem WHERE id IN across_old")
        db.execute(_INSERT)
    return bool(changed)


def store_config_problems(db: sqlite3.Connection, problems: Collection[ContentProblem]) -> bool:
    """Replace the problems of configuration files; return whether they changed."""
    rows = {problem_row(problem) for problem in problems}
    stored = db.execute(f"SELECT {PROBLEM_COLUMNS} FROM problem WHERE code = 'bad-config'")
    if set(stored) == rows:
        return False
    db.execute("DELETE FROM problem WHERE code = 'bad-config'")
    db.executemany(
        f"INSERT INTO problem ({PROBLEM_COLUMNS}, across) VALUES (?, ?, ?, ?, ?, ?, 1)",
        sorted(rows, key=str),
    )
    return True


# Stored problems, for the command line.


def read_problems(db: sqlite3.Connection) -> list[ContentProblem]:
    """Return every problem by path, line (none first), column and code."""
    rows = db.execute(f"SELECT {PROBLEM_COLUMNS} FROM problem ORDER BY path, line, column_, code, message")
    return [
        ContentProblem(path, line, column, ProblemSeverity(severity), code, message)
        for path, line, column, severity, code, message in rows
    ]
