"""Snapshots of a SQLite store, for subscriptions."""

import math
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import cast

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.before_search import create_index
from gqlnews.database.protocol import STATEMENT_TIME_SHARE, RequiredVersion, timeout_error
from gqlnews.database.snapshots import (
    Change,
    SnapshotReader,
    VersionState,
    decode_images,
)
from gqlnews.database.sqlite.before_texts import load_texts
from gqlnews.database.sqlite.connection import SEARCH_STEPS_PER_CHECK, connect_to_read, to_limit_error
from gqlnews.database.sqlite.damage import Identity, get_identity, translate_errors, write_report
from gqlnews.errors import DamagedDatabaseError

_STATES = """
SELECT substr(version, 1, instr(version, '-')), number, forgotten, images_pruned FROM site ORDER BY audience
"""


def _changes_sql(version: str) -> str:
    """Build SQL that selects a page of changes; `version` is the column of the scope in `article_before`."""
    return f"""
SELECT slug, version, first_added, added, removed, (
    SELECT json_group_array(json_array({version}, id, published IS NOT NULL))
    FROM (SELECT {version}, id, published FROM article_before AS image
        WHERE image.slug = article_change.slug AND image.{version} > :since ORDER BY image.{version}))
FROM article_change WHERE scope = :scope AND version > :after ORDER BY version LIMIT :limit
"""  # noqa: S608 - names of columns


_CHANGES = (_changes_sql("public_version"), _changes_sql("version"))


class Deadline:
    """Deadlines: of one statement by time.monotonic(), of several together by time.thread_time()."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds or math.inf
        self._expires_at = math.inf
        self._cpu_expires_at = math.inf

    def __enter__(self) -> None:
        self._expires_at = time.monotonic() + self._seconds

    def __exit__(self, *_: object) -> None:
        self._expires_at = math.inf

    @contextmanager
    def limit_cpu_time(self, seconds: float) -> Iterator[None]:
        """Limit the CPU time of all statements in the block together."""
        self._cpu_expires_at = time.thread_time() + seconds
        try:
            yield
        finally:
            self._cpu_expires_at = math.inf

    def is_exceeded(self) -> bool:
        return time.monotonic() > self._expires_at or time.thread_time() > self._cpu_expires_at


class SqliteSnapshot:
    """Read transaction with its version states. Use it only on the thread that began it."""

    def __init__(
        self, db: sqlite3.Connection, version_states: Sequence[VersionState], deadline: Deadline
    ) -> None:
        self.db, self.version_states = db, tuple(version_states)
        self._deadline = deadline

    @staticmethod
    def begin(db: sqlite3.Connection, deadline: Deadline) -> "SqliteSnapshot":
        db.execute("BEGIN")
        rows = db.execute(_STATES).fetchall()
        return SqliteSnapshot(
            db, [VersionState(epoch.decode(), *numbers) for epoch, *numbers in rows], deadline
        )

    def limit_statement_time(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the CPU time of the block's statements."""
        return self._deadline.limit_cpu_time(seconds)

    def statement_seconds(self) -> float:
        """Return the CPU time of this thread, so that a busy machine is not charged to clients."""
        return time.thread_time()

    def changes(self, scope: int, after: int, limit: int, *, since: int) -> list[Change]:
        bound = {"scope": scope, "after": after, "limit": limit, "since": since}
        return [
            Change(slug.decode(), number, first_added, added, removed, decode_images(images))
            for slug, number, first_added, added, removed, images in self.db.execute(_CHANGES[scope], bound)
        ]

    def load_texts(self, images: Collection[int]) -> None:
        load_texts(self.db, images, self._check_time)

    def _check_time(self) -> None:
        if self._deadline.is_exceeded():
            raise timeout_error()

    def fetch_value(self, sql: str, params: Sequence[object]) -> bytes | None:
        with self._deadline:
            try:
                row = self.db.execute(sql, cast("Sequence[str]", params)).fetchone()
            except (sqlite3.Error, MemoryError) as error:
                limit_error = to_limit_error(error, self.db)
                if limit_error is None:
                    raise
                raise limit_error from error
        return None if row is None else cast("bytes | None", row[0])


class SqliteSnapshotReader(SnapshotReader[SqliteSnapshot]):
    """Reader of the database at `path`.

    No transaction is open between two snapshots, so that checkpoints can reset the write-ahead log.
    """

    def __init__(self, path: Path, limits: Limits = UNLIMITED) -> None:
        super().__init__()
        self._limits, self._deadline = limits, Deadline(limits.timeout_seconds * STATEMENT_TIME_SHARE)
        self._path = path
        self._identity: Identity | None = None
        self._db: sqlite3.Connection | None = None

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raise DatabaseError or a subclass for SQLite errors; report damage to the other processes too."""
        try:
            with translate_errors(self._path):
                yield
        except DamagedDatabaseError as error:
            write_report(self._path, self._identity, error)
            raise

    def _connect(self) -> None:
        self._identity = get_identity(self._path)
        db = self._db = connect_to_read(self._path, max_bytes=self._limits.max_response_bytes)
        db.execute("PRAGMA mmap_size = 0").fetchall()  # no SIGBUS if the file is truncated
        db.execute("PRAGMA query_only = OFF")  # for temporary tables; the database is opened read-only
        db.execute("PRAGMA temp_store = MEMORY")  # even if no folder for temporary files is writable
        create_index(db)
        db.set_progress_handler(self._deadline.is_exceeded, SEARCH_STEPS_PER_CHECK)

    def _begin(self, required: Sequence[RequiredVersion], seconds: float) -> tuple[VersionState, ...]:
        assert self._db is not None, "it is open"
        self._snapshot = SqliteSnapshot.begin(self._db, self._deadline)
        return self._snapshot.version_states

    def _end(self) -> None:
        self._snapshot = None
        if self._db is not None and self._db.in_transaction:
            self._db.execute("ROLLBACK")  # only temporary tables were written

    def _close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = self._snapshot = None
