"""Limits: concurrency, rate, open streams, subscriptions, and memory of bodies and streamed responses."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from math import ceil, inf
from time import monotonic
from types import TracebackType

from starlette.types import Scope

from gqlnews.cache import SizedLRUCache
from gqlnews.engine.engine import Engine
from gqlnews.engine.requests import GraphQLResponse, PreparedIncremental, PreparedQuery, PreparedRequest
from gqlnews.errors import Code
from gqlnews.server.response import RETRY_AFTER, HTTPError

# Concurrency limit, and rate limit of operation cost per client address (token bucket).

RETRY_HEADERS = ((b"retry-after", b"1"),)  # of a 503 for overload
BURST_SECONDS = 2  # bucket size, in seconds of the rate
MAX_DEBT_SECONDS = 60  # maximum debt, in seconds of the rate
MAX_ADDRESSES = 100_000  # tracked addresses; above it, the least recently seen one gets a new bucket
MIN_COST = 1  # charged before a request is parsed; a cached response costs no more


def operation_cost(prepared: PreparedRequest, engine: Engine) -> int:
    """The cost of a prepared operation for rate limiting; an error response costs the minimum.

    It is the maximum number of objects in the response plus the scan work, in thousands of comparisons.
    """
    match prepared:
        case GraphQLResponse():
            return MIN_COST
        case PreparedIncremental(query=query):
            return operation_cost(query, engine)
        case PreparedQuery():
            return max(MIN_COST, prepared.bound.cost + engine.scan_work(prepared))
        case _:
            return max(MIN_COST, prepared.bound.cost)


def client_address(scope: Scope) -> str:
    """The client's IPv4 address, or the /64 network of its IPv6 address: usually that of one client.

    Behind a trusted proxy, `server/forwarded.py` has replaced the proxy's address in the scope.
    """
    host: str = scope["client"][0] if scope.get("client") else ""
    return host if ":" not in host else _network_key(host)


@lru_cache(4096)
def _network_key(host: str) -> str:
    try:
        address = IPv6Address(host)
    except AddressValueError:
        return host
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))


def client_key(scope: Scope, *, by_address: bool) -> str:
    """The client's key: its address, or without `by_address` its connection (address and port).

    Behind a proxy that is not trusted, all clients have the same address. Behind a trusted one, a connection
    is the forwarded address with the port of the proxy's connection.
    """
    if by_address or not scope.get("client"):
        return client_address(scope)
    host, port = scope["client"]
    return f"{host} {port}"


class ConcurrencyLimiter:
    """Context manager that limits concurrent operations; 0 is no limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.count = 0

    def __enter__(self) -> None:
        """Count an operation. Raises HTTPError (503) at the limit."""
        if 0 < self._limit <= self.count:
            message = "The server is already running its maximum number of operations: try again later."
            raise HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.count -= 1


@dataclass(slots=True)
class TokenBucket:
    """Token bucket that holds at most `size` tokens and is refilled with `rate` tokens per second.

    `tokens` are those at the last refill; negative if the last work cost more than was left.
    """

    size: float
    rate: float
    tokens: float = inf
    _refilled_at: float = 0.0

    def refill(self, now: float) -> float:
        """Return the tokens at the time `now`. A new bucket is full."""
        self.tokens = min(self.size, self.tokens + self.rate * (now - self._refilled_at))
        self._refilled_at = now
        return self.tokens


class TokenBucketLimiter:
    """Token bucket per address, refilled with a cost of `rate` per second; 0 is no limit."""

    def __init__(self, rate: int, now: Callable[[], float] = monotonic) -> None:
        self.rate, self._now = rate, now
        self._buckets: SizedLRUCache[str, TokenBucket] = SizedLRUCache(MAX_ADDRESSES)

    def acquire(self, address: str, cost: int) -> None:
        """Take `cost` tokens, possibly into debt. Raises HTTPError (429) if the bucket is empty."""
        if not self.rate:
            return
        bucket = self._bucket(address)
        if bucket.tokens < min(cost, 1):
            raise self._rate_limited(min(cost, 1) - bucket.tokens)
        bucket.tokens -= cost

    def charge(self, address: str, cost: int) -> float:
        """Take `cost` tokens without rejecting; return the debt of the address, in seconds of the rate.

        An operation may cost more than the bucket holds. It still runs, and later requests are rejected until
        the debt is paid off.
        """
        if not self.rate:
            return 0.0
        bucket = self._bucket(address)
        bucket.tokens = max(bucket.tokens - cost, -float(self.rate * MAX_DEBT_SECONDS))
        return max(0.0, -bucket.tokens / self.rate)

    def _bucket(self, address: str) -> TokenBucket:
        bucket = self._buckets.get(address)
        if bucket is None:
            self._buckets.set(address, bucket := TokenBucket(self.rate * BURST_SECONDS, self.rate), 1)
        bucket.refill(self._now())
        return bucket

    def _rate_limited(self, missing: float) -> HTTPError:
        message = f"Your address exceeded the rate limit, a cost of {self.rate} per second: try again later."
        seconds = str(max(1, ceil(missing / self.rate)))
        return HTTPError(429, Code.RATE_LIMITED, message, **{RETRY_AFTER: seconds})


