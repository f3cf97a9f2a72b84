"""Find the files that an ingest must read: by a scan of the whole folder, or of some paths."""

import os
import sqlite3
from collections.abc import Collection, Generator, Iterable, Iterator
from contextlib import closing
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import msgspec

from gqlnews.content.diagnostics import ProblemCode
from gqlnews.content.models import (
    ContentConfig,
    ContentProblem,
    FrozenStruct,
    ParseOptions,
    ParseResult,
    ProblemSeverity,
    SourceFile,
)
from gqlnews.content.safe_open import OpenFolder
from gqlnews.database.sqlite.writer import fetch_int
from gqlnews.discovery.config_files import is_config
from gqlnews.discovery.scan import (
    display_path,
    is_article,
    is_image,
    is_visible,
    parent_folders,
    scan_paths,
)
from gqlnews.ingest.media import TIMESTAMP_RESOLUTION_NS, find_stale, is_image_path
from gqlnews.ingest.rows import problem_row

# ruff: noqa: S608 - these statements are built from constants only

# Full scan: compare the folder with the store to find files that are gone, new, or must be read.
#
# A *source* is a row of the table `source`: a file that an earlier ingest found, or a folder that it could
# not list. The path of a folder ends with a slash, that of a file does not. The slug is empty if the file is
# passed over.
#
# 1. Fill `scan` with the files that exist now, and with the folders that cannot be listed.
# 2. Fill `gone` with every source that is not in `scan`, except those below a folder that cannot be listed:
#    whether they exist is unknown.
# 3. Insert sources for new files and delete those that are gone, so that `source` shows which files have the
#    same slug.
# 4. Fill `todo` with every file to read: new files, changed files, files that were last read so soon after
#    they were written that a later change may not show in their times, and the first file of each slug whose
#    files were added or removed.
#
# CROSS JOIN sets the join order, because SQLite does not know that these tables have few rows.


UNREADABLE_SIZE = -1  # marker size of files and folders that cannot be read
_BATCH_ROWS = 1024

# The path of a folder that cannot be listed ends in '/', and '0' is the next character: the paths below the
# folder are the range between the two.
_NOT_FOUND = """
source.path NOT IN (SELECT path FROM scan) AND NOT EXISTS (
    SELECT 1 FROM refused WHERE refused.path LIKE '%/'
    AND source.path > refused.path AND source.path < rtrim(refused.path, '/') || '0')
"""


def scan_all(db: sqlite3.Connection, entries: Iterable[SourceFile | ContentProblem], *, reread: bool) -> int:
    """Fill `scan`, `gone`, `todo` and `affected_slug`, and update the paths in `source`.

    `entries` is the content of the whole folder. With `reread`, unchanged files are read too, and otherwise
    those in `stale`, which is filled before. Returns the number of files to read.
    """
    stage_files(db, entries)
    db.execute(f"INSERT INTO gone SELECT path, slug FROM source WHERE {_NOT_FOUND}")
    update_sources(db)
    db.execute(
        "INSERT INTO affected_slug SELECT slug FROM gone WHERE slug <> ''"
        " UNION SELECT slug FROM source WHERE read_ns = 0 AND slug <> ''"
    )
    return queue_changed_files(db, reread=reread)


def unreadable_results(db: sqlite3.Connection) -> Iterator[ParseResult]:
    """Yield a parse result for each file and folder that cannot be read."""
    for path, line, column, severity, code, message in db.execute("SELECT * FROM refused ORDER BY path"):
        problem = ContentProblem(path, line, column, ProblemSeverity(severity), code, message)
        yield ParseResult(SourceFile(path, UNREADABLE_SIZE, 0, 0), None, None, (problem,))


def files_to_read(db: sqlite3.Connection) -> Generator[SourceFile, None, None]:
    """Yield the files of `todo` in order of path."""
    with closing(db.execute("SELECT path, size, mtime_ns, ctime_ns FROM todo ORDER BY path")) as rows:
        for row in rows:
            yield SourceFile(*row)


