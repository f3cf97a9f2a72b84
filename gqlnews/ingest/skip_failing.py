"""Upsert files so that one whose rows cannot be written is skipped, with a problem that names it.

An ingest runs without this first, because savepoints make it slower: they flush the full-text indexes.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gqlnews.database.sqlite.damage import check_integrity
from gqlnews.errors import CommandError
from gqlnews.ingest.rows import FileRows, file_rows
from gqlnews.ingest.upsert import IngestState, upsert_files

# The values of a row can cause these; other SQLite errors concern the database.
_VALUE_ERRORS = (
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


def is_caused_by_values(error: Exception) -> bool:
    """Return whether an unexpected error may be caused by the values of one file."""
    if isinstance(error, sqlite3.Error):
        return isinstance(error, _VALUE_ERRORS)
    return not isinstance(error, CommandError | MemoryError | OSError)


def upsert_or_skip(state: IngestState, files: Sequence[FileRows], database: str) -> None:
    """Upsert the files that can be written; each of the others gets a problem instead.

    Raises DamagedDatabaseError if it is not the files that are at fault, and other SQLite errors.
    """
    try:
        with _savepoint(state.db):
            upsert_files(state, files)
    except Exception as error:
        if not is_caused_by_values(error):
            raise
        if isinstance(error, sqlite3.IntegrityError):  # a damaged index may cause it too
            check_integrity(state.db, database)
        if len(files) == 1:
            upsert_files(state, [_skipped(files[0], error)])
            return
        for file in files:
            upsert_or_skip(state, [file], database)


@contextmanager
def _savepoint(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("SAVEPOINT files")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # SQLite rolls back by itself if, for example, the disk is full
            db.execute("ROLLBACK TO files")
            db.execute("RELEASE files")
        raise
    db.execute("RELEASE files")


def _skipped(file: FileRows, error: Exception) -> FileRows:
    from gqlnews.ingest.pool_worker import unexpected_result  # not imported if nothing fails

    return file_rows(unexpected_result(file.source, error))
