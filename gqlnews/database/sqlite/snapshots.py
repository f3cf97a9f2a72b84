"""Snapshots of the content before and after a change, and the probe that detects one."""

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
from gqlnews.database.sqlite.connection import MARGIN, STEPS_OF_A_SEARCH, connect_to_read, to_limit_error
from gqlnews.database.sqlite.damage import Identity, identity_of, report, translate_errors
from gqlnews.errors import DamagedDatabaseError, GqlnewsError

# Snapshots of the content before and after a change: read transactions on one thread.
#
# 1. `now` is the snapshot of the last poll.
# 2. A poll begins a transaction on the other connection. If something has changed, it becomes the new `now`,
#    and the old snapshot stays readable beside it: what an article was before a change is stored nowhere
#    else.
# 3. Then the older transaction ends. It also ends if nothing has changed, because a permanent transaction
#    prevents checkpoints from resetting the write-ahead log.
# 4. After a failed poll, the next one continues with the same two snapshots. With others, the changes that
#    were already delivered would be evaluated differently.


T = TypeVar("T")


_SITES = "SELECT substr(version, 1, instr(version, '-')), number, forgotten FROM site ORDER BY audience"
_CHANGES = """
SELECT slug, version, first_added, added, removed FROM article_change
WHERE scope = ? AND version > ? ORDER BY version LIMIT ?
"""


class SnapshotLostError(GqlnewsError):
    """A read failed and SQLite ended its transaction, so the earlier snapshot is lost."""


class VersionState(NamedTuple):
    """Version state of one audience: epoch (`line`, with the trailing `-`) and `number` form its version."""

    line: str
    number: int
    forgotten: int


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
        self._until = math.inf
        self._processor_until = math.inf

    def __enter__(self) -> None:
        self._until = time.monotonic() + self._seconds

    def __exit__(self, *_: object) -> None:
        self._until = math.inf

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Limit the CPU time of all statements in the block together."""
        self._processor_until = time.thread_time() + seconds
        try:
            yield
        finally:
            self._processor_until = math.inf

    def is_over(self) -> bool:
        return time.monotonic() > self._until or time.thread_time() > self._processor_until


class Snapshot:
    """Read transaction with its version state. Use it on the thread that began it only."""

    def __init__(self, db: sqlite3.Connection, sites: Sequence[VersionState], patience: Deadline) -> None:
        self.db, self.sites = db, tuple(sites)
        self._patience = patience

    @staticmethod
    def begin(db: sqlite3.Connection, patience: Deadline) -> "Snapshot":
        db.execute("BEGIN")
        try:
            rows = db.execute(_SITES).fetchall()
        except BaseException:
            db.execute("ROLLBACK")
            raise
        sites = [VersionState(line.decode(), number, forgotten) for line, number, forgotten in rows]
        return Snapshot(db, sites, patience)

    def end(self) -> sqlite3.Connection:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")  # nothing was written
        return self.db

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the CPU time of the block's statements, including those on the other snapshot."""
        return self._patience.within(seconds)

    def changes(self, scope: int, after: int, most: int) -> list[Change]:
        """Return up to `most` changes of a scope after a version number, oldest first."""
        rows = self.db.execute(_CHANGES, (scope, after, most))
        return [Change(slug.decode(), *numbers) for slug, *numbers in rows]

    def value(self, sql: str, values: Sequence[object]) -> bytes | None:
        """Return a statement's one value as bytes. Raises ResourceLimitError; the snapshot remains usable."""
        with self._patience:
            try:
                row = self.db.execute(sql, cast("Sequence[str]", values)).fetchone()
            except (sqlite3.Error, MemoryError) as error:
                reached = to_limit_error(error, self.db)
                if reached is None:
                    raise
                raise reached from error
        return None if row is None else cast("bytes | None", row[0])


