"""Databases on a read-only file system.

SQLite cannot read a database with write-ahead logging there, because it cannot create the shared memory file.
It can if it may assume that the file never changes (`immutable=1`): then it takes no locks and caches without
checks. So that is used only if the file system is read-only and there is no log. Nothing in this mount can
change the file then, but something outside can: the file has to be opened again if it looks different, and
must be replaced by renaming another over it, never written in place.
"""

import os
from pathlib import Path
from typing import NamedTuple

from gqlnews.database.sqlite.damage import Identity

_LOGS = ("-wal", "-journal")


class FileState(NamedTuple):
    """What a connection depends on; if it changes, the file has to be opened again.

    All but the identity are constant unless the file system is read-only: then SQLite itself detects changes.
    """

    identity: Identity
    is_read_only: bool = False
    has_log: bool = False
    size: int = 0
    mtime_ns: int = 0


def get_file_state(path: Path) -> FileState | None:
    """Return the state of the file at this path; None if there is no file."""
    try:
        status = os.stat(path)
        identity = status.st_dev, status.st_ino
        if not is_read_only(path):
            return FileState(identity)
    except OSError:
        return None
    return FileState(identity, True, has_log(path), status.st_size, status.st_mtime_ns)


def is_read_only(path: Path) -> bool:
    """Return whether the file system of the path is mounted read-only. Raises OSError."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def has_log(path: Path) -> bool:
    """Return whether a write-ahead log or a rollback journal is beside the file, behind all links."""
    real = os.path.realpath(path)
    return any(os.path.exists(real + suffix) for suffix in _LOGS)


def is_immutable(path: Path) -> bool:
    """Return whether SQLite may assume that the file does not change."""
    try:
        return is_read_only(path) and not has_log(path)
    except OSError:
        return False
