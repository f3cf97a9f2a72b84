"""Read-only connections: settings, running a request's statements, and limits on time and size."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import cast
from urllib.parse import quote

from gqlnews.custom_fields import CustomField, decode_fields
from gqlnews.database.protocol import Statements, response_too_large, timeout_error
from gqlnews.database.sqlite.damage import translate_errors
from gqlnews.database.sqlite.migrations import newest_version
from gqlnews.database.sqlite.read_only import has_log, is_immutable, is_read_only
from gqlnews.database.sqlite.rebuild import hold_swap_lock
from gqlnews.database.sqlite.writer import BUSY_TIMEOUT, check_header
from gqlnews.errors import DatabaseError, OverloadedError, ResourceLimitError

MMAP_BYTES = 0x7FFF_0000  # SQLite's maximum
CACHE_KIB = 64 * 1024  # per connection, for pages beyond the mapped part
CACHED_STATEMENTS = 128  # prepared statements, up to about 0.2 MB each


def execute_all(db: sqlite3.Connection, statements: Statements) -> list[bytes | None]:
    """Run the statements in one read transaction.

    Returns the bytes of each statement's one value, None for NULL or no row.
    """
    if len(statements) == 1:  # a single statement is its own transaction
        return [_fetch_value(db, *statements[0])]
    with read_transaction(db):
        return execute_in_transaction(db, statements)


@contextmanager
def read_transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Run the block in a read transaction."""
    try:
        db.execute("BEGIN")  # may be interrupted and take effect nevertheless
        yield
    finally:
        if db.in_transaction:  # SQLite has rolled back after an I/O error
            db.execute("ROLLBACK")  # nothing was written


def execute_in_transaction(db: sqlite3.Connection, statements: Statements) -> list[bytes | None]:
    """Run the statements in the open transaction; the result is that of `execute_all`."""
    results = [_fetch_value(db, sql, params) for sql, params in statements]
    if sum(map(len, filter(None, results))) > db.getlimit(sqlite3.SQLITE_LIMIT_LENGTH):
        raise _response_too_large(db)  # together they exceed the limit of a single one
    return results


def _fetch_value(db: sqlite3.Connection, sql: str, params: Sequence[object]) -> bytes | None:
    row = db.execute(sql, cast("Sequence[str]", params)).fetchone()
    return None if row is None else cast("bytes | None", row[0])


def connect_to_read(path: Path, busy_timeout: float = BUSY_TIMEOUT, max_bytes: int = 0) -> sqlite3.Connection:
    """Open a read-only connection that returns text as bytes. `busy_timeout` is in seconds.

    `max_bytes`, if not 0, limits the length of any text: beyond it a statement raises sqlite3.DataError or
    MemoryError.
    """
    db = _connect_with_recovery(path, busy_timeout)
    if max_bytes:
        set_size_limits(db, max_bytes)
    return db


def has_content(db: sqlite3.Connection) -> bool:
    """Return whether a folder was ingested, even an empty one."""
    try:
        (fingerprint,) = db.execute("SELECT fingerprint FROM store").fetchone()
    except sqlite3.Error:  # the tables do not exist yet
        return False
    return bool(fingerprint)


def has_stored_content(path: Path) -> bool:
    """Return whether the database can be read, and a folder was ingested into it."""
    try:
        with closing(connect_to_read(path)) as db:
            return has_content(db)
    except DatabaseError:
        return False


def read_custom_fields(path: Path) -> tuple[CustomField, ...]:
    """Return the custom fields of a store; none if it cannot be read, which opening it reports."""
    if not path.exists():
        return ()  # without a lock file beside it
    try:
        with closing(connect_to_read(path)) as db:
            return decode_fields(db.execute("SELECT custom_fields FROM store").fetchone()[0])
    except (DatabaseError, sqlite3.Error):
        return ()


def _connect_with_recovery(path: Path, busy_timeout: float) -> sqlite3.Connection:
    with translate_errors(path, opening=True), hold_swap_lock(path, wait=busy_timeout > 0):
        try:
            return _connect(path, busy_timeout)
        except sqlite3.OperationalError as error:
            if has_log(path) and is_read_only(path):
                raise DatabaseError(
                    f"database {path} is on a read-only file system and has a log, so it cannot be read "
                    f"({error}): end the process that writes it, and provide the file without its log"
                ) from error
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
            _rollback_hot_journal(path, busy_timeout)
            return _connect(path, busy_timeout)