def has_unreadable(db: sqlite3.Connection) -> bool:
    """Return whether the last ingest reported a file of `todo` as unreadable.

    Such a file may crash the process that parses it.
    """
    statement = "SELECT 1 FROM problem JOIN todo USING (path) WHERE code = ? LIMIT 1"
    return db.execute(statement, (ProblemCode.UNREADABLE,)).fetchone() is not None


def stage_files(db: sqlite3.Connection, entries: Iterable[SourceFile | ContentProblem]) -> None:
    """Insert the entries into `scan`, and those that cannot be read into `refused` too."""
    entries = iter(entries)
    while batch := list(islice(entries, _BATCH_ROWS)):
        problems = [entry for entry in batch if isinstance(entry, ContentProblem)]
        files = [entry for entry in batch if isinstance(entry, SourceFile)]
        files += [SourceFile(problem.path, UNREADABLE_SIZE, 0, 0) for problem in problems]
        db.executemany(
            "INSERT OR REPLACE INTO scan VALUES (?, ?, ?, ?)",
            [(file.path, file.size, file.mtime_ns, file.ctime_ns) for file in files],
        )
        db.executemany(
            "INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?, ?, ?)",
            [problem_row(problem) for problem in problems],
        )


def update_sources(db: sqlite3.Connection) -> None:
    """Delete the sources in `gone`, and insert new ones, with `read_ns` 0 because they have not been read."""
    db.execute("DELETE FROM source WHERE path IN (SELECT path FROM gone)")
    db.execute(
        "INSERT INTO source SELECT path, guessed_slug(path), ?, 0, 0, 0, NULL, NULL, NULL, NULL FROM scan"
        " WHERE path NOT IN (SELECT path FROM source)",
        (UNREADABLE_SIZE,),
    )


def queue_changed_files(db: sqlite3.Connection, *, reread: bool) -> int:
    """Fill `todo` from `scan` and `affected_slug`; return the number of files."""
    db.execute(
        "INSERT INTO todo SELECT path, scan.size, scan.mtime_ns, scan.ctime_ns"
        " FROM scan CROSS JOIN source USING (path)"
        " WHERE scan.size >= 0 AND (?1 OR scan.size <> source.size OR scan.mtime_ns <> source.mtime_ns"
        "   OR scan.ctime_ns <> source.ctime_ns OR source.ctime_ns >= source.read_ns - ?2"
        "   OR source.mtime_ns BETWEEN source.read_ns - ?2 AND source.read_ns + ?2"
        "   OR path IN (SELECT path FROM stale))",
        (reread, TIMESTAMP_RESOLUTION_NS),
    )
    db.execute(
        "INSERT OR IGNORE INTO todo SELECT path, scan.size, scan.mtime_ns, scan.ctime_ns"
        " FROM affected_slug CROSS JOIN source USING (slug) CROSS JOIN scan USING (path)"
        " WHERE scan.size >= 0 AND path = (SELECT min(path) FROM source AS one WHERE one.slug = source.slug)"
    )
    return fetch_int(db, "SELECT count(*) FROM todo")


# Incremental scan: compare only some paths, and what is below them, with the store.
#
# 1. If a parent of a path is a source, use the topmost such parent instead of the path: it is a file that may
#    have become a folder, or a folder that could not be listed, so that the files below it are unknown.
# 2. Fill `scan` with the files that exist there now.
# 3. Fill `gone` with every source at or below these paths that is not in `scan`.
# 4. The first file of each slug whose files were added or removed must be read, and must be in `scan` for
#    that: repeat from step 2 for these files.
#
# Each statement starts from the small tables and finds sources by an index, so the cost does not grow with
# the store.


# The path itself, and the range from `path/` to `path0`: '0' is the character after '/'.
_GONE_BELOW = f"""
INSERT OR IGNORE INTO gone
SELECT source.path, source.slug FROM area CROSS JOIN source ON source.path = area.path WHERE {_NOT_FOUND}
UNION ALL
SELECT source.path, source.slug FROM area
CROSS JOIN source ON source.path >= area.path || '/' AND source.path < area.path || '0'
WHERE {_NOT_FOUND}
"""
_AFFECTED = """
INSERT OR IGNORE INTO affected_slug
SELECT slug FROM gone WHERE slug <> ''
UNION ALL
SELECT slug FROM scan CROSS JOIN source USING (path) WHERE read_ns = 0 AND slug <> ''
"""
_UNSCANNED_FIRST_FILES = """
SELECT (SELECT min(path) FROM source WHERE source.slug = affected_slug.slug) AS first FROM affected_slug
WHERE first NOT IN (SELECT path FROM scan) AND substr(first, -1) <> '/'
"""


