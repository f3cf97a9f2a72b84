"""Read worker: one read-only connection and its thread.

Private attributes of aiosqlite are used only in this module.
"""

import asyncio
import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import aiosqlite

from gqlnews.database.sqlite.connection import (
    FULL_TEXT,
    Statements,
    connect_to_read,
    execute_all,
    execute_in_transaction,
    steps_per_check,
    to_limit_error,
)
from gqlnews.database.sqlite.job_queue import SHORT_SECONDS, JobQueue, ReadJob
from gqlnews.errors import Code, ResourceLimitError

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
        super().__init__(lambda: connect_to_read(path, max_bytes=max_bytes), iter_chunk_size=64)
        self.reserved = reserved
        self._timeout = min(seconds, RESERVED_TIMEOUT) if reserved else seconds
        self.current: ReadJob | None = None
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
                return
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
