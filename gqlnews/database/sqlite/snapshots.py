"""Snapshots of the content, with the changes since a version and what the articles were before them."""

import asyncio
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

import orjson

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.protocol import STATEMENT_TIME_SHARE, timeout_error
from gqlnews.database.sqlite.before_texts import create_index, load_texts
from gqlnews.database.sqlite.connection import SEARCH_STEPS_PER_CHECK, connect_to_read, to_limit_error
from gqlnews.database.sqlite.damage import Identity, get_identity, translate_errors, write_report
from gqlnews.errors import DamagedDatabaseError

T = TypeVar("T")


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


class VersionState(NamedTuple):
    """Version state of one audience: `epoch`, which ends with `-`, and `number` form its version.

    `last_pruned` is the version of the newest removal that was pruned from the change log, `images_pruned`
    that of the newest before-image that was pruned.
    """

    epoch: str
    number: int
    last_pruned: int
    images_pruned: int


class BeforeImage(NamedTuple):
    """Before-image of the change with version `number`; without an article if it did not exist before."""

    number: int
    id: int
    has_article: bool


class Change(NamedTuple):
    """Latest change of an article in one scope; the numbers are version numbers.

    `images` are the before-images of all its changes since the version that was asked for, oldest first. The
    change that added it first has none.
    """

    slug: str
    number: int
    first_added: int
    added: int
    removed: int
    images: tuple[BeforeImage, ...] = ()


def _decode_images(images: bytes) -> tuple[BeforeImage, ...]:
    return tuple(BeforeImage(number, id_, bool(exists)) for number, id_, exists in orjson.loads(images))


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


class Snapshot:
    """Read transaction with its version states. Use it only on the thread that began it."""

    def __init__(
        self, db: sqlite3.Connection, version_states: Sequence[VersionState], deadline: Deadline
    ) -> None:
        self.db, self.version_states = db, tuple(version_states)
        self._deadline = deadline

    @staticmethod
    def begin(db: sqlite3.Connection, deadline: Deadline) -> "Snapshot":
        db.execute("BEGIN")
        rows = db.execute(_STATES).fetchall()
        return Snapshot(db, [VersionState(epoch.decode(), *numbers) for epoch, *numbers in rows], deadline)

    def limit_cpu_time(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the CPU time of the block's statements."""
        return self._deadline.limit_cpu_time(seconds)

    def changes(self, scope: int, after: int, limit: int, *, since: int) -> list[Change]:
        """Return up to `limit` changes of a scope after a version number, oldest first.

        They contain the before-images of all changes after `since`.
        """
        bound = {"scope": scope, "after": after, "limit": limit, "since": since}
        return [
            Change(slug.decode(), number, first_added, added, removed, _decode_images(images))
            for slug, number, first_added, added, removed, images in self.db.execute(_CHANGES[scope], bound)
        ]

    def load_texts(self, images: Collection[int]) -> None:
        """Load the searchable texts of these before-images into the index that `matches` reads.

        Raises ResourceLimitError if that exceeds the CPU time.
        """
        load_texts(self.db, images, self._check_time)

    def _check_time(self) -> None:
        if self._deadline.is_exceeded():
            raise timeout_error()

    def fetch_value(self, sql: str, params: Sequence[object]) -> bytes | None:
        """Return a statement's one value as bytes. Raises ResourceLimitError; the snapshot remains usable."""
        with self._deadline:
            try:
                row = self.db.execute(sql, cast("Sequence[str]", params)).fetchone()
            except (sqlite3.Error, MemoryError) as error:
                limit_error = to_limit_error(error, self.db)
                if limit_error is None:
                    raise
                raise limit_error from error
        return None if row is None else cast("bytes | None", row[0])


class SnapshotReader:
    """Reader of one snapshot at a time. `open` and `close` it on the event loop; work runs on its own thread.

    No transaction is open between two snapshots, so that checkpoints can reset the write-ahead log.
    """

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self._limits, self._deadline = limits, Deadline(limits.timeout_seconds * STATEMENT_TIME_SHARE)
        self._path = Path()
        self._identity: Identity | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._db: sqlite3.Connection | None = None
        self._snapshot: Snapshot | None = None

    async def open(self, path: Path) -> None:
        """Connect to the database at `path`. Raises DatabaseError or a subclass."""
        self._path, self._identity = path, get_identity(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gqlnews-snapshots")
        try:
            await self._run(self._connect)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection and end the thread, even if the caller is cancelled."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            closing = asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown(wait=False)  # after that
            await asyncio.shield(closing)
            thread.shutdown()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[tuple[VersionState, ...]]:
        """Begin a snapshot of the current content; it ends with the block. Yields its version states.

        Raises DatabaseError or a subclass.
        """
        try:
            yield await self._run(self._begin)
        finally:
            await self._run(self._end)

    async def run(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` on the snapshot; only within `snapshot`. Raises DatabaseError or a subclass."""
        return await self._run(lambda: work(self._current))

    async def _run(self, work: Callable[[], T]) -> T:
        assert self._thread is not None, "it is open"
        with self._reporting():
            future = asyncio.get_running_loop().run_in_executor(self._thread, work)
            try:
                return await asyncio.shield(future)
            except asyncio.CancelledError:
                await asyncio.wait([future])  # the thread continues; later calls must find it done
                raise

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raise DatabaseError or a subclass for SQLite errors; report damage to the other processes too."""
        try:
            with translate_errors(self._path):
                yield
        except DamagedDatabaseError as error:
            write_report(self._path, self._identity, error)
            raise

    @property
    def _current(self) -> Snapshot:
        assert self._snapshot is not None, "a snapshot has begun"
        return self._snapshot

    def _connect(self) -> None:
        db = self._db = connect_to_read(self._path, max_bytes=self._limits.max_response_bytes)
        db.execute("PRAGMA mmap_size = 0").fetchall()  # no SIGBUS if the file is truncated
        db.execute("PRAGMA query_only = OFF")  # for temporary tables; the database is opened read-only
        create_index(db)
        db.set_progress_handler(self._deadline.is_exceeded, SEARCH_STEPS_PER_CHECK)

    def _begin(self) -> tuple[VersionState, ...]:
        assert self._db is not None, "it is open"
        self._snapshot = Snapshot.begin(self._db, self._deadline)
        return self._snapshot.version_states

    def _end(self) -> None:
        self._snapshot = None
        if self._db is not None and self._db.in_transaction:
            self._db.execute("ROLLBACK")  # only temporary tables were written

    def _close(self) -> None:
        """Close the connection, which ends its transaction."""
        if self._db is not None:
            self._db.close()
        self._db = self._snapshot = None
