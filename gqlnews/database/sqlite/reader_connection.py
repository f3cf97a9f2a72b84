"""Read-only connections, and how the statements of a request run on one."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast
from urllib.parse import quote

from gqlnews.database.sqlite.migrations import migrations
from gqlnews.database.sqlite.query_limits import set_size_limits, too_large
from gqlnews.database.sqlite.rebuild import in_use
from gqlnews.database.sqlite.sqlite_errors import translate_errors
from gqlnews.database.sqlite.writer import WAIT_SECONDS, check_header

MMAP_BYTES = 0x7FFF_0000  # SQLite's maximum
CACHE_KIB = 64 * 1024  # per connection, for pages beyond the mapped part
CACHED_STATEMENTS = 128  # prepared statements, up to about 0.2 MB each

Statement = tuple[str, Sequence[object]]
"""SQL text and its parameters. It returns one row with one column of JSON text."""

Statements = Sequence[Statement]


def run(db: sqlite3.Connection, statements: Statements) -> list[bytes | None]:
    """Run the statements in one read transaction.

    Returns the bytes of each statement's one value, None for NULL or no row.
    """
    if len(statements) == 1:  # a single statement is its own transaction
        return [_answer(db, *statements[0])]
    with reading(db):
        return execute_in_transaction(db, statements)


@contextmanager
def reading(db: sqlite3.Connection) -> Iterator[None]:
    """Read transaction."""
    try:
        db.execute("BEGIN")  # may be interrupted and take effect nevertheless
        yield
    finally:
        if db.in_transaction:  # SQLite has rolled back after an I/O error
            db.execute("ROLLBACK")  # nothing was written


def execute_in_transaction(db: sqlite3.Connection, statements: Statements) -> list[bytes | None]:
    """Run the statements in the open transaction; the result is that of `run`."""
    answers = [_answer(db, sql, values) for sql, values in statements]
    check_total_size(db, answers)
    return answers


def check_total_size(db: sqlite3.Connection, answers: Iterable[bytes | None]) -> None:
    """Raise ResourceLimitError if the results together are larger than a single one may be."""
    if sum(map(len, filter(None, answers))) > db.getlimit(sqlite3.SQLITE_LIMIT_LENGTH):
        raise too_large(db)


def _answer(db: sqlite3.Connection, sql: str, values: Sequence[object]) -> bytes | None:
    row = db.execute(sql, cast("Sequence[str]", values)).fetchone()
    return None if row is None else cast("bytes | None", row[0])


def connect_to_read(path: Path, wait: float = WAIT_SECONDS, most_bytes: int = 0) -> sqlite3.Connection:
    """Open a read-only connection that returns text as bytes. `wait` is the busy timeout in seconds.

    `most_bytes`, if not 0, limits the length of any text: beyond it a statement raises sqlite3.DataError or
    MemoryError.
    """
    db = _connected(path, wait)
    if most_bytes:
        set_size_limits(db, most_bytes)
    return db


def has_content(db: sqlite3.Connection) -> bool:
    """Return whether a folder was ingested, even an empty one."""
    try:
        (fingerprint,) = db.execute("SELECT fingerprint FROM store").fetchone()
    except sqlite3.Error:  # the tables do not exist yet
        return False
    return bool(fingerprint)


def _connected(path: Path, wait: float) -> sqlite3.Connection:
    with translate_errors(path, opening=True), in_use(path, wait=wait > 0):
        try:
            return _connect(path, wait)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
            _rollback_hot_journal(path, wait)
            return _connect(path, wait)


def _rollback_hot_journal(path: Path, wait: float) -> None:
    """Roll back the hot journal of a first ingest that was killed.

    This needs a writable connection; reading the database makes SQLite roll back.
    """
    with closing(sqlite3.connect(path, timeout=wait)) as db:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _connect(path: Path, wait: float) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro",
        uri=True,
        timeout=wait,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
    )
    try:
        check_header(db, path, newest=max(version for version, _ in migrations()))
        db.execute("PRAGMA query_only = ON")
        db.execute(f"PRAGMA mmap_size = {MMAP_BYTES}").fetchall()
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        db.text_factory = bytes
    except BaseException:
        db.close()
        raise
    return db
