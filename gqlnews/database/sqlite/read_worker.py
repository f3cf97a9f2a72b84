"""Read worker: one read-only connection and its thread.

All use of aiosqlite's private attributes is in this module.
"""

import asyncio
import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from sys import getsizeof

import aiosqlite

from gqlnews.cache import SizedLRUCache
from gqlnews.database.sqlite.connection import (
    FULL_TEXT,
    Statements,
    check_total_size,
    connect_to_read,
    execute_in_transaction,
    reading,
    steps_per_check,
    to_limit_error,
)
from gqlnews.database.sqlite.job_queue import SHORT, JobQueue, ReadJob
from gqlnews.errors import Code, ResourceLimitError

# Coalesce identical statements that were queued while one was running (single-flight).
#
# After a content change the response caches are empty, and many clients request the same. If each request ran
# its statements in turn, the last ones would time out. So a reader caches results while calls are waiting,
# and only while the database is unchanged, which `PRAGMA data_version` shows within the read transaction.


MOST_BYTES = 8 << 20
MOST_BOUND = 4_096  # characters of text parameters; longer ones are rarely repeated
OVERHEAD = 500  # approximate bytes per entry, without its texts

_Key = tuple[str, str]
"""SQL and its parameters as text; hash collisions of text cannot be provoked."""


class ResultCoalescer:
    """Result cache of one connection, at most `most_bytes`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._version: object = None
        self._given: SizedLRUCache[_Key, tuple[bytes | None, float]] = SizedLRUCache(
            most_bytes
        )  # JSON, end of its run

    def __len__(self) -> int:
        return len(self._given)

    def run(
        self, db: sqlite3.Connection, statements: Statements, asked: float
    ) -> tuple[list[bytes | None], int]:
        """Run the statements in one read transaction; return the results, and how many were coalesced.

        `asked` is the arrival time, by time.monotonic(). Only results that completed after it are reused.
        """
        keys = [_key_of(sql, values) for sql, values in statements]
        with reading(db):
            self._forget_what_is_old(db)
            found = {
                key: given[0]
                for key in keys
                if key is not None and (given := self._given.get(key)) is not None and given[1] > asked
            }
            left = [statement for key, statement in zip(keys, statements, strict=True) if key not in found]
            ran = iter(execute_in_transaction(db, left))
        until = time.monotonic()
        answers = [found[key] if key in found else self._remember(key, next(ran), until) for key in keys]
        check_total_size(db, answers)
        return answers, len(statements) - len(left)

    def forget(self) -> None:
        """Clear the cache."""
        self._given = SizedLRUCache(self._given.max_bytes)

    def _forget_what_is_old(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA data_version").fetchone()  # changes with a commit of another connection
        if version != self._version:
            self._version = version
            self.forget()

    def _remember(self, key: _Key | None, json: bytes | None, until: float) -> bytes | None:
        if key is not None:
            size = OVERHEAD + len(key[0]) + getsizeof(key[1]) + len(json or b"")
            self._given.set(key, (json, until), size)
        return json


def _key_of(sql: str, values: Sequence[object]) -> _Key | None:
    if sum(len(value) for value in values if isinstance(value, str)) > MOST_BOUND:
        return None
    return sql, repr(values)


LONGEST = 3 * SHORT  # wall-clock timeout in seconds of a call on the reserved reader


Notify = Callable[[], None]
Run = Callable[[ReadJob], list[bytes | None]]


class ReadWorker(aiosqlite.Connection):
    """Run calls from a queue shared with other readers, each for at most `seconds`.

    A `reserved` reader takes only short calls. One that exceeds its shorter timeout is stopped and returned
    as preempted.
    """

    def __init__(
        self, path: Path, most_bytes: int = 0, seconds: float = math.inf, *, reserved: bool = False
    ) -> None:
        super().__init__(lambda: connect_to_read(path, most_bytes=most_bytes), iter_chunk_size=64)
        self.reserved = reserved
        self._seconds = min(seconds, LONGEST) if reserved else seconds
        self.current: ReadJob | None = None
        self._recent = ResultCoalescer()
        self._steps = 0  # instructions between two checks whether to stop

    async def start(self) -> None:
        try:
            await self
        except BaseException:
            self.stop()
            self._thread.join()
            raise

    def work(self, waiting: JobQueue, done: deque[ReadJob], tell: Notify) -> "asyncio.Future[None]":
        """Run waiting calls on the thread until there are none; the future completes then.

        Completed calls are appended to `done`. `tell` is called on the thread to announce them while more
        calls are to run.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, lambda: self._work(waiting, done, tell)))
        return future

    def cancel_current(self) -> None:
        """Stop the running call, whose caller has left.

        `interrupt()` would have no effect on a statement that is about to start.
        """
        if (call := self.current) is not None:
            call.abandoned = True

    async def close(self) -> None:
        await super().close()
        self._thread.join()  # it has finished its last call

    def _look_every(self, steps: int) -> None:
        """Set the progress handler's interval, on the thread.

        Each check acquires the GIL, so checks are no more frequent than necessary.
        """
        if self._steps != steps:
            self._steps = steps
            self._conn.set_progress_handler(self._is_to_stop, steps)

    def _is_to_stop(self) -> bool:
        call = self.current
        return call is not None and (call.abandoned or time.monotonic() > call.until)

    def _work(self, waiting: JobQueue, done: deque[ReadJob], tell: Notify) -> None:
        while True:
            call = waiting.take(short=self.reserved)
            if call is None:
                self._recent.forget()
                return
            call.until = time.monotonic() + self._seconds
            self.current = call
            if done:
                tell()  # before a call that may take long
            if call.rest:
                self._read_all((call, *call.rest), done, tell)
                continue
            try:
                call.outcome = self._read(call, self._run)
            except Exception as error:
                call.outcome = error
                call.preempted = self.reserved and _is_out_of_time(error)
            self.current = None
            done.append(call)

    def _read_all(self, calls: tuple[ReadJob, ...], done: deque[ReadJob], tell: Notify) -> None:
        """Run several calls one after the other in one read transaction."""
        failure: Exception | None = None
        for call in calls:
            call.until = calls[0].until
            self.current = call
            try:
                if failure is not None:
                    raise failure
                if not self._conn.in_transaction:
                    self._conn.execute("BEGIN")
                call.outcome = self._read(call, self._execute_in_transaction)
            except Exception as error:
                call.outcome = failure = error
            done.append(call)
            tell()
        self.current = None
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")  # nothing was written

    def _run(self, call: ReadJob) -> list[bytes | None]:
        answers, call.spared = self._recent.run(self._conn, call.statements, call.asked)
        return answers

    def _execute_in_transaction(self, call: ReadJob) -> list[bytes | None]:
        return execute_in_transaction(self._conn, call.statements)

    def _read(self, call: ReadJob, run_all: Run) -> list[bytes | None]:
        if call.abandoned:
            raise sqlite3.OperationalError("nobody waits for the answer")
        searches = any(FULL_TEXT in sql for sql, _ in call.statements)
        self._look_every(steps_per_check(self._seconds, is_search=searches))
        start = time.thread_time()
        try:
            answers = run_all(call)
        except (sqlite3.Error, MemoryError) as error:
            reached = None if call.abandoned else to_limit_error(error, self._conn)
            if reached is None:
                raise
            raise reached from error
        call.seconds = time.thread_time() - start
        return answers


def _is_out_of_time(error: Exception) -> bool:
    return isinstance(error, ResourceLimitError) and error.code is Code.TIMED_OUT
