"""Read jobs, their fair queue, and the workers that run them, each with a connection on its own thread.

Private attributes of aiosqlite are used only in this module.
"""

import asyncio
import math
import sqlite3
import time
from bisect import insort
from collections import OrderedDict, deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from pathlib import Path
from threading import Lock
from typing import Any, Generic, TypeVar

import aiosqlite
from aiosqlite.core import _STOP_RUNNING_SENTINEL

from gqlnews.database.sqlite.connection import (
    FULL_TEXT,
    Statements,
    connect_to_read,
    execute_all,
    execute_in_transaction,
    steps_per_check,
    to_limit_error,
)
from gqlnews.errors import Code, OverloadedError, ResourceLimitError, StorageError

SHORT_SECONDS = 0.015
"""Maximum expected CPU time of a short job."""


@dataclass(slots=True, eq=False)
class QueuedJob:
    """A job that waits for its turn, and the future of its result.

    `client` is the client key, `queued_at` a time by time.monotonic(), and `expected` the estimated CPU time
    in seconds, infinite if unknown.
    """

    future: asyncio.Future[Any]
    queued_at: float
    client: str = ""
    expected: float = math.inf
    order: tuple[int, int] = (0, 0)

    @property
    def is_short(self) -> bool:
        """Whether the job is known to be short."""
        return self.expected <= SHORT_SECONDS


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


# Fair queue of jobs that wait for a thread: round-robin over clients, shortest job first.
#
# 1. Clients take turns, independently of the number of their jobs.
# 2. On a client's turn, its job with the shortest expected time is served; of jobs with similar expected
#    times, the oldest.
# 3. The reader that is reserved for short jobs skips clients that have none.
#
# The number of jobs is limited, in total and per client, so no client fills the queue alone.

Job = TypeVar("Job", bound=QueuedJob)

MAX_QUEUED = 1_000
MIN_MAGNITUDE, UNKNOWN_MAGNITUDE = -9, 1_000  # that of a millisecond, and one greater than any other
QUEUE_FULL_MESSAGE = "Too many requests are waiting for the database: try again later."
CLIENT_QUEUE_FULL_MESSAGE = "Too many of your requests are waiting for the database: try again later."


class JobQueue(Generic[Job]):
    """Queue that the event loop fills and other threads empty.

    It has room for `max_jobs` jobs, `max_jobs_per_client` of one client, by default half of them.
    """

    def __init__(self, max_jobs: int = MAX_QUEUED, max_jobs_per_client: int | None = None) -> None:
        self._max_jobs = max_jobs
        self._max_jobs_per_client = max_jobs // 2 if max_jobs_per_client is None else max_jobs_per_client
        self._lock = Lock()
        # Clients in order of turn, each with its sorted jobs.
        self._clients: OrderedDict[str, list[Job]] = OrderedDict()
        self._numbers = count()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def count(self, client: str) -> int:
        """Return the number of jobs of a client."""
        return len(self._clients.get(client, ()))

    def put(self, job: Job) -> Job | None:
        """Add a job. Raises OverloadedError if there is no room.

        If the queue is full, the last job of the client with the most jobs is removed and returned.
        """
        with self._lock:
            own_jobs = self.count(job.client)
            if own_jobs >= self._max_jobs_per_client:
                raise OverloadedError(CLIENT_QUEUE_FULL_MESSAGE)
            displaced = self._displace_for(own_jobs) if self._count >= self._max_jobs else None
            self._insert(job)
        return displaced

    def _displace_for(self, own_jobs: int) -> Job:
        """Remove and return the last job of the client with the most, for a client that has `own_jobs`.

        Raises OverloadedError if that client would not have more jobs than this one.
        """
        busiest = max(self._clients.values(), key=len)
        if len(busiest) <= own_jobs + 1:
            raise OverloadedError(QUEUE_FULL_MESSAGE)
        job = busiest[-1]
        self._remove(job)
        return job

    def requeue(self, job: Job) -> None:
        """Add a job that was popped before, even if the queue is full."""
        with self._lock:
            self._insert(job)

    def pop(self, *, short: bool = False) -> Job | None:
        """Remove and return the next job; with `short`, the next short one."""
        with self._lock:
            heads = (jobs[0] for jobs in self._clients.values())
            job = next((head for head in heads if not short or head.is_short), None)
            if job is not None:
                self._clients.move_to_end(job.client)
                self._remove(job)
            return job

    def discard(self, job: Job) -> bool:
        """Remove a job if it is still queued; return whether it was."""
        with self._lock:
            is_queued = job in self._clients.get(job.client, ())
            if is_queued:
                self._remove(job)
            return is_queued

    def pop_overdue(self, queued_before: float) -> list[Job]:
        """Remove and return the jobs that were queued at `queued_before` or earlier."""
        with self._lock:
            late = [job for jobs in self._clients.values() for job in jobs if job.queued_at <= queued_before]
            for job in late:
                self._remove(job)
            return late

    def oldest_queued_at(self) -> float | None:
        """Return the time at which the oldest job was queued; None if there is none."""
        with self._lock:
            return min((job.queued_at for jobs in self._clients.values() for job in jobs), default=None)

    def has(self, *, short: bool = False) -> bool:
        """Return whether `pop` would return a job."""
        with self._lock:
            return any(not short or jobs[0].is_short for jobs in self._clients.values())

    def _insert(self, job: Job) -> None:
        job.order = _magnitude(job.expected), next(self._numbers)
        insort(self._clients.setdefault(job.client, []), job, key=attrgetter("order"))
        self._count += 1

    def _remove(self, job: Job) -> None:
        jobs = self._clients[job.client]
        jobs.remove(job)
        self._count -= 1
        if not jobs:
            del self._clients[job.client]


def _magnitude(seconds: float) -> int:
    """Return the binary exponent of an expected time; jobs with the same one run in order of arrival."""
    return max(MIN_MAGNITUDE, math.frexp(seconds)[1]) if math.isfinite(seconds) else UNKNOWN_MAGNITUDE


# Context variables: the client that a task runs statements for, and their estimated CPU time.
#
# The read pool needs both for fair scheduling. They are context variables because the layers between an
# endpoint and the pool do not need them.

client_var: ContextVar[str] = ContextVar("client", default="")
"""The client key; empty for the server's own statements."""
expected_seconds_var: ContextVar[float | None] = ContextVar("expected", default=None)
"""The estimated CPU seconds of the statements; None if unknown."""


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
