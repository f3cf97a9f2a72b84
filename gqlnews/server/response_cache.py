"""Response cache, prepared-request cache, request coalescing, and ETag handling."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from gqlnews import __version__
from gqlnews.cache import SizedLRUCache
from gqlnews.database.sqlite.database_handle import SnapshotId
from gqlnews.engine.requests import GraphQLResponse, PreparedQuery
from gqlnews.query.fields import Audience
from gqlnews.server.negotiation import RequestHeaders
from gqlnews.server.response import Headers

# Response cache and prepared-request cache.
#
# A response without errors that does not depend on the clock is valid until the content version changes.


PREPARED_BYTES, FREE_PREPARED_BYTES = 32 << 20, 8 << 20
PARSED = 30  # bytes of Python objects that a byte of JSON may become
OVERHEAD = 1_000  # bytes of an entry besides its texts, approximately
_PROGRAM = __version__.encode()


class CacheKey(NamedTuple):
    """Cache key: all that determines a response except the content.

    `text` is the body of a POST or the query string of a GET.
    """

    text: bytes
    only_query: bool
    audience: Audience

    def etag(self, version: bytes, media: str) -> bytes:
        """The `ETag` of the response, equal on all servers of one gqlnews version and database."""
        parts = (_PROGRAM, version, media.encode(), b"%d" % self.audience, self.text)
        return b'"%b"' % blake2b(b"\0".join(parts), digest_size=16).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class _CachedResponse:
    moment: SnapshotId
    answer: GraphQLResponse


class ResponseCache:
    """Response cache of at most `max_bytes` bytes (0 disables it), plus a cache of prepared requests."""

    def __init__(self, max_bytes: int) -> None:
        self._answers: SizedLRUCache[CacheKey, _CachedResponse] = SizedLRUCache(max_bytes)
        self._prepared: SizedLRUCache[CacheKey, PreparedQuery] = SizedLRUCache(
            PREPARED_BYTES, FREE_PREPARED_BYTES
        )
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Size of the cached responses in bytes."""
        return self._answers.size

    @property
    def enabled(self) -> bool:
        """Whether the response cache is enabled."""
        return self._answers.max_bytes > 0

    def get(self, request: CacheKey, moment: SnapshotId) -> GraphQLResponse | None:
        found = self._answers.get(request)
        if found is None or found.moment != moment:
            self.misses += 1
            return None
        self.hits += 1
        return found.answer

    def set(self, request: CacheKey, moment: SnapshotId, answer: GraphQLResponse) -> None:
        size = len(request.text) + len(answer.body) + OVERHEAD
        self._answers.set(request, _CachedResponse(moment, answer), size)

    def get_prepared(self, request: CacheKey) -> PreparedQuery | None:
        return self._prepared.get(request)

    def set_prepared(self, request: CacheKey, prepared: PreparedQuery) -> None:
        """Cache a prepared request unless it depends on the clock, as its bound values would then change."""
        if prepared.bound.cacheable:
            self._prepared.set(request, prepared, PARSED * len(request.text) + prepared.size)


# Request coalescing: a call waits for an equal one that is already running, and shares its result.


T = TypeVar("T")


class SingleFlight:
    """Coalesce calls by key, in one event loop. Work continues if a caller is cancelled: others may wait."""

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, or of the running work of an earlier caller with the same key."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.ensure_future(work())
            running.add_done_callback(lambda done: self._forget(key, done))
        result: T = await asyncio.shield(running)
        return result

    def _forget(self, key: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # mark it as retrieved, or asyncio logs it if all callers have left


# Cache-Control and ETag handling for GET (RFC 9111, section 5.2.2; RFC 9110, section 13.1.2).


# Any cache may store it but must revalidate each time, so that a new version shows at once.
_ASK_AGAIN = b"public, no-cache"
_NOT_OF_THE_PUBLIC = b"private, no-store"
NO_STORE: Headers = ((b"cache-control", b"no-store"),)
"""For errors and for responses that depend on the clock."""


def cache_headers(audience: Audience, tag: bytes) -> Headers:
    """The `Cache-Control` and `ETag` headers of a cacheable response."""
    rule = _ASK_AGAIN if audience is Audience.PUBLIC else _NOT_OF_THE_PUBLIC
    return ((b"cache-control", rule), (b"etag", tag))


def etag_matches(head: RequestHeaders, tag: bytes) -> bool:
    """Return whether `If-None-Match` contains the tag, which is weak if a proxy has compressed the response.

    `*` does not match, as a request that was not executed yet may fail.
    """
    known = (one.strip().removeprefix("W/") for one in head.if_none_match.split(","))
    return tag.decode("ascii") in known
