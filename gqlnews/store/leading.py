"""Of several processes that would follow a folder into one database, one does: the others wait for its end.

The lock is on a file beside the database and not on the database itself, which SQLite locks. The system frees
it when its holder ends, however that ends, and wakes the next.
"""

import errno
import fcntl
import os
from pathlib import Path


def lock_file(database: Path) -> Path:
    """`news.db` gives `news.db-follower`."""
    return database.with_name(f"{database.name}-follower")


def lead(database: Path) -> int:
    """Wait until no other process leads; who closes the descriptor leads no more. Raises OSError.

    What is locked is the file at this path now, not one that was deleted meanwhile.
    """
    path = lock_file(database)
    path.parent.mkdir(parents=True, exist_ok=True)
    return lock_at(path, fcntl.LOCK_EX)


def lock_at(path: Path, kind: int) -> int:
    """A descriptor that holds the lock on the file at `path` now, not on one that was deleted meanwhile.

    `kind` is that of flock(2). Raises OSError, BlockingIOError where `kind` says not to wait.
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
    """Create the file if need be. One of another user, or on a read-only disk, can be locked all the same."""
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
