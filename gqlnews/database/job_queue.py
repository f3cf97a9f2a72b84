"""Fair queue of jobs that wait for a thread or a connection, slots per client, and a task's client."""

import asyncio
import math
from bisect import insort
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from threading import Lock
from typing import Any, Generic, TypeVar

from gqlnews.errors import OverloadedError

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
QUEUE_TIMEOUT_MESSAGE = "The server was too busy to start the request in time: try again later."
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


# Slots per client, in one event loop.


@dataclass(slots=True)
class _Slots:
    free: asyncio.Semaphore
    users: int = 0


class ClientSlots:
    """A semaphore per client with `count` slots: a task waits until its client has a free slot."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._clients: dict[str, _Slots] = {}

    @asynccontextmanager
    async def acquire(self, client: str) -> AsyncIterator[None]:
        """Hold a slot of the client while the block runs."""
        slots = self._clients.setdefault(client, _Slots(asyncio.Semaphore(self._count)))
        slots.users += 1
        try:
            async with slots.free:
                yield
        finally:
            slots.users -= 1
            if not slots.users:
                del self._clients[client]


# Context variables: the client that a task runs statements for, and their estimated CPU time.
#
# The read pool needs both for fair scheduling. They are context variables because the layers between an
# endpoint and the pool do not need them.

client_var: ContextVar[str] = ContextVar("client", default="")
"""The client key; empty for the server's own statements."""
expected_seconds_var: ContextVar[float | None] = ContextVar("expected", default=None)
"""The estimated CPU seconds of the statements; None if unknown."""
