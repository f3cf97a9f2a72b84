"""Translate SQLite errors to gqlnews errors: one line that says what is wrong and what to do."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gqlnews.database.sqlite.damage import damaged, is_damage, is_ours
from gqlnews.errors import DatabaseError, LockedDatabaseError, StorageError, UnknownDatabaseError
from gqlnews.resource_errors import is_shortage

# The low byte of an extended result code is the primary one.
_PRIMARY = 0xFF

_FILES_OF_A_CONNECTION = 4  # the database, its -wal and -shm files, and its folder

_IN_USE = (LockedDatabaseError, "is in use by another process: wait for it to end, or stop it")
_UNREACHABLE = (DatabaseError, "cannot be opened: check the path and its permissions")
_ADVICE: dict[int, tuple[type[DatabaseError], str]] = {
    sqlite3.SQLITE_NOTADB: (
        UnknownDatabaseError,
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


def to_database_error(
    error: sqlite3.Error, path: Path | str, *, opening: bool = False
) -> DatabaseError | None:
    """Translate `error` for the file at `path`; None if the statement is at fault, not the file.

    Only while `opening` a connection may the file be another application's. Later the file is not read,
    because closing a file descriptor of it would drop the POSIX locks that SQLite holds for this process.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & _PRIMARY
    if is_damage(code) or primary == sqlite3.SQLITE_NOTADB:
        if not opening or is_ours(path):
            return damaged(path, str(error))
        primary = sqlite3.SQLITE_NOTADB  # a damaged file that is not ours
    if primary == sqlite3.SQLITE_CANTOPEN and (shortage := _shortage()) is not None:
        return StorageError(
            f"database {path} cannot be opened ({shortage}): raise the limits of open files and memory"
        )
    advice = _ADVICE.get(primary)
    if advice is None:
        return None
    kind, what = advice
    return kind(f"database {path} {what} ({error})")


def _shortage() -> str | None:
    """Return why this process cannot open as many files as a connection needs; None if it can.

    SQLite does not report this separately from other open errors.
    """
    opened: list[int] = []
    try:
        for _ in range(_FILES_OF_A_CONNECTION):
            opened.append(os.open(os.devnull, os.O_RDONLY))  # noqa: PERF401  # each is to be closed
    except OSError as error:
        return error.strerror if is_shortage(error) else None
    finally:
        for descriptor in opened:
            os.close(descriptor)
    return None


@contextmanager
def translate_errors(path: Path | str, *, opening: bool = False) -> Iterator[None]:
    """Translate failures of the file at `path` to DatabaseError; other errors propagate unchanged."""
    try:
        yield
    except sqlite3.Error as error:
        failure = to_database_error(error, path, opening=opening)
        if failure is None:
            raise
        raise failure from error
