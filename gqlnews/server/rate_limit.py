"""Concurrency limit, and token bucket rate limit of operation cost per client address."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from math import ceil
from time import monotonic
from types import TracebackType

from starlette.types import Scope

from gqlnews.cache import SizedLRUCache
from gqlnews.engine.engine import Engine, GraphQLResponse, PreparedIncremental, PreparedQuery, Ready
from gqlnews.errors import Code
from gqlnews.server.http import RETRY_AFTER, HTTPError

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
class _Bucket:
    """`left` tokens at time `since`; negative if the last operation cost more than was left."""

    left: float
    since: float


class TokenBucketLimiter:
    """Token bucket per address, refilled with a cost of `rate` per second; 0 is no limit."""

    def __init__(self, rate: int, now: Callable[[], float] = monotonic) -> None:
        self.rate, self._now = rate, now
        self._buckets: SizedLRUCache[str, _Bucket] = SizedLRUCache(MAX_ADDRESSES)

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

    def _bucket(self, address: str) -> _Bucket:
        most, now = float(self.rate * BURST_SECONDS), self._now()
        bucket = self._buckets.get(address)
        if bucket is None:
            self._buckets.set(address, bucket := _Bucket(most, now), 1)
        bucket.left = min(most, bucket.left + (now - bucket.since) * self.rate)
        bucket.since = now
        return bucket

    def _refusal(self, missing: float) -> HTTPError:
        message = f"Your address may ask for a cost of {self.rate} a second: try again later."
        seconds = str(max(1, ceil(missing / self.rate)))
        return HTTPError(429, Code.RATE_LIMITED, message, **{RETRY_AFTER: seconds})
