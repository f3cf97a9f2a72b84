"""Prepare requests (parse, validate, plan, compile) without holding the event loop.

1. A request is prepared on the event loop first, within a time budget: most take 0.1 to 5 ms.
2. All requests together may take a share of the loop's time for what takes long. Beyond it the budget is
   small, but for a client that did not use the share.
3. What exceeds its budget is prepared once more, by the worker thread of `offload.py`, on a copy of the
   cached document; the loop then takes over what it planned. Requests with the same document wait for that.
"""

import asyncio
from time import perf_counter

from graphql import GraphQLError

from gqlnews.errors import Code
from gqlnews.kept import Kept
from gqlnews.plan.audience import Audience
from gqlnews.schema.documents import Document, coded
from gqlnews.schema.engine import Asked, Engine, Ready, refused
from gqlnews.server.offload import OffloadQueue
from gqlnews.time_budget import TimeBudgetExceeded, time_budget

MAX_SECONDS = 0.02  # of the loop, for one request
MIN_SECONDS = 0.001  # for one request where the share is used up: enough for what is cached
FREE_SECONDS = 0.001  # what takes less is not charged to the share
SHARE = 0.3  # of the loop's time
MAX_WAITING_BESIDE = 32  # requests of a client that wait for the thread, while the loop prepares others of it
BURST_SECONDS = 0.02  # of the share, unused before
OWN_SECONDS, OWN_SHARE = 0.005, 0.02  # the same for one client, beside the share of all
MAX_CLIENTS = 10_000  # remembered; of more, those that asked longest ago begin again
TOO_LONG = "The request takes too long to prepare: ask for less, or in several requests."


class LoopShare:
    """How much of the event loop's time preparation may take: a leaky bucket for all clients together.

    Where that is used up, a client that did not use it has a little time of its own.
    """

    def __init__(self) -> None:
        self._all = _Bucket(BURST_SECONDS, SHARE)
        self._clients: Kept[str, _Bucket] = Kept(MAX_CLIENTS)

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
            self._clients.keep(client, own := _Bucket(OWN_SECONDS, OWN_SHARE), 1)
        for bucket in (self._all, own):
            bucket.spend(seconds, now)


class _Bucket:
    """Seconds that may be spent: at most `burst`, and `share` more each second."""

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
    """Prepares the requests of one engine."""

    def __init__(self, engine: Engine, queue: OffloadQueue) -> None:
        self._engine, self._queue = engine, queue
        self._share = LoopShare()
        self._preparing: dict[str, asyncio.Future[None]] = {}  # by document, those that the thread prepares

    async def prepare(self, asked: Asked, audience: Audience, client: str) -> Ready:
        """The request made ready, or its refusal; `client` is its address.

        Raises RefusedError (503) where too many requests wait to be prepared.
        """
        ready = self._try_on_loop(asked, audience, client)
        if ready is None and (others := self._preparing.get(asked.query)) is not None:
            await asyncio.wait([others])  # then its document is cached
            ready = self._try_on_loop(asked, audience, client)
        if ready is not None:
            return ready
        try:
            return await self._prepare_on_thread(asked, audience, client)
        except TimeBudgetExceeded:
            return refused([coded(GraphQLError(TOO_LONG), Code.TOO_WIDE)])

    def _try_on_loop(self, asked: Asked, audience: Audience, client: str) -> Ready | None:
        """The request made ready within its time budget; None where that is too little."""
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
        """Whether the loop tries: not for a client whose requests wait for the thread already, nor for a new
        document where the share is used up.
        """
        if self._queue.waiting_of(client) > MAX_WAITING_BESIDE:
            return False
        return budget > MIN_SECONDS or self._engine.documents.kept.get(query) is not None

    async def _prepare_on_thread(self, asked: Asked, audience: Audience, client: str) -> Ready:
        documents = self._engine.documents
        cached = documents.kept.get(asked.query)
        fork = None if cached is None else cached.fork()

        def prepare() -> tuple[Document, Ready]:
            document = fork or documents.read(asked.query)
            return document, self._engine.ready_with(document, asked, audience)

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
