"""Classify SQLite errors, detect a damaged database file, and report it to the other processes."""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from gqlnews.database.sqlite.leader_lock import leader_lock_path
from gqlnews.errors import (
    DamagedDatabaseError,
    DatabaseError,
    LockedDatabaseError,
    StorageError,
    UnknownDatabaseError,
    is_exhausted,
)

# Default path of a content folder's database, and the identity of a file.


def default_database(folder: Path, cache: Path) -> Path:
    """Return the default database path in the user's cache folder.

    It depends on the resolved path of `folder`, so every path to the folder leads to the same database.
    """
    resolved = folder.resolve()
    digest = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:12]
    return cache / "gqlnews" / f"{resolved.name or 'root'}-{digest}.db"


Identity = tuple[int, int]
"""Device and inode; they change when the file at a path is replaced."""


def get_identity(path: Path | str) -> Identity | None:
    """Return the identity of the file at this path; None if there is no file."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


# Detect a damaged database, and report it to the other processes that use it.
#
# Only `gqlnews ingest` and the start of `gqlnews serve` check all pages (`PRAGMA quick_check`: 0.06 s for
# 150 MB). Otherwise damage is detected when a statement fails. The process that detects it writes a report, a
# small file beside the database. The process that watches the folder then builds a new store, and servers are
# not ready until it is in place.
#
# The report identifies the file by device and inode, so it does not apply to a new store that replaces the
# damaged one. A file system may reuse the inode of a deleted file immediately; so the report is deleted when
# a database is created, and after an ingest that has found all pages intact.


APPLICATION_ID = 0x67716C6E  # "gqln" in the header, so that `file` and gqlnews recognize it
_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES, _APPLICATION_ID_AT = 100, 68

# Failures to write, lock or sync are left out: they say nothing about the file's content.
_READ_FAILURES = {
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
}


_decode_identity = msgspec.json.Decoder(Identity).decode


class DamageReport(msgspec.Struct, frozen=True):
    """Identity of the damaged file, and SQLite's error message."""

    identity: Identity
    reason: str


def is_damage(code: int) -> bool:
    """Return whether an extended SQLite result code means that the file's content cannot be read."""
    return code & 0xFF == sqlite3.SQLITE_CORRUPT or code in _READ_FAILURES


def damaged_error(path: Path | str, reason: str) -> DamagedDatabaseError:
    """Build the error; its message says how to repair the database."""
    return DamagedDatabaseError(
        f"database {path} is damaged ({reason}): run `gqlnews ingest FOLDER --rebuild --db {path}` "
        "to rebuild it from the content folder",
        reason,
    )


def check_pages(db: sqlite3.Connection, path: Path | str) -> None:
    """Raise DamagedDatabaseError if the structure of a page is damaged."""
    _check(db, path, "PRAGMA quick_check(1)")


def check_integrity(db: sqlite3.Connection, path: Path | str) -> None:
    """Check as `check_pages` does, and compare each index with its table; takes three times as long."""
    _check(db, path, "PRAGMA integrity_check(1)")


def _check(db: sqlite3.Connection, path: Path | str, check: str) -> None:
    try:
        (result,) = db.execute(check).fetchone()
    except sqlite3.DatabaseError as error:
        if not is_damage(error.sqlite_errorcode):
            raise
        result = error
    if result != "ok":
        raise damaged_error(path, str(result).splitlines()[0])


def is_gqlnews_database(path: Path | str) -> bool:
    """Return whether the file is a gqlnews database, even if SQLite no longer recognizes it as a database."""
    try:
        with Path(path).open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError:
        return False
    return has_gqlnews_header(header) or (
        _read_recorded_identity(path) == get_identity(path) and not header.startswith(_MAGIC)
    )


def has_gqlnews_header(header: bytes) -> bool:
    """Return whether the first bytes of a file contain our application id."""
    end = _APPLICATION_ID_AT + 4
    return int.from_bytes(header[_APPLICATION_ID_AT:end], "big") == APPLICATION_ID


def record_identity(path: Path) -> None:
    """Write the identity of the database at `path` into its leader lock file.

    `is_gqlnews_database` then recognizes the database even if its header is destroyed.
    """
    with suppress(OSError):
        leader_lock_path(path).write_bytes(msgspec.json.encode(get_identity(path)))


def _read_recorded_identity(path: Path | str) -> Identity | None:
    try:
        identity: Identity = _decode_identity(leader_lock_path(Path(path)).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
    return identity


def report_path(database: Path) -> Path:
    """Path of the report: `news.db-damaged` for `news.db`."""
    return database.with_name(f"{database.name}-damaged")


def write_report(database: Path, identity: Identity | None, error: DamagedDatabaseError) -> None:
    """Write a damage report for the other processes, unless the file was replaced meanwhile."""
    if identity is None or identity != get_identity(database):
        return
    with suppress(OSError):  # without write permission, the caller's log entry remains
        report_path(database).write_bytes(msgspec.json.encode(DamageReport(identity, error.reason)))


def delete_report(database: Path) -> None:
    """Delete the report, because the file at this path is new or all its pages are intact."""
    with suppress(OSError):
        report_path(database).unlink(missing_ok=True)


def read_report(database: Path) -> DamageReport | None:
    """Return the report on the file that is at this path now, if any."""
    try:
        damage = msgspec.json.decode(report_path(database).read_bytes(), type=DamageReport)
    except (OSError, msgspec.MsgspecError):  # a partially written report is read the next time
        return None
    return damage if damage.identity == get_identity(database) else None


# Translate SQLite errors to gqlnews errors: one line that says what is wrong and how to fix it.


# The low byte of an extended result code is the primary one.
_PRIMARY = 0xFF

_FILES_OF_A_CONNECTION = 4  # the database, its -wal and -shm files, and its folder

_IN_USE = (LockedDatabaseError, "is in use by another process: wait for it to end, or stop it")
_UNREACHABLE = (DatabaseError, "cannot be opened: check the path and its permissions")
_ERRORS: dict[int, tuple[type[DatabaseError], str]] = {
    sqlite3.SQLITE_NOTADB: (
        UnknownDatabaseError,
        "is not a gqlnews database: choose another file with --db, or delete this one",
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
        if not opening or is_gqlnews_database(path):
            return damaged_error(path, str(error))
        primary = sqlite3.SQLITE_NOTADB  # a damaged file that is not ours
    if primary == sqlite3.SQLITE_CANTOPEN and (shortage := _shortage()) is not None:
        return StorageError(
            f"database {path} cannot be opened ({shortage}): raise the limits of open files and memory"
        )
    entry = _ERRORS.get(primary)
    if entry is None:
        return None
    error_class, advice = entry
    return error_class(f"database {path} {advice} ({error})")


def _shortage() -> str | None:
    """Return why this process cannot open as many files as a connection needs; None if it can.

    SQLite does not report this separately from other open errors.
    """
    opened: list[int] = []
    try:
        for _ in range(_FILES_OF_A_CONNECTION):
            opened.append(os.open(os.devnull, os.O_RDONLY))  # noqa: PERF401  # each is to be closed
    except OSError as error:
        return error.strerror if is_exhausted(error) else None
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
