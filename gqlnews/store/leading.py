"""Of several processes that would follow a folder into one database, one does: the others wait for its end.

The lock is on a file beside the database and not on the database itself, which SQLite locks. The system frees
it when its holder ends, however that ends, and wakes the next.
"""

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
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(descriptor), os.stat(path)):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