class SnapshotPair:
    """Pair of snapshots. `open` and `close` it on the event loop; work runs in order on its own thread."""

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self._limits, self._patience = limits, Deadline(limits.seconds * MARGIN)
        self._path = Path()
        self._identity: Identity | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._now: Snapshot | None = None
        self._newer: Snapshot | None = None
        self._other: sqlite3.Connection | None = None

    async def open(self, path: Path) -> None:
        """Begin with the current content. Raises DatabaseError or a subclass."""
        self._path, self._identity = path, identity_of(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gqlnews-snapshots")
        try:
            await self._run(self._begin)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._thread is not None:
            thread, self._thread = self._thread, None
            await asyncio.get_running_loop().run_in_executor(thread, self._end)
            thread.shutdown()

    @property
    def sites(self) -> tuple[VersionState, ...]:
        """Version state at the last poll, by audience."""
        return _there(self._now).sites

    async def at(self, work: Callable[[Snapshot], T]) -> T:
        """Run `work` on the snapshot of the last poll."""
        return await self._run(lambda: work(_there(self._now)))

    async def both(self, work: Callable[[Snapshot, Snapshot], T]) -> T:
        """Run `work` on the snapshots before and after the change; only within `looking`."""
        return await self._run(lambda: work(_there(self._now), _there(self._newer)))

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[bool]:
        """Poll: yield whether something has changed. The older snapshot ends with the block.

        If the block raises or is cancelled, both snapshots stay open, and the next poll continues with them.
        Raises SnapshotLostError if that is impossible.
        """
        yield await self._run(self._look)
        await self._run(self._promote)

    async def _run(self, work: Callable[[], T]) -> T:
        assert self._thread is not None, "it is open"
        with self._reporting():
            ran = asyncio.get_running_loop().run_in_executor(self._thread, work)
            try:
                return await asyncio.shield(ran)
            except asyncio.CancelledError:
                await asyncio.wait([ran])  # the thread continues; later calls must find it done
                raise

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raise DatabaseError or a subclass for SQLite errors; report damage to the other processes too."""
        try:
            with translate_errors(self._path):
                yield
        except DamagedDatabaseError as error:
            report(self._path, self._identity, error)
            raise

    def _begin(self) -> None:
        self._other = self._connected()
        self._now = Snapshot.begin(self._connected(), self._patience)

    def _connected(self) -> sqlite3.Connection:
        db = connect_to_read(self._path, most_bytes=self._limits.max_response_bytes)
        db.execute("PRAGMA mmap_size = 0").fetchall()  # no SIGBUS if the file is truncated
        db.set_progress_handler(self._patience.is_over, STEPS_OF_A_SEARCH)
        return db

    def _end(self) -> None:
        held = (self._other, *(one.end() for one in (self._now, self._newer) if one))
        for db in {id(db): db for db in held if db is not None}.values():
            db.close()
        self._other = self._now = self._newer = None

    def _look(self) -> bool:
        assert self._other is not None
        now = _there(self._now)
        if self._newer is None:
            self._newer = Snapshot.begin(self._other, self._patience)
        if not (now.db.in_transaction and self._newer.db.in_transaction):
            raise SnapshotLostError("A read of the database failed, and with it the content as it was.")
        return self._newer.sites != now.sites

    def _promote(self) -> None:
        self._other = _there(self._now).end()
        self._now, self._newer = self._newer, None


def _there(snapshot: Snapshot | None) -> Snapshot:
    assert snapshot is not None, "it is open"
    return snapshot


# Version probe: read the version of each audience on the event loop.
#
# Checking whether another connection has committed reads shared memory, in about 4 µs: less than waking a
# thread takes. The versions are queried only after a commit.


_CHANGED = "PRAGMA data_version"
_VERSIONS = "SELECT version FROM site ORDER BY audience"


class VersionProbe:
    """Connection of the version probe. Call `open`, `close` and the queries on the same thread."""

    def __init__(self) -> None:
        self._db: sqlite3.Connection | None = None
        self._seen: int | None = None
        self._versions: tuple[bytes, ...] = ()

    def open(self, path: Path) -> None:
        """Open the connection. Raises DatabaseError or a subclass."""
        self._db = connect_to_read(path, wait=0.0)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def is_readable(self) -> bool:
        """Return whether the database answers a query now, without waiting for locks or readers."""
        if self._db is None:
            return False
        try:
            return self._db.execute(_VERSIONS).fetchone() is not None
        except sqlite3.Error:  # the read pool reports the reason
            return False

    def version(self, audience: int) -> bytes | None:
        """Return the `site.version` of this audience; None if the database cannot be read now.

        Reads that start afterwards see this version or a later one.
        """
        if self._db is None:
            return None
        try:
            (seen,) = self._db.execute(_CHANGED).fetchone()
            if seen != self._seen:
                self._versions = tuple(version for (version,) in self._db.execute(_VERSIONS))
                self._seen = seen
        except sqlite3.Error:  # locked briefly, or damaged: the read pool reports that
            return None
        return self._versions[audience]
