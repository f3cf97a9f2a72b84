"""Prepare and run requests without blocking the event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic, perf_counter, thread_time
from typing import Any, TypeVar

from graphql import GraphQLError

from gqlnews.cache import SizedLRUCache
from gqlnews.database.job_queue import JobQueue, QueuedJob
from gqlnews.engine.documents import Document, with_code
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import (
    GraphQLRequest,
    GraphQLResponse,
    PreparedQuery,
    PreparedRequest,
    error_response,
)
from gqlnews.errors import Code, OverloadedError
from gqlnews.query.entities import Audience
from gqlnews.server.limits import SubscriptionLimiter, TokenBucket
from gqlnews.server.request import PersistedDocuments, RawRequest
from gqlnews.server.response import RETRY_AFTER, HTTPError
from gqlnews.time_budget import TimeBudget, TimeBudgetExceeded, time_budget

# Run CPU-bound work off the event loop: one worker thread behind a short queue.
#
# Clients are served round-robin, so that one client delays another by at most one job. A job fails with 503
# if it waits too long, if its client has too many queued jobs, or if the queue is full.

MAX_QUEUED = 256  # queued jobs of all clients
MAX_QUEUED_PER_CLIENT = 64  # queued jobs of one client
MAX_WAIT_SECONDS = 2.0  # maximum time in the queue
JOB_SECONDS = 1.0  # time budget of one job, in CPU time

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _OffloadJob(QueuedJob):
    work: Callable[[], Any] = lambda: None


class OffloadQueue:
    """Fair job queue of one event loop. The owner must `close` it.

    With `has_time_limit`, each job has a time budget.
    """

    def __init__(self, *, has_time_limit: bool = True) -> None:
        self._has_time_limit = has_time_limit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="gqlnews-offload")
        self._queued: JobQueue[_OffloadJob] = JobQueue(MAX_QUEUED, MAX_QUEUED_PER_CLIENT)
        self._is_running = False
        self._budget = TimeBudget(0.0)  # of the running job
        self.jobs = 0  # jobs started so far

    def __len__(self) -> int:
        """The number of queued jobs."""
        return len(self._queued)

    def queued_count(self, client: str) -> int:
        return self._queued.count(client)

    def close(self) -> None:
        """Cancel queued jobs and stop the running one at its next budget check, without waiting for it."""
        for job in self._queued.pop_overdue(inf):
            job.future.cancel()
        self._budget.end()
        self._thread.shutdown(wait=False)

    async def run(self, client: str, work: Callable[[], T]) -> T:
        """Run `work` on the thread with a time budget and return its result.

        Raises HTTPError (503) if the queue is full or the job waits too long, TimeBudgetExceeded if it runs
        too long, and any error that `work` raises.
        """
        job = _OffloadJob(asyncio.get_running_loop().create_future(), monotonic(), client, work=work)
        try:
            displaced = self._queued.put(job)
        except OverloadedError:
            raise _overloaded() from None
        if displaced is not None and not displaced.future.done():
            displaced.future.set_exception(_overloaded())
        self._start_next()
        result: T = await job.future
        return result

    def _start_next(self) -> None:
        while not self._is_running and (job := self._queued.pop()) is not None:
            if job.future.done():  # the client has disconnected
                continue
            if monotonic() - job.queued_at > MAX_WAIT_SECONDS:
                job.future.set_exception(_overloaded())
                continue
            self._budget = TimeBudget(JOB_SECONDS if self._has_time_limit else inf, thread_time)
            loop = asyncio.get_running_loop()
            try:
                running = loop.run_in_executor(self._thread, _run, job.work, self._budget)
            except RuntimeError:  # no thread can be started at the moment
                job.future.set_exception(_overloaded())
                continue
            self._is_running = True
            self.jobs += 1
            running.add_done_callback(partial(self._set_result, job))

    def _set_result(self, job: _OffloadJob, done: "asyncio.Future[Any]") -> None:
        self._is_running = False
        self._start_next()
        if done.cancelled() or job.future.done():
            return
        error = done.exception()
        if error is not None:
            job.future.set_exception(error)
        else:
            job.future.set_result(done.result())


def _run(work: Callable[[], T], budget: TimeBudget) -> T:
    budget.restart()  # on this thread, as the budget counts the CPU time of the thread
    with time_budget(budget):
        return work()


def _overloaded() -> HTTPError:
    message = "The server has too many requests to prepare: try again later."
    return HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})


# Request coalescing: a call waits for an equal one that is already running, and shares its result.


class SingleFlight:
    """Coalesce calls by key, in one event loop.

    The work continues if a caller is cancelled, as other callers may be waiting for it.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, or of the work that is already running for the same key."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.ensure_future(work())
            running.add_done_callback(lambda done: self._remove(key, done))
        result: T = await asyncio.shield(running)
        return result

    def _remove(self, key: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # mark it as retrieved, or asyncio logs it if all callers were cancelled


# Prepare requests (parse, validate, plan, compile) without blocking the event loop.
#
# 1. A request is first prepared on the event loop, within a time budget: most take 0.1 to 5 ms.
# 2. The slow preparations of all clients share a fraction of the loop's time. Once it is used up, the budget
#    is MIN_SECONDS, except for a client that has not used up a small share of its own.
# 3. A request that exceeds its budget is prepared again by the worker thread of `OffloadQueue`, with the same
#    document if that is cached. Meanwhile, other requests with the same document wait.

MAX_SECONDS = 0.02  # maximum budget of one request on the loop
MIN_SECONDS = 0.001  # budget when the share is used up; enough for a cached document
FREE_SECONDS = 0.001  # preparations up to this time are not charged to the share
SHARE = 0.3  # fraction of the loop's time
MAX_QUEUED_FOR_LOOP = 32  # the loop does not try the requests of a client with more queued jobs
BURST_SECONDS = 0.02  # bucket size of the share
CLIENT_BURST_SECONDS, CLIENT_SHARE = 0.005, 0.02  # bucket size and share of a client's own bucket
MAX_CLIENTS = 10_000  # tracked clients; above it, the least recently seen one gets a new bucket
PREPARE_TIMEOUT = (
    "The request takes too long to prepare: request fewer fields, or split it into several requests."
)


class LoopShare:
    """Limit the event loop time of preparation: a token bucket for all clients together.

    Each client also has a small bucket of its own, for when the shared one is empty.
    """

    def __init__(self) -> None:
        self._all = TokenBucket(BURST_SECONDS, SHARE)
        self._clients: SizedLRUCache[str, TokenBucket] = SizedLRUCache(MAX_CLIENTS)

    def budget(self, client: str, now: float) -> float:
        """The time budget of the client's next request, in seconds."""
        own_bucket = self._clients.get(client)
        own_seconds = CLIENT_BURST_SECONDS if own_bucket is None else own_bucket.refill(now)
        return min(MAX_SECONDS, max(MIN_SECONDS, self._all.refill(now), own_seconds))

    def spend(self, client: str, seconds: float, now: float) -> None:
        """Charge a preparation to both buckets, unless it was fast."""
        if seconds <= FREE_SECONDS:
            return
        own_bucket = self._clients.get(client)
        if own_bucket is None:
            self._clients.set(client, own_bucket := TokenBucket(CLIENT_BURST_SECONDS, CLIENT_SHARE), 1)
        for bucket in (self._all, own_bucket):
            bucket.tokens = bucket.refill(now) - seconds


class Preparer:
    """Prepare and run the requests of one engine."""

    def __init__(
        self,
        engine: Engine,
        queue: OffloadQueue,
        persisted_documents: PersistedDocuments,
        subscription_limiter: SubscriptionLimiter,
    ) -> None:
        self._engine, self._queue = engine, queue
        self.persisted_documents, self._subscription_limiter = persisted_documents, subscription_limiter
        self._share = LoopShare()
        self._preparing: dict[str, asyncio.Future[None]] = {}  # by document, while the thread prepares it
        self._introspection = SingleFlight()

    async def prepare(
        self, raw: RawRequest, audience: Audience, client: str, *, incremental: bool = False
    ) -> PreparedRequest:
        """Prepare the request, or return its error response; `client` is the key for fair scheduling.

        Raises HTTPError if its document is unknown, the server is overloaded, or it is a subscription beyond
        the client's limit, which is rejected before any work.
        """
        if raw.is_subscription:
            self._subscription_limiter.check(client)
        request = GraphQLRequest(
            self.persisted_documents.resolve(raw),
            raw.variables,
            raw.operation_name,
            incremental=incremental,
            include_cost=raw.include_cost,
            include_hints=raw.include_hints,
        )
        try:
            prepared = await self._prepare(request, audience, client)
        except TimeBudgetExceeded:
            return error_response([with_code(GraphQLError(PREPARE_TIMEOUT), Code.TOO_WIDE)])
        if not (isinstance(prepared, GraphQLResponse) and prepared.is_invalid):
            self.persisted_documents.register(raw)
        return prepared

    async def run(self, prepared: PreparedQuery, client: str) -> GraphQLResponse:
        """Execute a prepared query. Raises HTTPError (503)."""
        run = partial(self._engine.run, prepared, partial(self._queue.run, client))
        if prepared.bound.complete or prepared.bound.queries:
            return await run()
        request = prepared.request  # introspection: the response does not depend on the store
        key = (
            request.query,
            request.operation_name,
            repr(request.variables),
            request.include_cost,
            request.include_hints,
        )
        return await self._introspection.run(key, run)

    async def _prepare(self, request: GraphQLRequest, audience: Audience, client: str) -> PreparedRequest:
        prepared = self._try_on_loop(request, audience, client)
        if prepared is None and (in_progress := self._preparing.get(request.query)) is not None:
            await asyncio.wait([in_progress])  # then the document is cached
            prepared = self._try_on_loop(request, audience, client)
        return prepared or await self._prepare_on_thread(request, audience, client)

    def _try_on_loop(
        self, request: GraphQLRequest, audience: Audience, client: str
    ) -> PreparedRequest | None:
        """Prepare the request within its time budget; None if that is exceeded or not worth trying."""
        start = perf_counter()
        budget = self._share.budget(client, start)
        if not self._is_worth_trying(request.query, client, budget):
            return None
        try:
            with time_budget(budget):
                return self._engine.prepare(request, audience)
        except TimeBudgetExceeded:
            return None
        finally:
            now = perf_counter()
            self._share.spend(client, now - start, now)

    def _is_worth_trying(self, query: str, client: str, budget: float) -> bool:
        """Return whether the loop should try to prepare the request.

        It should not for a client with many queued jobs, nor for an uncached document on the minimal budget.
        """
        if self._queue.queued_count(client) > MAX_QUEUED_FOR_LOOP:
            return False
        return budget > MIN_SECONDS or self._engine.cache.get_document(query) is not None

    async def _prepare_on_thread(
        self, request: GraphQLRequest, audience: Audience, client: str
    ) -> PreparedRequest:
        engine, cache = self._engine, self._engine.cache
        cached = cache.get_document(request.query)

        def prepare() -> tuple[Document, PreparedRequest]:
            document = cached or engine.parse(request.query)
            return document, engine.prepare_document(document, request, audience)

        done = asyncio.get_running_loop().create_future()
        self._preparing.setdefault(request.query, done)
        try:
            document, prepared = await self._queue.run(client, prepare)
            cache.set_document(document)
        finally:
            done.set_result(None)
            if self._preparing.get(request.query) is done:
                del self._preparing[request.query]
        return prepared
