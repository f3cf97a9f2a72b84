"""The content before a change and after it: read transactions of one thread, each of one moment.

1. `now` is the content as of the last look.
2. A look begins a transaction anew, on the other connection. Where something has changed it is the new `now`,
   and what was is looked at beside it: what an article was before a change stands nowhere else.
3. Then the older one ends. Where nothing has changed it ends too, since a transaction that goes on for ever
   keeps the write-ahead log from being emptied.
4. A look that comes to grief is gone on with by the next one, over the same two moments: what was told of
   some changes already would be judged otherwise over others.
"""

import asyncio
import math
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

from gqlnews.errors import DamagedDatabaseError, GqlnewsError
from gqlnews.limits import UNLIMITED, Limits
from gqlnews.store.connection import connect_to_read
from gqlnews.store.damage import report
from gqlnews.store.failures import explaining
from gqlnews.store.limited import MARGIN, STEPS_OF_A_SEARCH, limit_reached
from gqlnews.store.location import Identity, identity_of

T = TypeVar("T")


_SITES = "SELECT substr(version, 1, instr(version, '-')), number, forgotten FROM site ORDER BY audience"
_CHANGES = """
SELECT slug, version, first_added, added, removed FROM article_change
WHERE scope = ? AND version > ? ORDER BY version LIMIT ?
"""


class LostError(GqlnewsError):
    """A read failed, and SQLite ended its transaction: what the content was is not known any more."""


class Site(NamedTuple):
    """Where the versions of one audience are: `line` (`line-`) and `number` make its version."""

    line: str
    number: int
    forgotten: int


class Change(NamedTuple):
    """The latest change of an article in one scope; the numbers are those of versions."""

    slug: str
    number: int
    first_added: int
    added: int
    removed: int


class Patience:
    """Until when a statement may run, by time.monotonic(), and several together, by time.thread_time()."""

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
        """The statements of the block may take so much processor time of the thread together."""
        self._processor_until = time.thread_time() + seconds
        try:
            yield
        finally:
            self._processor_until = math.inf

    def is_over(self) -> bool:
        return time.monotonic() > self._until or time.thread_time() > self._processor_until


class Snapshot:
    """The content at one moment. Of the thread that began it."""

    def __init__(self, db: sqlite3.Connection, sites: Sequence[Site], patience: Patience) -> None:
        self.db, self.sites = db, tuple(sites)
        self._patience = patience

    @staticmethod
    def begin(db: sqlite3.Connection, patience: Patience) -> "Snapshot":
        db.execute("BEGIN")
        try:
            rows = db.execute(_SITES).fetchall()
        except BaseException:
            db.execute("ROLLBACK")
            raise
        sites = [Site(line.decode(), number, forgotten) for line, number, forgotten in rows]
        return Snapshot(db, sites, patience)

    def end(self) -> sqlite3.Connection:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")  # nothing was written
        return self.db

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the processor time of a block's statements, those over the other snapshot too."""
        return self._patience.within(seconds)

    def changes(self, scope: int, after: int, most: int) -> list[Change]:
        """The changes of a scope after a number, oldest first."""
        rows = self.db.execute(_CHANGES, (scope, after, most))
        return [Change(slug.decode(), *numbers) for slug, *numbers in rows]

    def value(self, sql: str, values: Sequence[object]) -> bytes | None:
        """The one value that a statement gives, as bytes. Raises LimitError; others go on all the same."""
        with self._patience:
            try:
                row = self.db.execute(sql, cast("Sequence[str]", values)).fetchone()
            except (sqlite3.Error, MemoryError) as error:
                reached = limit_reached(error, self.db)
                if reached is None:
                    raise
                raise reached from error
        return None if row is None else cast("bytes | None", row[0])


class Snapshots:
    """`open` and `close` it in the loop; all it is asked to do runs on its thread, in the order of asking."""

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self._limits, self._patience = limits, Patience(limits.seconds * MARGIN)
        self._path = Path()
        self._identity: Identity | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._now: Snapshot | None = None
        self._newer: Snapshot | None = None
        self._other: sqlite3.Connection | None = None

    async def open(self, path: Path) -> None:
        """Begin with the content as it is. Raises DatabaseError and its kinds."""
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
    def sites(self) -> tuple[Site, ...]:
        """Of the last look, by audience."""
        return _there(self._now).sites

    async def at(self, work: Callable[[Snapshot], T]) -> T:
        """What `work` makes of the content as of the last look."""
        return await self._run(lambda: work(_there(self._now)))

    async def both(self, work: Callable[[Snapshot, Snapshot], T]) -> T:
        """While looking: what `work` makes of the content before and after."""
        return await self._run(lambda: work(_there(self._now), _there(self._newer)))

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[bool]:
        """Look again: whether something has changed. The older content goes when the block ends.

        Where the block raises, or is cancelled, both stay, and the next look goes on with them. Raises
        LostError where it cannot.
        """
        yield await self._run(self._look)
        await self._run(self._go_on)

    async def _run(self, work: Callable[[], T]) -> T:
        assert self._thread is not None, "it is open"
        with self._reporting():
            ran = asyncio.get_running_loop().run_in_executor(self._thread, work)
            try:
                return await asyncio.shield(ran)
            except asyncio.CancelledError:
                await asyncio.wait([ran])  # it goes on; what is asked for next has to find it done
                raise

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Raises DatabaseError and its kinds; damage is told to the other processes too."""
        try:
            with explaining(self._path):
                yield
        except DamagedDatabaseError as error:
            report(self._path, self._identity, error)
            raise

    def _begin(self) -> None:
        self._other = self._connected()
        self._now = Snapshot.begin(self._connected(), self._patience)

    def _connected(self) -> sqlite3.Connection:
        db = connect_to_read(self._path, most_bytes=self._limits.answer_bytes)
        db.execute("PRAGMA mmap_size = 0").fetchall()  # reads a file that is cut off without SIGBUS
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
            raise LostError("A read of the database failed, and with it the content as it was.")
        return self._newer.sites != now.sites

    def _go_on(self) -> None:
        self._other = _there(self._now).end()
        self._now, self._newer = self._newer, None


def _there(snapshot: Snapshot | None) -> Snapshot:
    assert snapshot is not None, "it is open"
    return snapshot
