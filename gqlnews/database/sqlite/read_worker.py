"""Read jobs, and the workers that run them, each with a connection on its own thread.

Private attributes of aiosqlite are used only in this module.
"""

import asyncio
import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiosqlite
from aiosqlite.core import _STOP_RUNNING_SENTINEL

from gqlnews.database.job_queue import SHORT_SECONDS, JobQueue, QueuedJob
from gqlnews.database.protocol import Statements
from gqlnews.database.sqlite.connection import (
    FULL_TEXT,
    connect_to_read,
    execute_all,
    execute_in_transaction,
    steps_per_check,
    to_limit_error,
)
from gqlnews.errors import Code, ResourceLimitError, StorageError


@dataclass(slots=True, eq=False)
class ReadJob(QueuedJob):
    """A batch of statements for the read pool.

    `deadline` is set when the job starts, and `seconds` is the CPU time that the statements took.
    `continuations` are jobs that run in the same read transaction; each is delivered as soon as it completes.
    `preempted`: the job took longer than expected on the reserved reader and must run again on another.
    """

    statements: Statements = ()
    deadline: float = math.inf
    result: "list[bytes | None] | Exception | None" = None
    seconds: float = 0.0
    abandoned: bool = False
    preempted: bool = False
    continuations: "tuple[ReadJob, ...]" = ()

    @property
    def is_short(self) -> bool:
        """Whether the job may run on the reserved reader.

        A job with continuations may not, because results that were delivered cannot be computed again.
        """
        return self.expected <= SHORT_SECONDS and not self.continuations

    @property
    def size(self) -> int:
        """Size of the results in bytes."""
        return sum(map(len, filter(None, self.result))) if isinstance(self.result, list) else 0

    def deliver(self) -> None:
        """Resolve the future with the result, unless it is done already."""
        result, self.result = self.result, None  # breaks the reference cycle of an error and its traceback
        if self.future.done():
            return
        if isinstance(result, list):
            self.future.set_result(result)
        else:
            assert result is not None, "the job has a result"
            self.future.set_exception(result)


# Read worker: one read-only connection and its thread, which runs jobs from the queue.

RESERVED_TIMEOUT = 3 * SHORT_SECONDS  # wall-clock timeout in seconds of a job on the reserved reader

Notify = Callable[[], None]
Execute = Callable[[sqlite3.Connection, Statements], list[bytes | None]]


class ReadWorker(aiosqlite.Connection):
    """Run jobs from a queue shared with other readers, each for at most `seconds`.

    A `reserved` reader runs only short jobs, with a shorter timeout; a job that exceeds it is stopped and
    marked as preempted.
    """

    def __init__(
        self, path: Path, max_bytes: int = 0, seconds: float = math.inf, *, reserved: bool = False
    ) -> None:
        super().__init__(self._open, iter_chunk_size=64)
        self.reserved, self._path, self._max_bytes = reserved, path, max_bytes
        self._opened: sqlite3.Connection | None = None
        self._timeout = min(seconds, RESERVED_TIMEOUT) if reserved else seconds
        self.current: ReadJob | None = None
        self._steps = 0  # instructions between two calls of `_should_stop`

    async def start(self) -> None:
        """Start the thread and open the connection. Raises DatabaseError or a subclass."""
        try:
            await self
        except RuntimeError as error:  # no thread can be started
            raise StorageError(
                f"database {self._path} cannot be read ({error}): raise the limits of processes and memory"
            ) from error
        except BaseException:  # the thread stops once the connection is open
            self._thread.join()
            raise

    def work(
        self, queue: JobQueue[ReadJob], completed: deque[ReadJob], notify: Notify
    ) -> "asyncio.Future[None]":
        """Run queued jobs on the thread until there are none; then the future completes.

        Completed jobs are appended to `completed`. `notify` is called on the thread to announce them while
        more jobs are to run.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, lambda: self._work(queue, completed, notify)))
        return future

    def _open(self) -> sqlite3.Connection:
        self._opened = connect_to_read(self._path, max_bytes=self._max_bytes)
        return self._opened

    def stop(self) -> "asyncio.Future[None] | None":
        """Close the connection and end the thread, even if closing fails.

        If `start` was cancelled while the connection opened, only `_opened` has it.
        """
        self._tx.put_nowait((None, self._close_opened))
        future = super().stop()
        self._tx.put_nowait((None, lambda: _STOP_RUNNING_SENTINEL))
        return future

    def _close_opened(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def begin_close(self) -> "asyncio.Future[None]":
        """Stop the running job, close the connection and end the thread, without waiting for it."""
        if (job := self.current) is not None:  # `interrupt()` has no effect before a statement starts
            job.abandoned = True
        future = self.stop()
        assert future is not None, "an event loop is running"
        return future

    def join(self) -> None:
        """Wait for the end of the thread; `begin_close` has begun it."""
        self._thread.join()

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

    def _work(self, queue: JobQueue[ReadJob], completed: deque[ReadJob], notify: Notify) -> None:
        while (job := queue.pop(short=self.reserved)) is not None:
            job.deadline = time.monotonic() + self._timeout
            self.current = job
            if completed:
                notify()  # before a job that may take long
            if job.continuations:
                self._run_all((job, *job.continuations), completed, notify)
                continue
            try:
                job.result = self._read(job, execute_all)
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
                job.result = self._read(job, execute_in_transaction)
            except Exception as error:
                job.result = failure = error
            completed.append(job)
            notify()
        self.current = None
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")  # nothing was written

    def _read(self, job: ReadJob, execute: Execute) -> list[bytes | None]:
        if job.abandoned:
            raise sqlite3.OperationalError("the caller was cancelled")
        is_search = any(FULL_TEXT in sql for sql, _ in job.statements)
        self._set_progress_interval(steps_per_check(self._timeout, is_search=is_search))
        start = time.thread_time()
        try:
            results = execute(self._conn, job.statements)
        except (sqlite3.Error, MemoryError) as error:
            limit_error = None if job.abandoned else to_limit_error(error, self._conn)
            if limit_error is None:
                raise
            raise limit_error from error
        job.seconds = time.thread_time() - start
        return results


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, ResourceLimitError) and error.code is Code.TIMED_OUT
