"""Bulk-load mode for the first ingest into an empty store: faster, and just as safe."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gqlnews.database.sqlite.writer import WAIT_SECONDS, enable_wal, fetch_int


def is_empty(db: sqlite3.Connection) -> bool:
    """Return whether the store has no articles."""
    return fetch_int(db, "SELECT NOT EXISTS (SELECT 1 FROM article)") == 1


@contextmanager
def bulk_load_mode(db: sqlite3.Connection) -> Iterator[None]:
    """Bulk-load an empty store without foreign key checks and with a rollback journal; writes twice as fast.

    The checks are not needed: rows that refer to a removed article are deleted or derived again by name. So
    it does no harm if another process fills the store before this one gets the write lock.

    Pages appended to the file need no rollback journal, so they are written once. Write-ahead logging would
    write them twice, and more often if they do not fit the cache. If this process is killed, the next process
    that opens the database rolls back its hot journal. Meanwhile others find the database locked.
    """
    if not is_empty(db):
        yield
        return
    db.execute("PRAGMA foreign_keys = OFF")
    journalled = _journal_rollbacks(db)
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # report the first error; `open_writer` restores these settings too
            _undo(db, journalled=journalled)
        raise
    _undo(db, journalled=journalled)


def _undo(db: sqlite3.Connection, *, journalled: bool) -> None:
    db.execute("PRAGMA foreign_keys = ON")
    if journalled:
        enable_wal(db, WAIT_SECONDS)


def _journal_rollbacks(db: sqlite3.Connection) -> bool:
    """Switch to a rollback journal; return False if another connection has the database open."""
    try:
        db.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True