def _rollback_hot_journal(path: Path, busy_timeout: float) -> None:
    """Roll back the hot journal of a first ingest that was killed.

    This needs a writable connection; reading the database makes SQLite roll back.
    """
    with closing(sqlite3.connect(path, timeout=busy_timeout)) as db:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    immutable = "&immutable=1" if is_immutable(path) else ""
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro{immutable}",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
    )
    try:
        newest = newest_version()
        if 0 < (version := check_header(db, path, newest)) < newest:
            raise DatabaseError(
                f"database {path} was created by an older gqlnews (its version is {version}, this program "
                f"needs {newest}): run `gqlnews ingest FOLDER --db {path}`, which migrates it"
            )
        db.execute("PRAGMA query_only = ON")
        db.execute(f"PRAGMA mmap_size = {MMAP_BYTES}").fetchall()
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        db.text_factory = bytes
    except BaseException:
        db.close()
        raise
    return db


# Limits of running statements: time, and size of the results.


FULL_TEXT = " MATCH "  # in SQL; a search does much work per virtual machine instruction
STEPS_PER_SECOND = 66_000_000  # approximate instructions of SQLite's virtual machine
SEARCH_STEPS_PER_CHECK = 20_000  # about 3 ms; some tenths of a second for a search by a short prefix
MIN_STEPS = 1_000
CHECK_SECONDS = 0.03  # between two checks whether to stop; each check acquires the GIL
MIN_CHECKS = 20  # per timeout

HEAP_BYTES = 256 << 20  # for SQLite's caches, over all connections of a process
HEAP_RESULTS = 4  # results of the maximum size at once; a growing result is in memory twice

UNLIMITED_BYTES = 1_000_000_000  # SQLite's own limit
FILL_MEMORY = "SELECT length(max(hex(zeroblob(:half)), hex(zeroblob(:half))))"

OUT_OF_MEMORY_MESSAGE = "The server is short of memory because of other requests: try again later."


def steps_per_check(seconds: float, *, is_search: bool) -> int:
    """Return the number of instructions between two checks of a statement with this timeout."""
    if is_search:
        return SEARCH_STEPS_PER_CHECK
    return max(MIN_STEPS, int(STEPS_PER_SECOND * min(CHECK_SECONDS, seconds / MIN_CHECKS)))


def set_size_limits(db: sqlite3.Connection, max_bytes: int) -> None:
    """Limit the length of texts on this connection, and SQLite's heap.

    Only the heap limit stops an array that grows. That limit applies to all connections of the process
    together, and can only be lowered.
    """
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max_bytes)
    db.execute(f"PRAGMA hard_heap_limit = {HEAP_BYTES + HEAP_RESULTS * max_bytes}").fetchall()


def to_limit_error(error: Exception, db: sqlite3.Connection) -> ResourceLimitError | None:
    """Return the error for the limit that was exceeded; None if the statement failed for another reason.

    If SQLite is out of memory, this may be because of the statement or because of others. In the first case
    the memory is free again.
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return timeout_error()
    if isinstance(error, MemoryError):
        return _response_too_large(db) if _has_memory(db) else OverloadedError(OUT_OF_MEMORY_MESSAGE)
    return _response_too_large(db) if code == sqlite3.SQLITE_TOOBIG else None


def _has_memory(db: sqlite3.Connection) -> bool:
    """Return whether SQLite has memory for a result of the maximum size, twice as while it grows."""
    max_bytes = db.getlimit(sqlite3.SQLITE_LIMIT_LENGTH)
    if max_bytes >= UNLIMITED_BYTES:
        return False
    with suppress(MemoryError):
        db.execute(FILL_MEMORY, {"half": max_bytes // 2 - 1}).fetchone()
        return True
    return False


def _response_too_large(db: sqlite3.Connection) -> ResourceLimitError:
    return response_too_large(db.getlimit(sqlite3.SQLITE_LIMIT_LENGTH))
