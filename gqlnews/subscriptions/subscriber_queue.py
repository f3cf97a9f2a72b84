"""Bounded event queue of one subscription, with slow-consumer detection."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gqlnews.errors import GqlnewsError

MAX_QUEUED = 10_000  # events of one subscription
MAX_BYTES = 16 << 20  # of the bodies of these events; identical subscriptions share them in memory


class Event(NamedTuple):
    """Event for one change: `number` is its version number, `body` the response as JSON."""

    number: int
    body: bytes


class ShuttingDownError(GqlnewsError):
    """Raised when the server shuts down. The client may reconnect."""


class SchemaChangedError(ShuttingDownError):
    """Raised when the server has another schema now. The client may reconnect, and resume."""


class StoreReplacedError(GqlnewsError):
    """Raised when the store was replaced. The client cannot resume, as its version is of another epoch."""


class SubscriptionFailedError(GqlnewsError):
    """Raised when an internal error, which is logged, ends a subscription. The client may reconnect."""


class SlowConsumerError(GqlnewsError):
    """Raised for a slow consumer, whose queue overflowed and was cleared."""


class SubscriberQueue:
    """Event queue of one subscription. `number` is the highest version number that was queued so far.

    `on_overflow` is called once, when the queue overflows. The statement time is charged to `client`.
    """

    def __init__(self, on_overflow: Callable[[], None], client: str = "") -> None:
        self.client = client
        self.number = 0
        self._on_overflow = on_overflow
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def failed(self) -> bool:
        return self._failure is not None

    def put(self, events: Iterable[Event]) -> None:
        """Queue events that are newer than `number`. After a failure, events are discarded."""
        if self._failure is not None:
            return
        for event in events:
            if event.number > self.number:
                self.number = event.number
                self._events.append(event)
                self._bytes += len(event.body)
        if len(self._events) > MAX_QUEUED or self._bytes > MAX_BYTES:
            self._events.clear()
            self.fail(SlowConsumerError("The client reads more slowly than events arrive."))
            self._on_overflow()
        self._wake()

    def fail(self, failure: Exception) -> None:
        """End the queue after the events already in it. Only the first failure counts."""
        self._failure = self._failure or failure
        self._wake()

    async def get(self) -> bytes:
        """Wait for the next event and return its body. Raises the failure once the queue is empty."""
        while not self._events:
            if self._failure is not None:
                raise self._failure
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        event = self._events.popleft()
        self._bytes -= len(event.body)
        return event.body

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
