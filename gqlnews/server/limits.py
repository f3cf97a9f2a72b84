"""Limits of a client: rate, concurrency, open streams, and memory of bodies and responses."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from math import ceil
from time import monotonic
from types import TracebackType

from starlette.types import Scope

from gqlnews.cache import SizedLRUCache
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLResponse, PreparedIncremental, PreparedQuery, Ready
from gqlnews.errors import Code
from gqlnews.server.response import RETRY_AFTER, HTTPError

# Concurrency limit, and token bucket rate limit of operation cost per client address.


AGAIN_LATER = ((b"retry-after", b"1"),)  # the header of an overload response
BURST_SECONDS = 2  # bucket size, in seconds of the rate
MAX_DEBT_SECONDS = 60  # debt beyond this is forgiven
MAX_ADDRESSES = 100_000  # tracked; beyond it, the least recently seen start over
MIN_COST = 1  # charged before a request is parsed; the whole cost of a cached response


def cost_of(ready: Ready, engine: Engine) -> int:
    """The cost of a prepared operation for rate limiting; an error response costs the minimum.

    It is the number of objects in the response plus the scan work; 1,000 comparisons cost as one object.
    """
    match ready:
        case GraphQLResponse():
            return MIN_COST
        case PreparedIncremental(whole=whole):
            return cost_of(whole, engine)
        case PreparedQuery():
            return max(MIN_COST, ready.bound.cost + engine.scan_of(ready))
        case _:
            return max(MIN_COST, ready.bound.cost)


def address_of(scope: Scope) -> str:
    """The rate limit key: an IPv4 address, or the /64 network of an IPv6 address, usually one client's."""
    host: str = scope["client"][0] if scope.get("client") else ""
    return host if ":" not in host else _network_of(host)


@lru_cache(4096)
def _network_of(host: str) -> str:
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return host
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))


def client_of(scope: Scope, *, by_address: bool) -> str:
    """The client key: its address, or the connection if clients share an address, as behind a proxy."""
    address = address_of(scope)
    if by_address or not scope.get("client"):
        return address
    return f"{address} {scope['client'][1]}"


class ConcurrencyLimiter:
    """Limit of concurrent operations, as a context manager; 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.count = 0

    def __enter__(self) -> None:
        """Raises HTTPError (503) at the limit."""
        if 0 < self._most <= self.count:
            message = "The server runs as many operations as it takes: try again later."
            raise HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.count -= 1


@dataclass(slots=True)
class _TokenBucket:
    """`left` tokens at time `since`; negative if the last operation cost more than was left."""

    left: float
    since: float


class TokenBucketLimiter:
    """Token bucket per address, refilled with a cost of `rate` per second; 0 is no limit."""

    def __init__(self, rate: int, now: Callable[[], float] = monotonic) -> None:
        self.rate, self._now = rate, now
        self._buckets: SizedLRUCache[str, _TokenBucket] = SizedLRUCache(MAX_ADDRESSES)

    def take(self, address: str, cost: int) -> None:
        """Take `cost`, possibly into debt. Raises HTTPError (429) if the bucket is empty."""
        if not self.rate:
            return
        bucket = self._bucket(address)
        if bucket.left < min(cost, 1):
            raise self._refusal(min(cost, 1) - bucket.left)
        bucket.left -= cost

    def charge(self, address: str, cost: int) -> float:
        """Take `cost` without rejecting; returns how many seconds the address is over its rate now.

        An operation that turns out to cost more than was taken still runs; later requests pay off the debt.
        """
        if not self.rate:
            return 0.0
        bucket = self._bucket(address)
        bucket.left = max(bucket.left - cost, -float(self.rate * MAX_DEBT_SECONDS))
        return max(0.0, -bucket.left / self.rate)

    def _bucket(self, address: str) -> _TokenBucket:
        most, now = float(self.rate * BURST_SECONDS), self._now()
        bucket = self._buckets.get(address)
        if bucket is None:
            self._buckets.set(address, bucket := _TokenBucket(most, now), 1)
        bucket.left = min(most, bucket.left + (now - bucket.since) * self.rate)
        bucket.since = now
        return bucket

    def _refusal(self, missing: float) -> HTTPError:
        message = f"Your address may ask for a cost of {self.rate} a second: try again later."
        seconds = str(max(1, ceil(missing / self.rate)))
        return HTTPError(429, Code.RATE_LIMITED, message, **{RETRY_AFTER: seconds})


# Limits of open streams and subscriptions, as each needs memory, and a stream a file descriptor.


RETRY_AFTER_SECONDS = "5"  # seconds
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
    return HTTPError(status, Code.TOO_MANY_STREAMS, message, **{"Retry-After": RETRY_AFTER_SECONDS})


# Limit how many streamed responses of one client are in memory: being computed, or not yet sent.
#
# A WebSocket runs operations concurrently, and each holds its response until the socket accepts it.


SLOTS = 3  # per client


@dataclass(slots=True)
class _Slots:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SLOTS))
    users: int = 0


class AnswerSlots:
    """A semaphore per client, for one event loop; a client without a free slot waits."""

    def __init__(self) -> None:
        self._clients: dict[str, _Slots] = {}

    @asynccontextmanager
    async def taken(self, client: str) -> AsyncIterator[None]:
        """Hold a slot from before a response is computed until it is sent."""
        slots = self._clients.setdefault(client, _Slots())
        slots.users += 1
        try:
            async with slots.free:
                yield
        finally:
            slots.users -= 1
            if not slots.users:
                del self._clients[client]


# Limit the memory of request bodies while they are received and handled.


SMALL_BYTES = 16 * 1024  # bodies up to this size are not counted
MAX_BYTES = 32 << 20  # of all clients; a parsed body takes up to thirty times its size
MAX_BYTES_OF_ONE = 4 << 20


class BodyMemory:
    """Bytes of large bodies, per client and in total. Each `take` needs a matching `give_back`."""

    def __init__(self) -> None:
        self._by_client: Counter[str] = Counter()
        self.total = 0

    def take(self, client: str, size: int) -> None:
        """Reserve bytes. Raises HTTPError (503) past the limit of the client or of all clients."""
        if self.total + size > MAX_BYTES or self._by_client[client] + size > MAX_BYTES_OF_ONE:
            message = "The server holds as many large requests as it takes: try again later."
            raise HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self._by_client[client] += size
        self.total += size

    def give_back(self, client: str, size: int) -> None:
        self._by_client[client] -= size
        self.total -= size
        if not self._by_client[client]:
            del self._by_client[client]
