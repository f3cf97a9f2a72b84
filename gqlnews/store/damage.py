"""Recognise a damaged database, and share that knowledge between the processes that use it.

Pages are checked when an ingest starts (`PRAGMA quick_check`: 0.06 s for 150 MB); afterwards damage is what a
statement fails with. Whoever meets it writes a report, a small file beside the database. The process that
follows the folder then builds a new store, and servers are not ready until that one is in place.

The report names the file by device and inode, so it does not apply to a store that is renamed over the
damaged one. A file system may reuse the inode of a deleted file at once: so whoever creates a database, or
has ingested into one whose pages are sound, deletes the report.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path

import msgspec

from gqlnews.errors import DamagedDatabaseError
from gqlnews.store.leading import lock_file
from gqlnews.store.location import Identity, identity_of

APPLICATION_ID = 0x67716C6E  # "gqln" in the header, so that `file` and we know our own
_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES, _APPLICATION_ID_AT = 100, 68

# Not among these: failures to write, lock or sync, which say nothing about what is in the file.
_READ_FAILURES = {
    sqlite3.SQLITE_IOERR_READ,
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
    sqlite3.SQLITE_IOERR_DATA,
}


_decode_identity = msgspec.json.Decoder(Identity).decode


class DamageReport(msgspec.Struct, frozen=True):
    """The damaged file, and what a statement said of it."""

    identity: Identity
    reason: str


def is_damage(code: int) -> bool:
    """Whether an extended result code of SQLite says that the file's content cannot be read."""
    return code & 0xFF == sqlite3.SQLITE_CORRUPT or code in _READ_FAILURES


def damaged(path: Path | str, reason: str) -> DamagedDatabaseError:
    """The error, whose message names the way out."""
    return DamagedDatabaseError(
        f"database {path} is damaged ({reason}): `gqlnews ingest FOLDER --rebuild --db {path}` builds it "
        "again from the content folder",
        reason,
    )


def check_pages(db: sqlite3.Connection, path: Path | str) -> None:
    """Raise DamagedDatabaseError unless the structure of every page is sound."""
    _check(db, path, "PRAGMA quick_check(1)")


def check_everything(db: sqlite3.Connection, path: Path | str) -> None:
    """The same, and compare each index with its table; takes three times as long."""
    _check(db, path, "PRAGMA integrity_check(1)")


def _check(db: sqlite3.Connection, path: Path | str, check: str) -> None:
    try:
        (found,) = db.execute(check).fetchone()
    except sqlite3.DatabaseError as error:
        if not is_damage(error.sqlite_errorcode):
            raise
        found = error
    if found != "ok":
        raise damaged(path, str(found).splitlines()[0])


def is_ours(path: Path | str) -> bool:
    """Whether the file is a database of gqlnews, even if SQLite does not know it for a database any more."""
    try:
        with Path(path).open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError:
        return False
    return has_our_header(header) or (_recorded(path) == identity_of(path) and not header.startswith(_MAGIC))


def has_our_header(header: bytes) -> bool:
    """Whether the first bytes of a file carry our application id."""
    end = _APPLICATION_ID_AT + 4
    return int.from_bytes(header[_APPLICATION_ID_AT:end], "big") == APPLICATION_ID


def record_ours(path: Path) -> None:
    """Remember that the file at `path` is ours, for the case that its header is destroyed."""
    with suppress(OSError):
        lock_file(path).write_bytes(msgspec.json.encode(identity_of(path)))


def _recorded(path: Path | str) -> Identity | None:
    try:
        identity: Identity = _decode_identity(lock_file(Path(path)).read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
    return identity


def report_file(database: Path) -> Path:
    """`news.db` has `news.db-damaged`."""
    return database.with_name(f"{database.name}-damaged")


def report(database: Path, identity: Identity | None, error: DamagedDatabaseError) -> None:
    """Tell every process that uses the database; a file that has been replaced meanwhile is not reported."""
    if identity is None or identity != identity_of(database):
        return
    with suppress(OSError):  # who cannot write here still logs it
        report_file(database).write_bytes(msgspec.json.encode(DamageReport(identity, error.reason)))


def clear_report(database: Path) -> None:
    """Delete the report: the file at this path is new, or its pages were checked and are sound."""
    with suppress(OSError):
        report_file(database).unlink(missing_ok=True)


def reported(database: Path) -> DamageReport | None:
    """The report on the file that is at this path now, if there is one."""
    try:
        found = msgspec.json.decode(report_file(database).read_bytes(), type=DamageReport)
    except (OSError, msgspec.MsgspecError):  # a report that is being written is read the next time
        return None
    return found if found.identity == identity_of(database) else None
