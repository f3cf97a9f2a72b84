"""What waits for one client of a subscription: a queue with an end."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gqlnews.errors import GqlnewsError

MOST_WAITING = 10_000  # events
MOST_BYTES = 16 << 20  # of those; what several clients wait for is in memory once


class Event(NamedTuple):
    """One change, as it is told: `body` is the response as JSON. `number` is that of its version."""

    number: int
    body: bytes


class EndedError(GqlnewsError):
    """The server stops: nothing comes any more, and the client may come again."""


class AnewError(GqlnewsError):
    """The store was made anew: what a client knows says nothing of what changed."""


class FailedError(GqlnewsError):
    """What was to be told could not be made, and the log says why: the client may come again."""


class LaggingError(GqlnewsError):
    """A client reads more slowly than things change: nothing is kept for it any more."""


class Listener:
    """`number` is the newest change that the client knows. `drop` is called once, where it lags too far.

    `client` names whose statement time its subscription takes.
    """

    def __init__(self, drop: Callable[[], None], client: str = "") -> None:
        self.client = client
        self.number = 0
        self._drop = drop
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def failed(self) -> bool:
        return self._failure is not None

    def put(self, events: Iterable[Event]) -> None:
        """What the client does not know yet. What comes after a failure is lost on it."""
        if self._failure is not None:
            return
        for event in events:
            if event.number > self.number:
                self.number = event.number
                self._events.append(event)
                self._bytes += len(event.body)
        if len(self._events) > MOST_WAITING or self._bytes > MOST_BYTES:
            self._events.clear()
            self.fail(LaggingError("The client reads more slowly than things change."))
            self._drop()
        self._wake()

    def fail(self, failure: Exception) -> None:
        """Nothing comes after what waits already; what it failed with first is what is told."""
        self._failure = self._failure or failure
        self._wake()

    async def take(self) -> bytes:
        """The body of the next event, once there is one; raises what it failed with."""
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
