"""Record where articles have looked for their images, and find the articles whose images have changed.

A file of an image is not a source: it changes nothing but the articles that use it, or that would if it were
there. So these articles are read again.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from gqlnews.content.image_files import FileStatus, get_status
from gqlnews.content.models import ImageFile
from gqlnews.content.safe_open import OpenFolder

TIMESTAMP_RESOLUTION_NS = 2_000_000_000  # two writes within this time may get the same timestamp


class ImageUse(NamedTuple):
    """The files in which an article has looked for its images."""

    article_id: int
    is_public: bool
    files: Sequence[ImageFile]


def write_uses(db: sqlite3.Connection, uses: Collection[ImageUse], read_ns: int, *, replace: bool) -> None:
    """Write the rows of these articles, and `replace` old ones; `read_ns` is the start of the ingest."""
    if replace:
        db.executemany("DELETE FROM media WHERE article_id = ?", [(use.article_id,) for use in uses])
    db.executemany(
        "INSERT INTO media (path, article_id, published, is_image, size, mtime_ns, ctime_ns, read_ns)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (f.path, use.article_id, use.is_public, f.is_image, f.size, f.mtime_ns, f.ctime_ns, read_ns)
            for use in uses
            for f in use.files
        ],
    )


_ALL = "SELECT DISTINCT path, size, mtime_ns, ctime_ns, read_ns FROM media ORDER BY path"
# The path itself, and the range from `path/` to `path0`: '0' is the character after '/'.
_BELOW = """
SELECT DISTINCT path, size, mtime_ns, ctime_ns, read_ns FROM media
WHERE path = ?1 OR path >= ?1 || '/' AND path < ?1 || '0' ORDER BY path
"""
_STALE = """
INSERT OR IGNORE INTO stale
SELECT article.path FROM changed_image CROSS JOIN media USING (path) CROSS JOIN article ON id = article_id
"""

_States = Iterable[tuple[str, int, int, int, int]]


def find_stale(db: sqlite3.Connection, folder: OpenFolder, paths: Iterable[str] | None = None) -> list[str]:
    """Fill `stale` with the files of articles whose images have changed; return their paths.

    With `paths`, only images at and below them are compared. Raises ExhaustedError.
    """
    for states in [db.execute(_ALL)] if paths is None else (db.execute(_BELOW, (path,)) for path in paths):
        db.executemany("INSERT OR IGNORE INTO changed_image VALUES (?)", _changed(folder, states))
    db.execute(_STALE)
    return [path for (path,) in db.execute("SELECT path FROM stale")]


def _changed(folder: OpenFolder, states: _States) -> Iterator[tuple[str]]:
    """Yield the paths of the files that differ from a state in which an article has seen them."""
    for path, seen in groupby(states, key=itemgetter(0)):
        now = get_status(folder, path)
        if any(FileStatus(*state[1:4]) != now or _may_have_changed(now, state[4]) for state in seen):
            yield (path,)


def _may_have_changed(status: FileStatus, read_ns: int) -> bool:
    """Return whether the file was written so soon before it was read that its times may hide a change."""
    oldest = read_ns - TIMESTAMP_RESOLUTION_NS
    return status.ctime_ns >= oldest or oldest <= status.mtime_ns <= read_ns + TIMESTAMP_RESOLUTION_NS


def is_image_path(db: sqlite3.Connection, path: str) -> bool:
    """Return whether an article has looked for an image at or below the path."""
    return db.execute(_BELOW, (path,)).fetchone() is not None
