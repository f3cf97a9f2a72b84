"""Read worker: one read-only connection and its thread.

Private attributes of aiosqlite are used only in this module.
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
    read_transaction,
    steps_per_check,
    to_limit_error,
)
from gqlnews.database.sqlite.job_queue import SHORT_SECONDS, JobQueue, ReadJob
from gqlnews.errors import Code, ResourceLimitError

RESERVED_TIMEOUT = 3 * SHORT_SECONDS  # wall-clock timeout in seconds of a job on the reserved reader


Notify = Callable[[], None]
Execute = Callable[[ReadJob], list[bytes | None]]


class ReadWorker(aiosqlite.Connection):
    """Run jobs from a queue shared with other readers, each for at most `seconds`.

    A `reserved` reader runs only short jobs, with a shorter timeout; a job that exceeds it is stopped and
    marked as preempted.
    """

    def __init__(
        self, path: Path, max_bytes: int = 0, seconds: float = math.inf, *, reserved: bool = False
    ) -> None:
        super().__init__(lambda: connect_to_read(path, max_bytes=max_bytes), iter_chunk_size=64)
        self.reserved = reserved
        self._timeout = min(seconds, RESERVED_TIMEOUT) if reserved else seconds
        self.current: ReadJob | None = None
        self._coalescer = ResultCoalescer()
        self._steps = 0  # instructions between two calls of `_should_stop`

    async def start(self) -> None:
        try:
            await self
        except BaseException:
            self.stop()
            self._thread.join()
            raise

    def work(self, queue: JobQueue, completed: deque[ReadJob], notify: Notify) -> "asyncio.Future[None]":
        """Run queued jobs on the thread until there are none; then the future completes.

        Completed jobs are appended to `completed`. `notify` is called on the thread to announce them while
        more jobs are to run.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, lambda: self._work(queue, completed, notify)))
        return future

    def cancel_current(self) -> None:
        """Stop the running job, whose caller was cancelled.

        `interrupt()` would have no effect on a statement that is about to start.
        """
        if (job := self.current) is not None:
            job.abandoned = True

    async def close(self) -> None:
        await super().close()
        self._thread.join()  # it has finished its last job

    def _set_progress_interval(self, steps: int) -> None:
        """Set the progress handler's interval, on the thread.

        Each check acquires the GIL, so checks must not be more frequent than necessary.
        """
        if self._steps != steps:
            self._steps = steps
            self._conn.set_progress_handler(self._should_stop, steps)

    def _should_stop(self) -> bool:
        job = self.current
        return job is not None and (job.abandoned or time.monotonic() > job.deadline)

    def _work(self, queue: JobQueue, completed: deque[ReadJob], notify: Notify) -> None:
        while True:
            job = queue.pop(short=self.reserved)
            if job is None:
                self._coalescer.clear()
                return
            job.deadline = time.monotonic() + self._timeout
            self.current = job
            if completed:
                notify()  # before a job that may take long
            if job.continuations:
                self._run_all((job, *job.continuations), completed, notify)
                continue
            try:
                job.result = self._read(job, self._run)
            except Exception as error:
                job.result = error
                job.preempted = self.reserved and _is_timeout(error)
            self.current = None
            completed.append(job)

    def _run_all(self, jobs: tuple[ReadJob, ...], completed: deque[ReadJob], notify: Notify) -> None:
        """Run several jobs one after the other in one read transaction."""
        failure: Exception | None = None
        for job in jobs:
            job.deadline = jobs[0].deadline
            self.current = job
            try:
                if failure is not None:
                    raise failure
                if not self._conn.in_transaction:
                    self._conn.execute("BEGIN")
                job.result = self._read(job, self._execute_in_transaction)
            except Exception as error:
                job.result = failure = error
            completed.append(job)
            notify()
        self.current = None
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")  # nothing was written

    def _run(self, job: ReadJob) -> list[bytes | None]:
        results, job.coalesced = self._coalescer.run(self._conn, job.statements, job.queued_at)
        return results

    def _execute_in_transaction(self, job: ReadJob) -> list[bytes | None]:
        return execute_in_transaction(self._conn, job.statements)

    def _read(self, job: ReadJob, execute: Execute) -> list[bytes | None]:
        if job.abandoned:
            raise sqlite3.OperationalError("the caller was cancelled")
        is_search = any(FULL_TEXT in sql for sql, _ in job.statements)
        self._set_progress_interval(steps_per_check(self._timeout, is_search=is_search))
        start = time.thread_time()
        try:
            results = execute(job)
        except (sqlite3.Error, MemoryError) as error:
            limit_error = None if job.abandoned else to_limit_error(error, self._conn)
            if limit_error is None:
                raise
            raise limit_error from error
        job.seconds = time.thread_time() - start
        return results


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, ResourceLimitError) and error.code is Code.TIMED_OUT


# Coalescing of identical statements that were queued while one was running (single-flight).
#
# After a content change the response caches are empty, and many clients send the same request. If each
# request ran its statements in turn, the last ones would time out. So a reader caches results while jobs are
# queued, and only while the database is unchanged, which `PRAGMA data_version` shows within the read
# transaction.


MAX_CACHE_BYTES = 8 << 20
MAX_PARAM_LENGTH = 4_096  # characters of text parameters; longer ones are rarely repeated
ENTRY_OVERHEAD = 500  # approximate bytes per entry, without its texts

_Key = tuple[str, str]
"""SQL and its parameters as text; hash collisions of text cannot be provoked."""


class ResultCoalescer:
    """Cache of the results of one connection, of at most `max_bytes`."""

    def __init__(self, max_bytes: int = MAX_CACHE_BYTES) -> None:
        self._version: object = None
        # JSON and completion time of each statement.
        self._results: SizedLRUCache[_Key, tuple[bytes | None, float]] = SizedLRUCache(max_bytes)

    def __len__(self) -> int:
        return len(self._results)

    def run(
        self, db: sqlite3.Connection, statements: Statements, queued_at: float
    ) -> tuple[list[bytes | None], int]:
        """Run the statements in one read transaction; return the results, and how many were coalesced.

        `queued_at` is the arrival time, by time.monotonic(). Only results that completed after it are reused.
        """
        keys = [_cache_key(sql, params) for sql, params in statements]
        with read_transaction(db):
            self._clear_if_stale(db)
            reused = {
                key: cached[0]
                for key in keys
                if key is not None
                and (cached := self._results.get(key)) is not None
                and cached[1] > queued_at
            }
            remaining = [
                statement for key, statement in zip(keys, statements, strict=True) if key not in reused
            ]
            fresh = iter(execute_in_transaction(db, remaining))
        completed_at = time.monotonic()
        results = [
            reused[key] if key in reused else self._store(key, next(fresh), completed_at) for key in keys
        ]
        check_total_size(db, results)
        return results, len(statements) - len(remaining)

    def clear(self) -> None:
        """Clear the cache."""
        self._results = SizedLRUCache(self._results.max_bytes)

    def _clear_if_stale(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA data_version").fetchone()  # changes with a commit of another connection
        if version != self._version:
            self._version = version
            self.clear()

    def _store(self, key: _Key | None, json: bytes | None, completed_at: float) -> bytes | None:
        if key is not None:
            size = ENTRY_OVERHEAD + len(key[0]) + getsizeof(key[1]) + len(json or b"")
            self._results.set(key, (json, completed_at), size)
        return json


def _cache_key(sql: str, params: Sequence[object]) -> _Key | None:
    if sum(len(value) for value in params if isinstance(value, str)) > MAX_PARAM_LENGTH:
        return None
    return sql, repr(params)
