"""What SQLite reports, told as the errors of gqlnews: one line that says what is wrong and what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gqlnews.errors import DatabaseError, ForeignDatabaseError, LockedDatabaseError, StorageError
from gqlnews.store.damage import damaged, is_damage, is_ours

# The low byte of an extended result code is the primary one.
_PRIMARY = 0xFF

_IN_USE = (LockedDatabaseError, "is in use by another process: wait for it to end, or stop it")
_UNREACHABLE = (DatabaseError, "cannot be opened: check the path and its permissions")
_ADVICE: dict[int, tuple[type[DatabaseError], str]] = {
    sqlite3.SQLITE_NOTADB: (
        ForeignDatabaseError,
        "is no database of gqlnews: name another file with --db, or delete this one",
    ),
    sqlite3.SQLITE_BUSY: _IN_USE,
    sqlite3.SQLITE_LOCKED: _IN_USE,
    sqlite3.SQLITE_CANTOPEN: _UNREACHABLE,
    sqlite3.SQLITE_PERM: _UNREACHABLE,
    sqlite3.SQLITE_READONLY: (DatabaseError, "cannot be written: check its permissions"),
    sqlite3.SQLITE_FULL: (StorageError, "cannot grow, the disk is full: free some space"),
    sqlite3.SQLITE_IOERR: (StorageError, "cannot be read or written: check its disk"),
}


def explained(error: sqlite3.Error, path: Path | str) -> DatabaseError | None:
    """What `error` says about the file at `path`; None where the fault is the statement's, not the file's."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & _PRIMARY
    if is_damage(code) or primary == sqlite3.SQLITE_NOTADB:
        if is_ours(path):
            return damaged(path, str(error))
        primary = sqlite3.SQLITE_NOTADB  # a damaged file of somebody else is none of ours
    advice = _ADVICE.get(primary)
    if advice is None:
        return None
    kind, what = advice
    return kind(f"database {path} {what} ({error})")


@contextmanager
def explaining(path: Path | str) -> Iterator[None]:
    """Raise a DatabaseError for every failure of the file at `path`; other errors pass as they are."""
    try:
        yield
    except sqlite3.Error as error:
        failure = explained(error, path)
        if failure is None:
            raise
        raise failure from error
