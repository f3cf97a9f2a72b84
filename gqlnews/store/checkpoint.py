"""The write-ahead log of a store that is written to all the time: emptied before it is long.

SQLite moves what is in the log into the database as it goes along, but begins the log anew only where no
reader needs any of it. Where somebody always reads, as a feed does, that moment need not come by itself: it
is waited for, and it comes, since no reader stays at one moment for long. The file is cut off, not only begun
anew: else it would be long for ever, and one could not tell by it that there is nothing to do.
"""

import sqlite3
import time
from pathlib import Path

LONG = 32 << 20  # bytes
WAIT_MS = 1000  # for those who read from the log
PAUSE = 10.0  # seconds until it is tried again where they did not end


class Checkpoints:
    """Of the database at `path`."""

    def __init__(self, path: Path) -> None:
        self._file = Path(f"{path}-wal")
        self._not_before = 0.0

    def after_commit(self, db: sqlite3.Connection) -> None:
        """Empty the log where it is long; `db` is the writer's connection, between transactions."""
        if self._size() <= LONG or time.monotonic() < self._not_before:
            return
        if not _is_emptied(db):
            self._not_before = time.monotonic() + PAUSE

    def _size(self) -> int:
        try:
            return self._file.stat().st_size
        except OSError:
            return 0


def _is_emptied(db: sqlite3.Connection) -> bool:
    (wait,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
    try:
        (is_busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout = {wait}")
    return not is_busy
