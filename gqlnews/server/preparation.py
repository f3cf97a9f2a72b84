"""Prepare requests (parse, validate, plan, compile) without blocking the event loop.

1. A request is first prepared on the event loop, within a time budget: most take 0.1 to 5 ms.
2. Slow preparations of all clients share a fraction of the loop's time. Once it is used up, the budget is
   small, except for a client that has not used any of it.
3. A request that exceeds its budget is prepared again by the worker thread of `offload.py`, on a copy of the
   cached document; the loop then merges the result into the cache. Requests with the same document wait.
"""

import asyncio
from time import perf_counter

from graphql import GraphQLError

from gqlnews.cache import SizedLRUCache
from gqlnews.engine.document_cache import ParsedDocument, with_code
from gqlnews.engine.engine import Engine, GraphQLRequest, Ready, refused
from gqlnews.errors import Code
from gqlnews.query.audience import Audience
from gqlnews.server.offload import OffloadQueue
from gqlnews.time_budget import TimeBudgetExceeded, time_budget

MAX_SECONDS = 0.02  # budget of one request on the loop
MIN_SECONDS = 0.001  # budget once the share is used up: enough for a cached document
FREE_SECONDS = 0.001  # faster preparations are not charged to the share
SHARE = 0.3  # fraction of the loop's time
MAX_WAITING_BESIDE = 32  # queued jobs of a client, above which the loop does not try its requests
BURST_SECONDS = 0.02  # bucket size of the share
OWN_SECONDS, OWN_SHARE = 0.005, 0.02  # bucket size and share of one client, in addition
MAX_CLIENTS = 10_000  # tracked; beyond it, the least recently seen start over
TOO_LONG = "The request takes too long to prepare: ask for less, or in several requests."


class LoopShare:
    """Limit the event loop time of preparation: a token bucket for all clients together.

    Each client also has a small bucket of its own, for when the shared one is empty.
    """

    def __init__(self) -> None:
        self._all = _Bucket(BURST_SECONDS, SHARE)
        self._clients: SizedLRUCache[str, _Bucket] = SizedLRUCache(MAX_CLIENTS)

    def budget(self, client: str, now: float) -> float:
        """The time budget of the client's next request, in seconds."""
        own = self._clients.get(client)
        of_client = OWN_SECONDS if own is None else own.left(now)
        return min(MAX_SECONDS, max(MIN_SECONDS, self._all.left(now), of_client))

    def spend(self, client: str, seconds: float, now: float) -> None:
        if seconds <= FREE_SECONDS:
            return
        own = self._clients.get(client)
        if own is None:
            self._clients.set(client, own := _Bucket(OWN_SECONDS, OWN_SHARE), 1)
        for bucket in (self._all, own):
            bucket.spend(seconds, now)


class _Bucket:
    """Token bucket of seconds: at most `burst`, refilled with `share` per second."""

    __slots__ = ("_burst", "_left", "_share", "_since")

    def __init__(self, burst: float, share: float) -> None:
        self._burst, self._share = burst, share
        self._left, self._since = burst, 0.0

    def left(self, now: float) -> float:
        if self._since:
            self._left = min(self._burst, self._left + self._share * (now - self._since))
        self._since = now
        return self._left

    def spend(self, seconds: float, now: float) -> None:
        self._left = self.left(now) - seconds


class Preparer:
    """Prepare requests for one engine."""

    def __init__(self, engine: Engine, queue: OffloadQueue) -> None:
        self._engine, self._queue = engine, queue
        self._share = LoopShare()
        self._preparing: dict[str, asyncio.Future[None]] = {}  # by document, while the thread prepares it

    async def prepare(self, asked: GraphQLRequest, audience: Audience, client: str) -> Ready:
        """Prepare the request, or return its error response; `client` is the key for fair scheduling.

        Raises HTTPError (503) if too many requests are queued.
        """
        ready = self._try_on_loop(asked, audience, client)
        if ready is None and (others := self._preparing.get(asked.query)) is not None:
            await asyncio.wait([others])  # its document is cached afterwards
            ready = self._try_on_loop(asked, audience, client)
        if ready is not None:
            return ready
        try:
            return await self._prepare_on_thread(asked, audience, client)
        except TimeBudgetExceeded:
            return refused([with_code(GraphQLError(TOO_LONG), Code.TOO_WIDE)])

    def _try_on_loop(self, asked: GraphQLRequest, audience: Audience, client: str) -> Ready | None:
        """Prepare the request within its time budget; None if that is exceeded or not worth trying."""
        start = perf_counter()
        budget = self._share.budget(client, start)
        if not self._is_worth_trying(asked.query, client, budget):
            return None
        try:
            with time_budget(budget):
                return self._engine.ready(asked, audience)
        except TimeBudgetExceeded:
            return None
        finally:
            now = perf_counter()
            self._share.spend(client, now - start, now)

    def _is_worth_trying(self, query: str, client: str, budget: float) -> bool:
        """Return whether the loop should try.

        It does not for a client with many jobs queued, nor for an uncached document on the minimal budget.
        """
        if self._queue.waiting_of(client) > MAX_WAITING_BESIDE:
            return False
        return budget > MIN_SECONDS or self._engine.documents.cache.get(query) is not None

    async def _prepare_on_thread(self, asked: GraphQLRequest, audience: Audience, client: str) -> Ready:
        documents = self._engine.documents
        cached = documents.cache.get(asked.query)
        fork = None if cached is None else cached.fork()

        def prepare() -> tuple[ParsedDocument, Ready]:
            document = fork or documents.read(asked.query)
            return document, self._engine.prepare_any_with(document, asked, audience)

        done = asyncio.get_running_loop().create_future()
        self._preparing.setdefault(asked.query, done)
        try:
            document, ready = await self._queue.run(client, prepare)
            documents.merge(asked.query, document)
        finally:
            done.set_result(None)
            if self._preparing.get(asked.query) is done:
                del self._preparing[asked.query]
        return ready
