"""A pool of read-only connections, each on a thread of its own.

A request brings all its statements at once. They run in one hop to a thread and in one read transaction, so
they all see the same content. Whoever waits is served in the order of coming.

A caller that is cancelled leaves at once; its reader goes back to the pool only when the thread is through
with it, and the statement that is running is stopped so that this is soon. (Not by `interrupt()`: it does
nothing where the statement is just about to start.)
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import quote

import aiosqlite

from gqlnews.errors import DatabaseError
from gqlnews.store.database import WAIT_SECONDS, check_ours
from gqlnews.store.failures import explained, explaining
from gqlnews.store.migrations import migrations

MMAP_BYTES = 1 << 30
CACHED_STATEMENTS = 1024
STEPS_BETWEEN_LOOKS = 200_000  # of SQLite's virtual machine, some 3 ms: how soon an abandoned statement ends

Statements = Sequence[tuple[str, Sequence[object]]]
"""(SQL text, what it binds): each gives one row of one column, JSON text."""

Trace = Callable[[str], None]


class Readers:
    """The pool. `close` it after the last `read`: its threads would keep Python alive."""

    def __init__(self) -> None:
        self._path = Path()
        self._all: list[_Reader] = []
        self._idle: list[_Reader] = []
        self._waiting: deque[asyncio.Future[_Reader]] = deque()
        self._settling: set[asyncio.Task[None]] = set()
        self._closed = True

    async def open(self, path: Path, count: int = 2) -> None:
        """Open `count` readers of the database at `path`; raises DatabaseError and its kinds."""
        self._path, self._closed = path, False
        try:
            for _ in range(count):
                reader = _Reader(path)
                await reader.start()
                self._all.append(reader)
                self._idle.append(reader)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Refuse who waits, interrupt what runs, and end every thread."""
        self._closed = True
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(self._shut())
        readers, self._all, self._idle = self._all, [], []
        for reader in readers:
            reader.abandon()
        for reader in readers:
            await reader.close()

    async def read(self, statements: Statements) -> list[bytes | None]:
        """What each statement gives, in order: the bytes of its one value, None for null or no row.

        Raises DatabaseError where the file fails; a statement that is wrong raises as sqlite3 says it.
        """
        reader = await self._take()
        try:
            answers = await reader.read(statements)
        except (sqlite3.Error, ValueError) as error:
            self._give(reader)
            failure = self._failure(error)
            if failure is None:
                raise
            raise failure from error
        except BaseException:
            self._settle(reader)
            raise
        self._give(reader)
        return answers

    async def trace(self, hook: Trace | None) -> None:
        """Call `hook` with the text of every statement from now on, on the reader's thread; None ends it."""
        for reader in self._all:
            await reader.set_trace_callback(
                cast("Trace", hook)
            )  # sqlite3 takes None, the annotation does not

    def _failure(self, error: Exception) -> DatabaseError | None:
        if self._closed:
            return self._shut()
        return explained(error, self._path) if isinstance(error, sqlite3.Error) else None

    def _shut(self) -> DatabaseError:
        return DatabaseError(f"database {self._path} is closed")

    async def _take(self) -> "_Reader":
        if self._closed:
            raise self._shut()
        if self._idle:
            return self._idle.pop()
        waiter: asyncio.Future[_Reader] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._give(waiter.result())  # it was handed over in the very moment of the cancellation
            raise

    def _give(self, reader: "_Reader") -> None:
        """Hand `reader` to who has waited longest, so that nobody can push in between."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(reader)
                return
        if not self._closed:
            self._idle.append(reader)

    def _settle(self, reader: "_Reader") -> None:
        if self._closed:
            return
        reader.abandon()
        task = asyncio.get_running_loop().create_task(self._return(reader))
        self._settling.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._settling.discard)

    async def _return(self, reader: "_Reader") -> None:
        await reader.settled()
        self._give(reader)


class _Reader(aiosqlite.Connection):
    """One connection and its thread. All use of what aiosqlite keeps to itself is in this class."""

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: _connect(path), iter_chunk_size=64)
        self._abandoned = False

    async def start(self) -> None:
        try:
            await self
            await self.set_progress_handler(self._is_abandoned, STEPS_BETWEEN_LOOKS)
        except BaseException:
            self.stop()
            self._thread.join()
            raise

    async def read(self, statements: Statements) -> list[bytes | None]:
        """All statements in one call on the thread: the public methods would each be a hop of their own."""
        answers = await self._execute(self._read, statements)  # type: ignore[no-untyped-call]
        return cast("list[bytes | None]", answers)

    def abandon(self) -> None:
        """Nobody waits for the answer: stop the statement that runs, and start no other."""
        self._abandoned = True

    async def settled(self) -> None:
        """Wait until the thread is through with what was abandoned."""
        await self._execute(self._rest)  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        await super().close()
        self._thread.join()  # it is past its last call

    def _is_abandoned(self) -> bool:
        return self._abandoned

    def _rest(self) -> None:
        self._abandoned = False

    def _read(self, statements: Statements) -> list[bytes | None]:
        db = self._conn
        if len(statements) == 1:  # a statement alone is its own transaction
            return [self._answer(db, *statements[0])]
        db.execute("BEGIN")
        try:
            return [self._answer(db, sql, values) for sql, values in statements]
        finally:
            if db.in_transaction:  # not so where the file failed
                db.execute("ROLLBACK")  # nothing was written

    def _answer(self, db: sqlite3.Connection, sql: str, values: Sequence[object]) -> bytes | None:
        if self._abandoned:
            raise sqlite3.OperationalError("nobody waits for the answer")
        row = db.execute(sql, cast("Sequence[str]", values)).fetchone()
        return None if row is None else cast("bytes | None", row[0])


def _connect(path: Path) -> sqlite3.Connection:
    with explaining(path):
        db = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=ro",
            uri=True,
            timeout=WAIT_SECONDS,
            isolation_level=None,
            cached_statements=CACHED_STATEMENTS,
        )
        try:
            check_ours(db, path, newest=max(version for version, _ in migrations()))
            db.execute("PRAGMA query_only = ON")
            db.execute(f"PRAGMA mmap_size = {MMAP_BYTES}").fetchall()
            db.text_factory = bytes
        except BaseException:
            db.close()
            raise
    return db
