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

# Concurrency limit, and rate limit of operation cost per client address (token bucket).

RETRY_HEADERS = ((b"retry-after", b"1"),)  # the header of an overload response
BURST_SECONDS = 2  # bucket size, in seconds of the rate
MAX_DEBT_SECONDS = 60  # debt beyond this is forgiven
MAX_ADDRESSES = 100_000  # tracked; beyond it, the least recently seen start over
MIN_COST = 1  # charged before a request is parsed; the whole cost of a cached response


def operation_cost(prepared: Ready, engine: Engine) -> int:
    """The cost of a prepared operation for rate limiting; an error response costs the minimum.

    It is the number of objects in the response plus the scan work; 1,000 comparisons cost as one object.
    """
    match prepared:
        case GraphQLResponse():
            return MIN_COST
        case PreparedIncremental(query=whole):
            return operation_cost(whole, engine)
        case PreparedQuery():
            return max(MIN_COST, prepared.bound.cost + engine.scan_work(prepared))
        case _:
            return max(MIN_COST, prepared.bound.cost)


def client_address(scope: Scope) -> str:
    """The rate limit key: an IPv4 address, or the /64 network of an IPv6 address, usually one client's."""
    host: str = scope["client"][0] if scope.get("client") else ""
    return host if ":" not in host else _network_key(host)


@lru_cache(4096)
def _network_key(host: str) -> str:
    if ":" not in host:
        return host
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return host
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))


def client_key(scope: Scope, *, by_address: bool) -> str:
    """The client key: its address, or the connection if clients share an address, as behind a proxy."""
    address = client_address(scope)
    if by_address or not scope.get("client"):
        return address
    return f"{address} {scope['client'][1]}"


class ConcurrencyLimiter:
    """Limit of concurrent operations, as a context manager; 0 is no limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.count = 0

    def __enter__(self) -> None:
        """Raises HTTPError (503) at the limit."""
        if 0 < self._limit <= self.count:
            message = "The server is running its maximum number of operations: try again later."
            raise HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.count -= 1


@dataclass(slots=True)
class _TokenBucket:
    """`tokens` at time `updated_at`; negative if the last operation cost more than was left."""

    tokens: float
    updated_at: float


class TokenBucketLimiter:
    """Token bucket per address, refilled with a cost of `rate` per second; 0 is no limit."""

    def __init__(self, rate: int, now: Callable[[], float] = monotonic) -> None:
        self.rate, self._now = rate, now
        self._buckets: SizedLRUCache[str, _TokenBucket] = SizedLRUCache(MAX_ADDRESSES)

    def acquire(self, address: str, cost: int) -> None:
        """Take `cost` tokens, possibly into debt. Raises HTTPError (429) if the bucket is empty."""
        if not self.rate:
            return
        bucket = self._bucket(address)
        if bucket.tokens < min(cost, 1):
            raise self._rate_limited(min(cost, 1) - bucket.tokens)
        bucket.tokens -= cost

    def charge(self, address: str, cost: int) -> float:
        """Take `cost` tokens without rejecting; returns how many seconds the address is over its rate now.

        An operation that costs more than was acquired still runs; later requests pay off the debt.
        """
        if not self.rate:
            return 0.0
        bucket = self._bucket(address)
        bucket.tokens = max(bucket.tokens - cost, -float(self.rate * MAX_DEBT_SECONDS))
        return max(0.0, -bucket.tokens / self.rate)

    def _bucket(self, address: str) -> _TokenBucket:
        size, now = float(self.rate * BURST_SECONDS), self._now()
        bucket = self._buckets.get(address)
        if bucket is None:
            self._buckets.set(address, bucket := _TokenBucket(size, now), 1)
        bucket.tokens = min(size, bucket.tokens + (now - bucket.updated_at) * self.rate)
        bucket.updated_at = now
        return bucket

    def _rate_limited(self, missing: float) -> HTTPError:
        message = f"Your address is limited to a cost of {self.rate} a second: try again later."
        seconds = str(max(1, ceil(missing / self.rate)))
        return HTTPError(429, Code.RATE_LIMITED, message, **{RETRY_AFTER: seconds})


# Limits of open streams and subscriptions: each needs memory, and a stream needs a file descriptor.

RETRY_AFTER_SECONDS = "5"
MAX_SUBSCRIPTIONS_PER_CLIENT = 1_000  # per client


class StreamLimiter:
    """Limit of open streams, in total and per address; 0 is no limit."""

    def __init__(self, limit: int, client: int) -> None:
        self._limit, self._limit_per_client = limit, client
        self._open: Counter[str] = Counter()
        self.open_by_transport: Counter[str] = Counter()  # by transport

    @property
    def count(self) -> int:
        return self._open.total()

    @contextmanager
    def acquire(self, scope: Scope, transport: str) -> Iterator[None]:
        """Count a stream over the transport `transport` while the block runs.

        Raises HTTPError (503, 429) at the limit.
        """
        address = client_address(scope)
        self._check(address)
        self._open[address] += 1
        self.open_by_transport[transport] += 1
        try:
            yield
        finally:
            self.open_by_transport[transport] -= 1
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def _check(self, address: str) -> None:
        if 0 < self._limit <= self.count:
            raise _too_many_streams(
                503, "The server has its maximum number of open streams: try again later."
            )
        if 0 < self._limit_per_client <= self._open[address]:
            raise _too_many_streams(
                429,
                f"Your address has {self._limit_per_client} open streams, the maximum: close some.",
            )


class SubscriptionLimiter:
    """Limit of subscriptions per client: each holds a plan and is evaluated at each change."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    @contextmanager
    def acquire(self, client: str) -> Iterator[None]:
        """Count a subscription while the block runs. Raises HTTPError (429) at the limit."""
        if self._running[client] >= MAX_SUBSCRIPTIONS_PER_CLIENT:
            message = f"Your address has {MAX_SUBSCRIPTIONS_PER_CLIENT:,} subscriptions: end some of them."
            raise HTTPError(429, Code.TOO_MANY_OPERATIONS, message)
        self._running[client] += 1
        try:
            yield
        finally:
            self._running[client] -= 1
            if not self._running[client]:
                del self._running[client]


