"""Run CPU-bound work off the event loop: one worker thread behind a short queue.

Clients are served round-robin, so that one client delays another by at most one job. A job that finds the
queue full, or waits in it for too long, fails with 503.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic, thread_time
from typing import Any, TypeVar

from gqlnews.errors import Code
from gqlnews.server.http import RETRY_AFTER, HTTPError
from gqlnews.time_budget import TimeBudget, time_budget

MAX_WAITING = 256  # queued jobs of all clients
MAX_WAITING_OF_ONE = 64  # queued jobs of one client
MAX_WAIT_SECONDS = 2.0
JOB_SECONDS = 1.0  # CPU time for one job

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    result: "asyncio.Future[Any]"
    queued_at: float


class OffloadQueue:
    """Fair job queue for one event loop, which must also `close` it; `limited` sets a time budget per job."""

    def __init__(self, *, limited: bool = True) -> None:
        self._limited = limited
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gqlnews-offload")
        self._waiting: OrderedDict[str, deque[_Job]] = OrderedDict()  # by client, next to be served first
        self._is_running = False
        self._budget = TimeBudget(0.0)  # of the running job
        self.jobs = 0  # started so far

    def __len__(self) -> int:
        """The number of queued jobs."""
        return sum(map(len, self._waiting.values()))

    def waiting_of(self, client: str) -> int:
        return len(self._waiting.get(client, ()))

    def close(self) -> None:
        """Cancel queued jobs and stop the running one at its next budget check, without waiting for it."""
        waiting, self._waiting = self._waiting, OrderedDict()
        for jobs in waiting.values():
            for job in jobs:
                job.result.cancel()
        self._budget.end()
        self._thread.shutdown(wait=False)

    async def run(self, client: str, work: Callable[[], T]) -> T:
        """Run `work` on the thread with a time budget and return its result.

        Raises HTTPError (503) if the queue is full, TimeBudgetExceeded, and what `work` raises.
        """
        self._make_room(client)
        job = _Job(work, asyncio.get_running_loop().create_future(), monotonic())
        self._waiting.setdefault(client, deque()).append(job)
        self._start_next()
        result: T = await job.result
        return result

    def _make_room(self, client: str) -> None:
        """Enforce the queue limits; if the queue is full, evict a job of the client that has most.

        Raises HTTPError if the client is at its own limit, or none has at least two more jobs than it.
        """
        own = self.waiting_of(client)
        if own >= MAX_WAITING_OF_ONE:
            raise _overloaded()
        if len(self) < MAX_WAITING:
            return
        most = max(self._waiting, key=self.waiting_of)
        if self.waiting_of(most) <= own + 1:
            raise _overloaded()
        job = self._waiting[most].pop()
        if not job.result.done():
            job.result.set_exception(_overloaded())

    def _start_next(self) -> None:
        while not self._is_running and self._waiting:
            job = self._pop()
            if job.result.done():  # the client has disconnected
                continue
            if monotonic() - job.queued_at > MAX_WAIT_SECONDS:
                job.result.set_exception(_overloaded())
                continue
            self._is_running = True
            self.jobs += 1
            self._budget = TimeBudget(JOB_SECONDS if self._limited else inf, thread_time)
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._thread, _run, job.work, self._budget)
            running.add_done_callback(partial(self._deliver, job))

    def _pop(self) -> _Job:
        """Dequeue the oldest job of the next client, round-robin."""
        client, jobs = self._waiting.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._waiting[client] = jobs
        return job

    def _deliver(self, job: _Job, done: "asyncio.Future[Any]") -> None:
        self._is_running = False
        self._start_next()
        if done.cancelled() or job.result.done():
            return
        error = done.exception()
        if error is not None:
            job.result.set_exception(error)
        else:
            job.result.set_result(done.result())


def _run(work: Callable[[], T], budget: TimeBudget) -> T:
    budget.restart()  # on this thread, whose CPU time it measures
    with time_budget(budget):
        return work()


def _overloaded() -> HTTPError:
    message = "The server prepares as many requests as it takes: try again later."
    return HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
