"""The content of a store, without what may differ between stores of the same files (ids, versions, times)."""

import sqlite3
from typing import Any

Dump = dict[str, list[Any]]

_CONTENT = {
    "related": (
        "SELECT a.slug, r.*, t.slug FROM related r JOIN article a ON a.id = r.article_id"
        " LEFT JOIN article t ON t.id = r.target_id"
    ),
    "article_url": "SELECT u.url, slug FROM article_url u JOIN article ON id = article_id",
    "article_link": "SELECT target, slug FROM article_link JOIN article ON id = article_id",
    "media": (
        "SELECT m.path AS file, slug, m.published, is_image, size, mtime_ns, ctime_ns"
        " FROM media m JOIN article ON id = article_id"
    ),
    "url_owner": "SELECT u.url, slug FROM url_owner u JOIN article ON id = article_id",
    "article_topic": "SELECT article.slug, t.* FROM article_topic t JOIN article ON id = article_id",
    "article_author": "SELECT article.slug, t.* FROM article_author t JOIN article ON id = article_id",
    "article_section": "SELECT article.slug, t.* FROM article_section t JOIN article ON id = article_id",
    "topic": "SELECT * FROM topic",
    "author": "SELECT * FROM author",
    "section": "SELECT * FROM section",
    "author_use": "SELECT * FROM author_use",
    "section_use": "SELECT * FROM section_use",
    "site_url": "SELECT * FROM site_url",
    "provider": "SELECT * FROM provider",
    "topic_use": "SELECT * FROM topic_use",
    "provider_use": "SELECT * FROM provider_use",
    "story": "SELECT s.*, a.slug FROM story s JOIN article a ON a.id = lead_id",
    "story_article": "SELECT m.*, a.slug FROM story_article m JOIN article a ON a.id = article_id",
    "site": "SELECT * FROM site",
    "shared URLs": "SELECT subject, code FROM problem WHERE across = 1 AND code <> 'duplicate-slug'",
}
_FILES = {
    "source": "SELECT path, slug, size, mtime_ns, ctime_ns, revision FROM source",
    "problem": (
        "SELECT path, line, column_, severity, code, message FROM problem"
        " WHERE across = 0 OR code = 'duplicate-slug'"
    ),
}
_OWN = {
    "id",
    "article_id",
    "target_id",
    "lead_id",
    "updated_at",
    "updated_key",
    "path",
    "version",
    "number",
    "forgotten",
    "images_pruned",
    "ingested_at",
}


def content(db: sqlite3.Connection) -> Dump:
    """Return the served content, by slug."""
    return {"article": rows(db, "SELECT * FROM article")} | {
        name: rows(db, sql) for name, sql in _CONTENT.items()
    }


def files(db: sqlite3.Connection) -> Dump:
    """Return the data about the files themselves."""
    return {name: rows(db, sql) for name, sql in _FILES.items()}


def everything(db: sqlite3.Connection) -> Dump:
    """Return all of it, with the change log and the versions."""
    change = db.execute("SELECT * FROM article_change ORDER BY scope, slug").fetchall()
    versions = db.execute(
        "SELECT audience, substr(version, instr(version, '-')), number, forgotten, images_pruned"
        " FROM site ORDER BY audience"
    ).fetchall()
    problem = rows(db, "SELECT path, line, column_, severity, code, message, across, subject FROM problem")
    paths = rows(db, "SELECT slug, path AS file, updated_at AS updated FROM article")
    more = {"change": change, "versions": versions, "problem": problem, "paths": paths}
    return content(db) | files(db) | more


def rows(db: sqlite3.Connection, sql: str) -> list[Any]:
    """Return the rows sorted, without the columns that are specific to this store."""
    cursor = db.execute(sql)
    columns = [index for index, column in enumerate(cursor.description) if column[0] not in _OWN]
    return sorted((tuple(row[index] for index in columns) for row in cursor), key=repr)