def _too_many_streams(status: int, message: str) -> HTTPError:
    return HTTPError(status, Code.TOO_MANY_STREAMS, message, **{RETRY_AFTER: RETRY_AFTER_SECONDS})


# Limit of streamed responses of one client in memory: being computed, or not yet sent.
#
# A WebSocket runs operations concurrently, and each holds its response until the socket accepts it.

SLOTS = 3  # per client


@dataclass(slots=True)
class _Slots:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SLOTS))
    users: int = 0


class ResponseSlots:
    """A semaphore per client, for one event loop; a client without a free slot waits."""

    def __init__(self) -> None:
        self._clients: dict[str, _Slots] = {}

    @asynccontextmanager
    async def acquire(self, client: str) -> AsyncIterator[None]:
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


# Memory limit of request bodies while they are received and handled.

SMALL_BYTES = 16 * 1024  # bodies up to this size are not counted
MAX_BYTES = 32 << 20  # of all clients; a parsed body takes up to thirty times its size
MAX_BYTES_PER_CLIENT = 4 << 20


class BodyMemory:
    """Bytes of large bodies, per client and in total. Each `reserve` needs a matching `release`."""

    def __init__(self) -> None:
        self._by_client: Counter[str] = Counter()
        self.total = 0

    def reserve(self, client: str, size: int) -> None:
        """Reserve bytes. Raises HTTPError (503) past the limit of the client or of all clients."""
        if self.total + size > MAX_BYTES or self._by_client[client] + size > MAX_BYTES_PER_CLIENT:
            message = "The server is handling its maximum of large requests: try again later."
            raise HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self._by_client[client] += size
        self.total += size

    def release(self, client: str, size: int) -> None:
        self._by_client[client] -= size
        self.total -= size
        if not self._by_client[client]:
            del self._by_client[client]
