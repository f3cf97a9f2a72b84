"""Run CPU-bound work off the event loop: one worker thread behind a short queue.

Clients are served in turn by their address, so that one client's work does not delay another's by more than
one job. What finds the queue full, or has waited too long in it, is refused with 503.
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
from gqlnews.server.wire import RETRY_AFTER, RefusedError
from gqlnews.time_budget import TimeBudget, time_budget

MAX_WAITING = 256  # jobs of all clients
MAX_WAITING_OF_ONE = 64  # jobs of one client
MAX_WAIT_SECONDS = 2.0
JOB_SECONDS = 1.0  # of a processor, for one job

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    result: "asyncio.Future[Any]"
    queued_at: float


class OffloadQueue:
    """Use it in one event loop, and `close` it there. Not `limited`: a job may take as long as it does."""

    def __init__(self, *, limited: bool = True) -> None:
        self._limited = limited
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gqlnews-offload")
        self._waiting: OrderedDict[str, deque[_Job]] = OrderedDict()  # by client, next one first
        self._is_running = False
        self._budget = TimeBudget(0.0)  # of the job that runs
        self.jobs = 0  # that ran or run

    def __len__(self) -> int:
        """Jobs that wait."""
        return sum(map(len, self._waiting.values()))

    def waiting_of(self, client: str) -> int:
        return len(self._waiting.get(client, ()))

    def close(self) -> None:
        """Stop what runs at its next check, and cancel what waits. Does not wait for the thread."""
        waiting, self._waiting = self._waiting, OrderedDict()
        for jobs in waiting.values():
            for job in jobs:
                job.result.cancel()
        self._budget.end()
        self._thread.shutdown(wait=False)

    async def run(self, client: str, work: Callable[[], T]) -> T:
        """The result of `work`, which runs on the thread with a time budget.

        Raises RefusedError (503) where too much waits, TimeBudgetExceeded, and what `work` raises.
        """
        self._make_room(client)
        job = _Job(work, asyncio.get_running_loop().create_future(), monotonic())
        self._waiting.setdefault(client, deque()).append(job)
        self._start_next()
        result: T = await job.result
        return result

    def _make_room(self, client: str) -> None:
        """Raises RefusedError where the client has enough jobs, or all have and none has more."""
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
            if job.result.done():  # its client has left
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
        """The oldest job of the client whose turn it is; then it is the next client's turn."""
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
    budget.restart()  # on the thread whose time it counts
    with time_budget(budget):
        return work()


def _overloaded() -> RefusedError:
    message = "The server prepares as many requests as it takes: try again later."
    return RefusedError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
