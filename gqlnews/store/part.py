"""Taking stock of some paths alone: what lies at or below them is compared, all else is as it was.

1. A path is widened to a folder above it that the store knows as a file, or as one that could not be listed:
   that is no longer so, or nothing below it may be concluded from.
2. What is there now fills `scan`, as `look` finds it.
3. `gone` is every source at or below these paths that is not.
4. The first file of each slug whose files came or went is read, and so looked at too: again from 2.

Each statement starts from what is few and finds sources by their index: nothing here grows with the store.
"""

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from gqlnews.content.discover import is_article, shown
from gqlnews.content.look import folders_above, is_visible
from gqlnews.content.records import Problem, SourceFile
from gqlnews.store.scan import NOT_FOUND, fill_scan, list_todo, update_sources

# ruff: noqa: S608 - the parts of these statements are this program's

Look = Callable[[Collection[str]], Iterable[SourceFile | Problem]]
"""What is at or below these paths."""

# At a path itself, and from `path/` up to `path0`, as '0' is the character after '/'.
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


def take_stock_of(db: sqlite3.Connection, look: Look, paths: Collection[str]) -> int:
    """As `take_stock` of the whole folder does, for what is at or below `paths`; how many files to read."""
    more: Collection[str] = {_widened(db, path) for path in map(_plain, paths) if is_visible(path)}
    while more:
        db.executemany("INSERT OR IGNORE INTO area VALUES (?)", [(shown(path),) for path in more])
        fill_scan(db, look(more))
        db.execute(_GONE)
        update_sources(db)
        db.execute(_AFFECTED)
        more = [path for (path,) in db.execute(_FIRST)]
    return list_todo(db, everything=False)


def concerned(db: sqlite3.Connection, folder: Path, paths: Collection[str]) -> list[str]:
    """The paths where an article may be or was; the others are gone, and the store never knew of them."""
    return [
        path
        for path in paths
        if is_article(path) or os.path.lexists(folder / path) or _is_known(db, shown(path))
    ]


def _is_known(db: sqlite3.Connection, path: str) -> bool:
    """Whether something at or below it is."""
    found = "SELECT 1 FROM source WHERE path = ?1 OR path >= ?1 || '/' AND path < ?1 || '0' LIMIT 1"
    return db.execute(found, (path,)).fetchone() is not None


def _plain(path: str) -> str:
    return path.strip("/")


def _widened(db: sqlite3.Connection, path: str) -> str:
    for above in folders_above(path):
        known = "SELECT EXISTS (SELECT 1 FROM source WHERE path IN (?1, ?1 || '/'))"
        if db.execute(known, (shown(above),)).fetchone() == (1,):
            return above
    return path
