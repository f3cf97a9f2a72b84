"""How much a client may ask for: operations that run at a time, and cost a second by address."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from math import ceil
from time import monotonic
from types import TracebackType

from starlette.types import Scope

from gqlnews.errors import Code
from gqlnews.kept import Kept
from gqlnews.schema.engine import Answer, Engine, Parted, Prepared, Ready
from gqlnews.server.wire import RETRY_AFTER, RefusedError

AGAIN_LATER = ((b"retry-after", b"1"),)  # the header, where the server is overloaded
BURST_SECONDS = 2  # what a client has not asked for it may ask for later, so much of it
MAX_DEBT_SECONDS = 60  # what an address took too much of is forgotten beyond this
MOST_ADDRESSES = 100_000  # remembered; of more, those that asked longest ago begin anew
COST_OF_ANY = 1  # of a request, before it is known what it asks for; of an answer that is at hand, all


def cost_of(ready: Ready, engine: Engine) -> int:
    """What an operation costs that is ready to run, as rates count it; a refusal as what is at hand.

    That is the objects of its answer and its scan work: a thousand comparisons cost as much as an object.
    """
    match ready:
        case Answer():
            return COST_OF_ANY
        case Parted(whole=whole):
            return cost_of(whole, engine)
        case Prepared():
            return max(COST_OF_ANY, ready.bound.cost + engine.scan_of(ready))
        case _:
            return max(COST_OF_ANY, ready.bound.cost)


def address_of(scope: Scope) -> str:
    """Whom a rate is counted for: an IPv4 address, or the /64 of an IPv6 one, which one client has whole."""
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
    """The address, or the connection where many clients share an address, as behind a proxy."""
    address = address_of(scope)
    if by_address or not scope.get("client"):
        return address
    return f"{address} {scope['client'][1]}"


class InFlight:
    """A place for an operation that runs, for as long as a `with` does; 0 is no limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.count = 0

    def __enter__(self) -> None:
        """Raises RefusedError (503) where there is none."""
        if 0 < self._most <= self.count:
            message = "The server runs as many operations as it takes: try again later."
            raise RefusedError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self.count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.count -= 1


@dataclass(slots=True)
class _Bucket:
    """`left` at `since`; below zero where the last operation cost more than was left."""

    left: float
    since: float


class Rates:
    """A token bucket for each address: `rate` of cost a second, 0 for no limit."""

    def __init__(self, rate: int, now: Callable[[], float] = monotonic) -> None:
        self.rate, self._now = rate, now
        self._buckets: Kept[str, _Bucket] = Kept(MOST_ADDRESSES)

    def take(self, address: str, cost: int) -> None:
        """Raises RefusedError (429) where nothing is left; what is left may be less than what is taken."""
        if not self.rate:
            return
        bucket = self._bucket(address)
        if bucket.left < min(cost, 1):
            raise self._refusal(min(cost, 1) - bucket.left)
        bucket.left -= cost

    def charge(self, address: str, cost: int) -> float:
        """Take `cost` without refusing; returns how many seconds the address is over its rate now.

        What turns out to cost more than was taken runs all the same, and is waited for afterwards.
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
            self._buckets.keep(address, bucket := _Bucket(most, now), 1)
        bucket.left = min(most, bucket.left + (now - bucket.since) * self.rate)
        bucket.since = now
        return bucket

    def _refusal(self, missing: float) -> RefusedError:
        message = f"Your address may ask for a cost of {self.rate} a second: try again later."
        seconds = str(max(1, ceil(missing / self.rate)))
        return RefusedError(429, Code.RATE_LIMITED, message, **{RETRY_AFTER: seconds})
