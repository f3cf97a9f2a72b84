"""Slugs of files, and which of several files with one slug is served.

The slug of a native file depends on its path in the content folder, that of a mapped file on its place in the
site. Which of the two it is shows only when the file is parsed.

1. A new source has the slug that it probably gets.
2. A file to read is *contested* if a slug that it may get is another file's, or may become it. Contested
   files are parsed before all others, so that their slugs are known.
3. The first file of each slug that a contested file has got or lost must be read.
4. The slug of any other file is updated when it is upserted.
"""

import sqlite3
from collections.abc import Iterable

import msgspec

from gqlnews.content.models import SourceFile
from gqlnews.content.presets.addresses import mapped_slug
from gqlnews.content.presets.site import ContentSite, find_site
from gqlnews.text_keys import slug_from_path

_CANDIDATES = """
INSERT INTO candidate
SELECT slug, path FROM todo CROSS JOIN source USING (path) WHERE slug <> ''
UNION SELECT native_slug(path), path FROM todo UNION SELECT mapped_slug(path), path FROM todo
"""
_CONTESTED = """
INSERT INTO contested
SELECT path, size, mtime_ns, ctime_ns FROM todo WHERE path IN (
    SELECT path FROM candidate WHERE slug IN (SELECT slug FROM candidate GROUP BY slug HAVING count(*) > 1)
    UNION ALL
    SELECT candidate.path FROM candidate CROSS JOIN source USING (slug)
    WHERE source.path <> candidate.path AND source.path NOT IN (SELECT path FROM todo)
)
"""
_FIRST_FILES = """
INSERT OR IGNORE INTO todo
SELECT path, size, mtime_ns, ctime_ns FROM affected_slug CROSS JOIN source USING (slug)
WHERE size >= 0 AND path NOT IN (SELECT path FROM contested)
    AND path = (SELECT min(path) FROM source AS one WHERE one.slug = source.slug)
"""
_SHADOWED = """
SELECT path FROM contested CROSS JOIN source USING (path) WHERE slug <> '' AND EXISTS
    (SELECT 1 FROM source AS first WHERE first.slug = source.slug AND first.path < source.path)
"""
_MARK_AFFECTED = """
INSERT OR IGNORE INTO affected_slug SELECT slug FROM contested CROSS JOIN source USING (path) WHERE slug <> ''
"""
_STORED_SLUGS = "SELECT path, slug FROM source WHERE path IN (SELECT value FROM json_each(?))"


def define_slugs(db: sqlite3.Connection, sites: tuple[ContentSite, ...]) -> None:
    """Define the SQL functions that return the slugs that a path may have."""

    def guessed_slug(path: str) -> str:
        if path.endswith("/"):  # a folder that cannot be listed
            return path
        return (
            slug_from_path(path) if find_site(sites, path).preset == "generic" else mapped_slug(sites, path)
        )

    db.create_function("guessed_slug", 1, guessed_slug, deterministic=True)
    db.create_function("native_slug", 1, slug_from_path, deterministic=True)
    db.create_function("mapped_slug", 1, lambda path: mapped_slug(sites, path), deterministic=True)


def contested_files(db: sqlite3.Connection) -> list[SourceFile]:
    """Move the files whose slug another file may have from `todo` to `contested`, and return them."""
    db.execute(_CANDIDATES)
    db.execute(_CONTESTED)
    db.execute("DELETE FROM todo WHERE path IN (SELECT path FROM contested)")
    return [SourceFile(*row) for row in db.execute("SELECT * FROM contested ORDER BY path")]


def settle_slugs(db: sqlite3.Connection, slugs: Iterable[tuple[str | None, str]]) -> frozenset[str]:
    """Store the slugs of the contested files, given with their paths; None is unknown.

    Returns the paths whose slug belongs to an earlier path.
    """
    db.execute(_MARK_AFFECTED)
    record_slugs(db, slugs)
    db.execute(_MARK_AFFECTED)
    db.execute(_FIRST_FILES)
    return frozenset(path for (path,) in db.execute(_SHADOWED))


def record_slugs(db: sqlite3.Connection, slugs: Iterable[tuple[str | None, str]]) -> None:
    """Store the slugs of files, given with their paths, and add the slugs that they had before to `lost`.

    A slug that is None remains unchanged.
    """
    known = [(slug, path) for slug, path in slugs if slug is not None]
    rows = db.execute(_STORED_SLUGS, (msgspec.json.encode([path for _, path in known]).decode(),))
    stored: dict[str, str] = dict(rows)
    changed = [(slug, path) for slug, path in known if stored.get(path, slug) != slug]
    db.executemany("INSERT OR IGNORE INTO lost SELECT slug FROM source WHERE slug <> ? AND path = ?", changed)
    db.executemany("UPDATE source SET slug = ? WHERE path = ?", changed)
