"""Read pool: read-only connections, each on a thread of its own.

A request submits all its statements as one job. They run in one thread dispatch and in one read transaction,
so they all see the same snapshot. Waking a thread costs more than a small statement, so a thread that is
awake continues with the jobs queued meanwhile: they share its dispatch. A request within a small budget
needs no dispatch at all: the engine first tries it on the event loop (inline_executor.py).

If there are several readers, one is reserved for short jobs; the others run all jobs. Whether a job is short
follows from the measured CPU time of its statements, or, if that is unknown, from the estimate of the
request. Queued jobs are served round-robin by client (job_queue.py).

A cancelled caller returns immediately, and its running statements are stopped. Statements that exceed the
timeout are stopped too. A job that is queued for the length of the timeout fails with OverloadedError,
because a smaller request would not have been started earlier.
"""

import asyncio
import logging
import math
import sqlite3
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.job_queue import (
    QUEUE_FULL_MESSAGE,
    QUEUE_TIMEOUT_MESSAGE,
    SHORT_SECONDS,
    JobQueue,
    client_var,
    expected_seconds_var,
)
from gqlnews.database.protocol import STATEMENT_TIME_SHARE, Statements
from gqlnews.database.sqlite.damage import to_database_error
from gqlnews.database.sqlite.inline_executor import InlineExecutor
from gqlnews.database.sqlite.read_worker import ReadJob, ReadWorker
from gqlnews.errors import Code, DatabaseError, OverloadedError, ResourceLimitError

log = logging.getLogger("gqlnews")

Trace = Callable[[str], None]

DELIVERY_BYTES = 256 << 10  # of results per iteration of the event loop, which also copies and sends them

HEALTH_CHECK: Statements = (("SELECT version FROM site LIMIT 1", ()),)


