"""How many streams are open, in all and by client: each holds memory, and a place among the open files."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from gqlnews.errors import Code
from gqlnews.server.rates import address_of
from gqlnews.server.wire import RefusedError

RETRY_AFTER = "5"  # seconds
MAX_SUBSCRIPTIONS_OF_ONE = 1_000  # of one client


class Sockets:
    """Of one process. A limit of 0 is none; `client` limits those of one address."""

    def __init__(self, most: int, client: int) -> None:
        self._most, self._client = most, client
        self._open: Counter[str] = Counter()
        self.open_over: Counter[str] = Counter()  # by transport

    @property
    def count(self) -> int:
        return self._open.total()

    @contextmanager
    def taken(self, scope: Scope, over: str) -> Iterator[None]:
        """A place for as long as the block runs, `over` a transport.

        Raises RefusedError (503, 429) where there is none.
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
    """How many subscriptions run, by client: each holds its plan, and is judged at each change."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    @contextmanager
    def taken(self, client: str) -> Iterator[None]:
        """A place for as long as the block runs. Raises RefusedError where the client has enough."""
        if self._running[client] >= MAX_SUBSCRIPTIONS_OF_ONE:
            message = f"Your address has {MAX_SUBSCRIPTIONS_OF_ONE:,} subscriptions: end some of them."
            raise RefusedError(429, Code.TOO_MANY_OPERATIONS, message)
        self._running[client] += 1
        try:
            yield
        finally:
            self._running[client] -= 1
            if not self._running[client]:
                del self._running[client]


def _full(status: int, message: str) -> RefusedError:
    return RefusedError(status, Code.TOO_MANY_STREAMS, message, **{"Retry-After": RETRY_AFTER})
