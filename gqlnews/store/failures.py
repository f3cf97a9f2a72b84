"""What SQLite reports, told as the errors of gqlnews: one line that says what is wrong and what to do."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gqlnews.content.exhausted import is_shortage
from gqlnews.errors import DatabaseError, ForeignDatabaseError, LockedDatabaseError, StorageError
from gqlnews.store.damage import damaged, is_damage, is_ours

# The low byte of an extended result code is the primary one.
_PRIMARY = 0xFF

_FILES_OF_A_CONNECTION = 4  # the database, its log, the index of that, and its folder

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


def explained(error: sqlite3.Error, path: Path | str, *, opening: bool = False) -> DatabaseError | None:
    """What `error` says about the file at `path`; None where the fault is the statement's, not the file's.

    Only while `opening` a connection may the file be another application's. Later it is not looked at: to
    close a descriptor of it would drop the locks that SQLite holds for this process.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & _PRIMARY
    if is_damage(code) or primary == sqlite3.SQLITE_NOTADB:
        if not opening or is_ours(path):
            return damaged(path, str(error))
        primary = sqlite3.SQLITE_NOTADB  # a damaged file of somebody else is none of ours
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
    """Why this process cannot open as many files as a connection needs; SQLite does not tell that apart."""
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
def explaining(path: Path | str, *, opening: bool = False) -> Iterator[None]:
    """Raise a DatabaseError for every failure of the file at `path`; other errors pass as they are."""
    try:
        yield
    except sqlite3.Error as error:
        failure = explained(error, path, opening=opening)
        if failure is None:
            raise
        raise failure from error
