"""Limits of open streams and subscriptions, as each needs memory, and a stream a file descriptor."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from gqlnews.errors import Code
from gqlnews.server.http import HTTPError
from gqlnews.server.rate_limit import address_of

RETRY_AFTER = "5"  # seconds
MAX_SUBSCRIPTIONS_OF_ONE = 1_000  # per client


class StreamLimiter:
    """Limit of open streams, in total (`most`) and per address (`client`); 0 is no limit."""

    def __init__(self, most: int, client: int) -> None:
        self._most, self._client = most, client
        self._open: Counter[str] = Counter()
        self.open_over: Counter[str] = Counter()  # by transport

    @property
    def count(self) -> int:
        return self._open.total()

    @contextmanager
    def taken(self, scope: Scope, over: str) -> Iterator[None]:
        """Count a stream over the transport `over` while the block runs.

        Raises HTTPError (503, 429) at the limit.
        """
        address = address_of(scope)
        self._check(address)
        self._open[address] += 1
        self.open_over[over] += 1
        try:
            yield
        finally:
            self.open_over[over] -= 1
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def _check(self, address: str) -> None:
        if 0 < self._most <= self.count:
            raise _full(503, "The server has as many open streams as it takes: try again later.")
        if 0 < self._client <= self._open[address]:
            raise _full(429, f"Your address has {self._client} open streams, as many as one may: close some.")


class Subscriptions:
    """Limit of subscriptions per client: each holds a plan and is evaluated at each change."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    @contextmanager
    def taken(self, client: str) -> Iterator[None]:
        """Count a subscription while the block runs. Raises HTTPError (429) at the limit."""
        if self._running[client] >= MAX_SUBSCRIPTIONS_OF_ONE:
            message = f"Your address has {MAX_SUBSCRIPTIONS_OF_ONE:,} subscriptions: end some of them."
            raise HTTPError(429, Code.TOO_MANY_OPERATIONS, message)
        self._running[client] += 1
        try:
            yield
        finally:
            self._running[client] -= 1
            if not self._running[client]:
                del self._running[client]


def _full(status: int, message: str) -> HTTPError:
    return HTTPError(status, Code.TOO_MANY_STREAMS, message, **{"Retry-After": RETRY_AFTER})
