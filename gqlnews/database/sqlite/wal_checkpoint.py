"""Truncate the write-ahead log of a database that is written to continuously.

SQLite checkpoints automatically, but restarts the log only when no reader needs any of it. With a permanent
reader, such as the subscription feed, that may never happen by itself. So the writer waits for readers up
to `WAIT_MS`, which suffices because no reader holds a snapshot for long. The file is truncated, not only
restarted: otherwise its size would stay large and could not show that there is nothing to do.
"""

import sqlite3
import time
from pathlib import Path

MAX_WAL_BYTES = 32 << 20
WAIT_MS = 1000  # for readers of the log
RETRY_DELAY = 10.0  # seconds before a retry if readers did not finish


class WalCheckpointer:
    """Checkpoint the write-ahead log of the database at `path`."""

    def __init__(self, path: Path) -> None:
        self._file = Path(f"{path}-wal")
        self._not_before = 0.0

    def after_commit(self, db: sqlite3.Connection) -> None:
        """Truncate the log if it is longer than `MAX_WAL_BYTES`; `db` is the writer, between transactions."""
        if self._size() <= MAX_WAL_BYTES or time.monotonic() < self._not_before:
            return
        if not _truncate_wal(db):
            self._not_before = time.monotonic() + RETRY_DELAY

    def _size(self) -> int:
        try:
            return self._file.stat().st_size
        except OSError:
            return 0


def _truncate_wal(db: sqlite3.Connection) -> bool:
    """Truncate the log; return False if readers did not finish in time."""
    (wait,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
    try:
        (is_busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout = {wait}")
    return not is_busy
