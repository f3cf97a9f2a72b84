"""Leader election between watch-ingest processes of one database, by flock(2).

The lock is on a file beside the database, because SQLite locks the database itself. The kernel releases it
when its holder exits, for any reason, and wakes the next process.
"""

import errno
import fcntl
import os
from pathlib import Path


def leader_lock_path(database: Path) -> Path:
    """Path of the lock: `news.db-watcher` for `news.db`."""
    return database.with_name(f"{database.name}-watcher")


def acquire_leadership(database: Path) -> int:
    """Wait for leadership; return the lock's descriptor, whose close ends it. Raises OSError."""
    path = leader_lock_path(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    return acquire_lock(path, fcntl.LOCK_EX)


def has_leader(database: Path) -> bool:
    """Return whether a process on this machine runs watch-ingest on the database; creates no file."""
    try:
        descriptor = os.open(leader_lock_path(database), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in {errno.EWOULDBLOCK, errno.EACCES}
    finally:
        os.close(descriptor)
    return False


def acquire_lock(path: Path, kind: int) -> int:
    """Lock the file that is at `path` now, not one that was deleted meanwhile; return its descriptor.

    `kind` is that of flock(2). Raises OSError, and BlockingIOError if `kind` has LOCK_NB and the lock is
    held.
    """
    while True:
        descriptor = _open_lock(path)
        try:
            fcntl.flock(descriptor, kind)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _open_lock(path: Path) -> int:
    """Open the lock file, and create it if necessary.

    A file of another user or on a read-only disk is opened for reading, which suffices to lock it.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