# Limits of open streams and subscriptions: each needs memory, and a stream needs a file descriptor.

RETRY_AFTER_SECONDS = "5"
MAX_SUBSCRIPTIONS_PER_CLIENT = 1_000


class StreamLimiter:
    """Limit of open streams, in total and per address; 0 is no limit."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit, self._limit_per_client = limit, limit_per_client
        self._open: Counter[str] = Counter()
        self.open_by_transport: Counter[str] = Counter()

    @property
    def count(self) -> int:
        return self._open.total()

    @contextmanager
    def acquire(self, scope: Scope, transport: str) -> Iterator[None]:
        """Count a stream while the block runs. Raises HTTPError (503, or 429 for the client's limit)."""
        self.check(scope)
        address = client_address(scope)
        self._open[address] += 1
        self.open_by_transport[transport] += 1
        try:
            yield
        finally:
            self.open_by_transport[transport] -= 1
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    def check(self, scope: Scope) -> None:
        """Raise HTTPError (503, or 429 for the client's limit) if another stream is one too many."""
        if 0 < self._limit <= self.count:
            raise _too_many_streams(
                503, "The server has reached its maximum number of open streams: try again later."
            )
        if 0 < self._limit_per_client <= self._open[client_address(scope)]:
            raise _too_many_streams(
                429,
                f"Your address has {self._limit_per_client} open streams, which is the maximum: close some.",
            )


class SubscriptionLimiter:
    """Limit of subscriptions per client: each needs memory, and time at each change."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    def check(self, client: str) -> None:
        """Raise HTTPError (429) if the client has reached the limit."""
        if self._running[client] >= MAX_SUBSCRIPTIONS_PER_CLIENT:
            maximum = f"{MAX_SUBSCRIPTIONS_PER_CLIENT:,} subscriptions"
            message = f"Your address has {maximum}, which is the maximum: end some."
            raise HTTPError(429, Code.TOO_MANY_OPERATIONS, message)

    @contextmanager
    def acquire(self, client: str) -> Iterator[None]:
        """Count a subscription while the block runs. Raises HTTPError (429) at the limit."""
        self.check(client)
        self._running[client] += 1
        try:
            yield
        finally:
            self._running[client] -= 1
            if not self._running[client]:
                del self._running[client]


def _too_many_streams(status: int, message: str) -> HTTPError:
    return HTTPError(status, Code.TOO_MANY_STREAMS, message, **{RETRY_AFTER: RETRY_AFTER_SECONDS})


# Limit of one client's streamed responses in memory, which are being computed or sent.
#
# The operations of a WebSocket run concurrently, and each keeps its response in memory until it is sent.

SLOTS_PER_CLIENT = 3  # each held from before a response is computed until it is sent


# Memory limit of request bodies from reading the first large chunk until the response is built.

SMALL_BODY_BYTES = 16 * 1024  # bodies up to this size are not counted
MAX_TOTAL_BODY_BYTES = 32 << 20  # of all clients; a parsed body takes up to 30 times its size in memory
MAX_BODY_BYTES_PER_CLIENT = 4 << 20


class BodyMemory:
    """Count the bytes of large bodies, per client and in total. Each `reserve` needs a matching `release`."""

    def __init__(self) -> None:
        self._by_client: Counter[str] = Counter()
        self.total = 0

    def reserve(self, client: str, size: int) -> None:
        """Reserve bytes. Raises HTTPError (503) above the limit of the client or of all clients."""
        is_client_over = self._by_client[client] + size > MAX_BODY_BYTES_PER_CLIENT
        if is_client_over or self.total + size > MAX_TOTAL_BODY_BYTES:
            whose = "Your address has" if is_client_over else "The server is handling"
            message = f"{whose} too many large request bodies: try again later."
            raise HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self._by_client[client] += size
        self.total += size

    def release(self, client: str, size: int) -> None:
        self._by_client[client] -= size
        self.total -= size
        if not self._by_client[client]:
            del self._by_client[client]
