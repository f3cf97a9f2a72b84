"""Snapshots of the content before and after a change."""

import asyncio
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.sqlite.connection import (
    SEARCH_STEPS_PER_CHECK,
    STATEMENT_TIME_SHARE,
    connect_to_read,
    to_limit_error,
)
from gqlnews.database.sqlite.damage import Identity, get_identity, translate_errors, write_report
from gqlnews.errors import DamagedDatabaseError, GqlnewsError

# Snapshots of the content before and after a change: read transactions on one thread.
#
# 1. `now` is the snapshot of the last poll.
# 2. A poll begins a transaction on the other connection. If something has changed, it becomes the new `now`,
#    and the old snapshot stays readable beside it: what an article was before a change is stored nowhere
#    else.
# 3. Then the older transaction ends. It also ends if nothing has changed, because a permanent transaction
#    prevents checkpoints from resetting the write-ahead log.
# 4. After a failed poll, the next one continues with the same two snapshots. With other snapshots, changes
#    that were already delivered would be evaluated differently.


T = TypeVar("T")


_STATES = "SELECT substr(version, 1, instr(version, '-')), number, forgotten FROM site ORDER BY audience"
_CHANGES = """
SELECT slug, version, first_added, added, removed FROM article_change
WHERE scope = ? AND version > ? ORDER BY version LIMIT ?
"""


class SnapshotLostError(GqlnewsError):
    """A read failed and SQLite ended its transaction, so the earlier snapshot is lost."""


class VersionState(NamedTuple):
    """Version state of one audience: `epoch`, which ends with `-`, and `number` form its version."""

    epoch: str
    number: int
    last_pruned: int


class Change(NamedTuple):
    """Latest change of an article in one scope; the numbers are version numbers."""

    slug: str
    number: int
    first_added: int
    added: int
    removed: int


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
        try:
            rows = db.execute(_STATES).fetchall()
        except BaseException:
            db.execute("ROLLBACK")
            raise
        version_states = [
            VersionState(epoch.decode(), number, last_pruned) for epoch, number, last_pruned in rows
        ]
        return Snapshot(db, version_states, deadline)

    def end(self) -> sqlite3.Connection:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")  # nothing was written
        return self.db

    def limit_cpu_time(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the CPU time of the block's statements, including those on the other snapshot."""
        return self._deadline.limit_cpu_time(seconds)

    def changes(self, scope: int, after: int, limit: int) -> list[Change]:
        """Return up to `limit` changes of a scope after a version number, oldest first."""
        rows = self.db.execute(_CHANGES, (scope, after, limit))
        return [Change(slug.decode(), *numbers) for slug, *numbers in rows]

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


class SnapshotPair:
    """Pair of snapshots. `open` and `close` it on the event loop; work runs in order on its own thread."""

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self._limits, self._deadline = limits, Deadline(limits.timeout_seconds * STATEMENT_TIME_SHARE)
        self._path = Path()
        self._identity: Identity | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._connections: list[sqlite3.Connection] = []
        self._now: Snapshot | None = None
        self._newer: Snapshot | None = None
        self._other: sqlite3.Connection | None = None

    async def open(self, path: Path) -> None:
        """Begin with the current content. Raises DatabaseError or a subclass."""
        self._path, self._identity = path, get_identity(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gqlnews-snapshots")
        try:
            await self._run(self._begin)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connections and end the thread, even if the caller is cancelled."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            closing = asyncio.get_running_loop().run_in_executor(thread, self._close)
            thread.shutdown(wait=False)  # after that
            await asyncio.shield(closing)
            thread.shutdown()

    @property
    def version_states(self) -> tuple[VersionState, ...]:
        """Version state at the last poll, by audience."""
        return _require(self._now).version_states

    async def with_current(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` on the snapshot of the last poll."""
        return await self._run(lambda: work(_require(self._now)))

    async def with_both(self, work: Callable[[Snapshot, Snapshot], T]) -> T:
        """Run `work` on the snapshots before and after the change; only within `advance`."""
        return await self._run(lambda: work(_require(self._now), _require(self._newer)))

    @asynccontextmanager
    async def advance(self) -> AsyncIterator[bool]:
        """Poll: yield whether something has changed. The older snapshot ends with the block.

        If the block raises or is cancelled, both snapshots stay open, and the next poll continues with them.
        Raises SnapshotLostError if that is impossible.
        """
        yield await self._run(self._poll)
        await self._run(self._promote)

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

    def _begin(self) -> None:
        self._other = self._connect()
        self._now = Snapshot.begin(self._connect(), self._deadline)

    def _connect(self) -> sqlite3.Connection:
        db = connect_to_read(self._path, max_bytes=self._limits.max_response_bytes)
        self._connections.append(db)
        db.execute("PRAGMA mmap_size = 0").fetchall()  # no SIGBUS if the file is truncated
        db.set_progress_handler(self._deadline.is_exceeded, SEARCH_STEPS_PER_CHECK)
        return db

    def _close(self) -> None:
        """Close the connections, which ends their transactions."""
        connections, self._connections = self._connections, []
        for db in connections:
            db.close()
        self._other = self._now = self._newer = None

    def _poll(self) -> bool:
        assert self._other is not None
        now = _require(self._now)
        if self._newer is None:
            self._newer = Snapshot.begin(self._other, self._deadline)
        if not (now.db.in_transaction and self._newer.db.in_transaction):
            raise SnapshotLostError(
                "A read failed, and SQLite ended the transaction of the earlier snapshot."
            )
        return self._newer.version_states != now.version_states

    def _promote(self) -> None:
        self._other = _require(self._now).end()
        self._now, self._newer = self._newer, None


def _require(snapshot: Snapshot | None) -> Snapshot:
    assert snapshot is not None, "it is open"
    return snapshot