class ReadPool:
    """All readers of one database file: on threads, and `inline` on the event loop.

    `close` it after the last read: its threads would prevent Python from exiting.
    """

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self._limits = limits
        self._timeout = limits.timeout_seconds * STATEMENT_TIME_SHARE or math.inf
        self._path = Path()
        self._readers: list[ReadWorker] = []
        self._idle: list[ReadWorker] = []
        self._queue: JobQueue[ReadJob] = JobQueue()
        # Fires when the oldest job has been queued for too long.
        self._overdue_timer: asyncio.TimerHandle | None = None
        self._completed: deque[ReadJob] = deque()
        self.inline = InlineExecutor()
        self._delivery_scheduled = False
        self._health_check: asyncio.Task[bool] | None = None
        self._closed = True

    async def open(self, path: Path, count: int = 2) -> None:
        """Open `count` readers of the database at `path`; if several, one is reserved for short jobs.

        Raises DatabaseError or a subclass.
        """
        self._path, self._closed = path, False
        self._loop = asyncio.get_running_loop()
        max_bytes = self._limits.max_response_bytes
        try:
            self.inline.open(path, max_bytes)
            for number in range(count):
                reader = ReadWorker(path, max_bytes, self._timeout, reserved=number == 0 and count > 1)
                await reader.start()
                self._readers.append(reader)
                self._idle.append(reader)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Fail queued jobs, stop running ones, and end every thread. Idempotent."""
        readers = self._readers
        closing = self.begin_close()
        for result in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(result, BaseException):
                log.error("a reader of database %s cannot be closed: %r", self._path, result)
        for reader in readers:
            reader.join()
        self._deliver()

    def begin_close(self) -> "list[asyncio.Future[None]]":
        """Begin what `close` does; every thread ends even if the caller is cancelled while it waits."""
        self._closed = True
        self.inline.close()
        if self._overdue_timer is not None:
            self._overdue_timer.cancel()
        for job in self._queue.pop_overdue(math.inf):
            job.result = self._closed_error()
            job.deliver()
        readers, self._readers, self._idle = self._readers, [], []
        return [reader.begin_close() for reader in readers]

    async def execute_batch(
        self, statements: Statements, expected: float | None = None
    ) -> list[bytes | None]:
        """Run the statements; return the bytes of each one's value in order, None for NULL or no row.

        `expected` is their estimated CPU time in seconds; by default, that of the task.
        Raises DatabaseError if the database cannot be read, ResourceLimitError if the timeout or the size
        limit is exceeded, and OverloadedError if the job was not started. Invalid statements raise errors of
        sqlite3.
        """
        job = self._create_job(statements, expected)
        self._enqueue(job)
        try:
            results = await self._wait_for(job)
        except asyncio.CancelledError:
            job.abandoned = True
            self._queue.discard(job)
            raise
        self.inline.record(statements, job.seconds)
        return results

    async def can_read(self) -> bool:
        """Return whether an idle reader can read the database; if all are busy, return True.

        Concurrent calls share one read.
        """
        if self._closed:
            return False
        if self._health_check is None:
            if not self._idle:
                return True
            self._health_check = asyncio.create_task(self._check_reader())
            self._health_check.add_done_callback(self._end_health_check)
        return await asyncio.shield(self._health_check)

    def _end_health_check(self, _check: "asyncio.Task[bool]") -> None:
        self._health_check = None

    async def _check_reader(self) -> bool:
        job = self._create_job(HEALTH_CHECK, 0.0)
        try:
            self._enqueue(job)
            await job.future
        except ResourceLimitError as error:
            return error.code in {Code.OVERLOADED, Code.TIMED_OUT}
        except (sqlite3.Error, ValueError, MemoryError, DatabaseError):
            return False
        finally:
            job.abandoned = True
            self._queue.discard(job)
        return True

    async def execute_parts(self, parts: Sequence[Statements]) -> AsyncGenerator[list[bytes | None], None]:
        """Run the statements of all parts in one read transaction; yield the results per part, in order."""
        jobs = [self._create_job(statements) for statements in parts]
        jobs[0].continuations = tuple(jobs[1:])
        self._enqueue(jobs[0])
        try:
            for job in jobs:
                yield await self._wait_for(job)
        finally:
            self._queue.discard(jobs[0])
            for job in jobs:
                job.abandoned = True
                if not job.future.cancel() and not job.future.cancelled():
                    job.future.exception()  # mark as retrieved; the caller has the first failure

    async def _wait_for(self, job: ReadJob) -> list[bytes | None]:
        try:
            results: list[bytes | None] = await job.future
            return results
        except (sqlite3.Error, ValueError) as error:
            failure = to_database_error(error, self._path) if isinstance(error, sqlite3.Error) else None
            failure = self._closed_error() if self._closed else failure
            if failure is None:
                raise
            raise failure from error

    async def trace(self, hook: Trace | None) -> None:
        """Call `hook` with the text of every statement, on the thread that runs it; None disables tracing."""
        self.inline.trace(hook)
        for reader in self._readers:
            # sqlite3 accepts None, but the annotation does not
            await reader.set_trace_callback(cast("Trace", hook))

    def _closed_error(self) -> DatabaseError:
        return DatabaseError(f"database {self._path} is closed")

    def _create_job(self, statements: Statements, estimate: float | None = None) -> ReadJob:
        """Create a job; its expected time is the measured CPU time, or the estimate if that is unknown."""
        estimates = (self.inline.cpu_seconds(statements), estimate, expected_seconds_var.get(), math.inf)
        expected = next(seconds for seconds in estimates if seconds is not None)
        future, client = self._loop.create_future(), client_var.get()
        return ReadJob(future, time.monotonic(), client, expected, statements=statements)

    def _enqueue(self, job: ReadJob) -> None:
        if self._closed:
            raise self._closed_error()
        displaced = self._queue.put(job)
        if displaced is not None:
            displaced.result = OverloadedError(QUEUE_FULL_MESSAGE)
            displaced.deliver()
        if self._overdue_timer is None and self._timeout < math.inf:
            self._overdue_timer = self._loop.call_at(job.queued_at + self._timeout, self._fail_overdue)
        self._wake()

    def _fail_overdue(self) -> None:
        """Fail the jobs that have been queued for the length of the timeout."""
        for job in self._queue.pop_overdue(self._loop.time() - self._timeout):
            job.result = OverloadedError(QUEUE_TIMEOUT_MESSAGE)
            job.deliver()
        oldest_queued_at = self._queue.oldest_queued_at()
        next_check = None if oldest_queued_at is None else oldest_queued_at + self._timeout
        self._overdue_timer = (
            None if next_check is None else self._loop.call_at(next_check, self._fail_overdue)
        )

    def _wake(self) -> None:
        """Dispatch queued jobs to an idle reader, the reserved one first, so that the others stay free."""
        for reader in sorted(self._idle, key=lambda reader: not reader.reserved):
            if self._queue.has(short=reader.reserved):
                self._idle.remove(reader)
                work = reader.work(self._queue, self._completed, self._schedule_delivery)
                work.add_done_callback(partial(self._on_idle, reader))
                return

    def _on_idle(self, reader: ReadWorker, work: "asyncio.Future[None]") -> None:
        """Return a reader to the idle list when it finds no more jobs that it may run."""
        self._deliver()
        if not self._closed:
            self._idle.append(reader)
            if len(self._queue):  # enqueued after the reader's last check
                self._wake()

    def _schedule_delivery(self) -> None:
        """Schedule the delivery of completed jobs; called on a reader's thread."""
        if not self._delivery_scheduled:
            self._delivery_scheduled = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        # Reset before `_completed` is read, so that later completions schedule again.
        self._delivery_scheduled = False
        size = 0
        while self._completed:
            if size > DELIVERY_BYTES and not self._closed:
                self._delivery_scheduled = True
                self._loop.call_soon(self._deliver)
                return
            job = self._completed.popleft()
            size += job.size
            if job.preempted and not self._closed:
                self._requeue(job)
                continue
            job.deliver()

    def _requeue(self, job: ReadJob) -> None:
        """Queue a preempted job again, for a reader that is not reserved."""
        job.preempted, job.result, job.expected = False, None, 2 * SHORT_SECONDS
        if not job.abandoned:
            self._queue.requeue(job)
            self._wake()
