"""Incremental scan: compare only some paths, and what is below them, with the store.

1. Widen each path to its topmost parent that the store knows as a file or as an unlistable folder: either
   that has changed, or nothing can be concluded about what is below it.
2. Fill `scan` with what is there now, as found by `scan`.
3. Fill `gone` with every source at or below these paths that was not found.
4. The first file of each slug whose files were added or removed must be read, and so scanned too: repeat
   from 2 for these.

Each statement starts from the small tables and finds sources by index, so the cost does not grow with the
store.
"""

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from gqlnews.content.models import Problem, SourceFile
from gqlnews.discovery.scan import display_path, is_article
from gqlnews.discovery.scan_paths import is_visible, parent_folders
from gqlnews.ingest.full_scan import NOT_FOUND, queue_changed_files, stage_files, update_sources

# ruff: noqa: S608 - the parts of these statements are this program's

Look = Callable[[Collection[str]], Iterable[SourceFile | Problem]]
"""Return the files at or below these paths."""

# The path itself, and the range from `path/` to `path0`: '0' is the character after '/'.
_GONE = f"""
INSERT OR IGNORE INTO gone
SELECT source.path, source.slug FROM area CROSS JOIN source ON source.path = area.path WHERE {NOT_FOUND}
UNION ALL
SELECT source.path, source.slug FROM area
CROSS JOIN source ON source.path >= area.path || '/' AND source.path < area.path || '0'
WHERE {NOT_FOUND}
"""
_AFFECTED = """
INSERT OR IGNORE INTO affected_slug
SELECT slug FROM gone
UNION ALL
SELECT slug FROM scan CROSS JOIN source USING (path) WHERE read_ns = 0
"""
_FIRST = """
SELECT (SELECT min(path) FROM source WHERE source.slug = affected_slug.slug) AS first FROM affected_slug
WHERE first NOT IN (SELECT path FROM scan) AND substr(first, -1) <> '/'
"""


def scan_paths_incrementally(db: sqlite3.Connection, scan: Look, paths: Collection[str]) -> int:
    """Scan what is at or below `paths`, like `scan_all`; return the number of files to read."""
    more: Collection[str] = {
        _widen_to_known_parent(db, path) for path in map(_plain, paths) if is_visible(path)
    }
    while more:
        db.executemany("INSERT OR IGNORE INTO area VALUES (?)", [(display_path(path),) for path in more])
        stage_files(db, scan(more))
        db.execute(_GONE)
        update_sources(db)
        db.execute(_AFFECTED)
        more = [path for (path,) in db.execute(_FIRST)]
    return queue_changed_files(db, everything=False)


def relevant_paths(db: sqlite3.Connection, folder: Path, paths: Collection[str]) -> list[str]:
    """Return the paths that may affect the store; the others are gone, and the store has nothing there."""
    return [
        path
        for path in paths
        if is_article(path) or os.path.lexists(folder / path) or _is_known(db, display_path(path))
    ]


def _is_known(db: sqlite3.Connection, path: str) -> bool:
    """Return whether the store has a source at or below the path."""
    found = "SELECT 1 FROM source WHERE path = ?1 OR path >= ?1 || '/' AND path < ?1 || '0' LIMIT 1"
    return db.execute(found, (path,)).fetchone() is not None


def _plain(path: str) -> str:
    return path.strip("/")


def _widen_to_known_parent(db: sqlite3.Connection, path: str) -> str:
    for above in parent_folders(path):
        known = "SELECT EXISTS (SELECT 1 FROM source WHERE path IN (?1, ?1 || '/'))"
        if db.execute(known, (display_path(above),)).fetchone() == (1,):
            return above
    return path