def scan_paths_incrementally(db: sqlite3.Connection, folder: OpenFolder, paths: Collection[str]) -> int:
    """Scan as `scan_all` does, but only at and below `paths`; return the number of files to read."""
    pending: Collection[str] = {
        _widen_to_known_parent(db, path) for path in (each.strip("/") for each in paths) if is_visible(path)
    }
    pending = {*pending, *find_stale(db, folder, map(display_path, pending))}
    while pending:
        db.executemany("INSERT OR IGNORE INTO area VALUES (?)", [(display_path(path),) for path in pending])
        stage_files(db, scan_paths(folder, pending))
        db.execute(_GONE_BELOW)
        update_sources(db)
        db.execute(_AFFECTED)
        pending = [path for (path,) in db.execute(_UNSCANNED_FIRST_FILES)]
    return queue_changed_files(db, reread=False)


def relevant_paths(db: sqlite3.Connection, folder: Path, paths: Collection[str]) -> list[str]:
    """Return the paths that may affect the store.

    A path is left out if it is not the name of an article or a configuration file, nothing exists there or an
    image, and the store has no source at or below it, and no article looks for an image there.
    """
    return [
        path
        for path in paths
        if is_article(path)
        or is_config(path)
        or (os.path.isdir(folder / path) if is_image(path) else os.path.lexists(folder / path))
        or _is_known(db, display_path(path))
        or is_image_path(db, display_path(path))
    ]


def _is_known(db: sqlite3.Connection, path: str) -> bool:
    """Return whether the store has a source at or below the path."""
    statement = "SELECT 1 FROM source WHERE path = ?1 OR path >= ?1 || '/' AND path < ?1 || '0' LIMIT 1"
    return db.execute(statement, (path,)).fetchone() is not None


def _widen_to_known_parent(db: sqlite3.Connection, path: str) -> str:
    for parent in parent_folders(path):
        statement = "SELECT EXISTS (SELECT 1 FROM source WHERE path IN (?1, ?1 || '/'))"
        if db.execute(statement, (display_path(parent),)).fetchone() == (1,):
            return parent
    return path


# Fingerprint of everything that determines a file's rows, except its bytes. If it changes, the next ingest
# reads all files.


PARSER_VERSION = 6
"""Increment with any change to how a file is interpreted, or to data derived from several files."""

_PARSER_LIBRARIES = ("yaml-rs", "pyyaml", "pyromark", "nh3", "filetype", "imagesize")


class IngestOptions(FrozenStruct, frozen=True):
    """Options of an ingest: those in effect, made of those given and of the folder's configuration."""

    effective: ParseOptions
    given: ParseOptions
    config: ContentConfig


def fingerprint(options: IngestOptions) -> str:
    """Return a string that changes whenever the same bytes might produce other rows."""
    libraries = {name: version(name) for name in _PARSER_LIBRARIES}
    effective = msgspec.structs.replace(options.effective, now_ns=None)
    given = msgspec.structs.replace(options.given, now_ns=None)
    timeless = IngestOptions(effective, given, options.config)
    return msgspec.json.encode([PARSER_VERSION, libraries, timeless]).decode()


def stored_options(db: sqlite3.Connection) -> IngestOptions | None:
    """Return the options of the last ingest; None if another version of gqlnews stored them."""
    (text,) = db.execute("SELECT fingerprint FROM store").fetchone()
    try:
        stored = msgspec.json.decode(text, type=tuple[int, dict[str, str], IngestOptions])
    except msgspec.DecodeError:
        return None
    return stored[2] if stored[0] == PARSER_VERSION else None
