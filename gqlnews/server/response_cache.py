"""Response cache, request coalescing, and ETag handling."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from gqlnews import __version__
from gqlnews.cache import SizedLRUCache
from gqlnews.database.sqlite.database_handle import SnapshotId
from gqlnews.engine.requests import GraphQLResponse
from gqlnews.query.fields import Audience
from gqlnews.server.negotiation import RequestHead
from gqlnews.server.response import Headers

# Response cache.
#
# A response without errors that does not depend on the clock is valid until the content version changes.

ENTRY_OVERHEAD = 1_000  # bytes of an entry besides its texts, approximately
_PROGRAM_VERSION = __version__.encode()


class CacheKey(NamedTuple):
    """Cache key: all that determines a response except the content.

    `text` is the body of a POST, or the query string of a GET or HEAD.
    """

    text: bytes
    is_query_string: bool
    audience: Audience

    def etag(self, version: bytes, media: str) -> bytes:
        """The `ETag` of the response, equal on all servers of one gqlnews version and database."""
        parts = (_PROGRAM_VERSION, version, media.encode(), b"%d" % self.audience, self.text)
        return b'"%b"' % blake2b(b"\0".join(parts), digest_size=16).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class _CachedResponse:
    snapshot_id: SnapshotId
    response: GraphQLResponse


class ResponseCache:
    """Response cache of at most `max_bytes` bytes; 0 disables it."""

    def __init__(self, max_bytes: int) -> None:
        self._responses: SizedLRUCache[CacheKey, _CachedResponse] = SizedLRUCache(max_bytes)
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Size of the cached responses in bytes."""
        return self._responses.size

    @property
    def enabled(self) -> bool:
        """Whether the response cache is enabled."""
        return self._responses.max_bytes > 0

    def get(self, key: CacheKey, snapshot_id: SnapshotId) -> GraphQLResponse | None:
        found = self._responses.get(key)
        if found is None or found.snapshot_id != snapshot_id:
            self.misses += 1
            return None
        self.hits += 1
        return found.response

    def set(self, key: CacheKey, snapshot_id: SnapshotId, response: GraphQLResponse) -> None:
        size = len(key.text) + len(response.body) + ENTRY_OVERHEAD
        self._responses.set(key, _CachedResponse(snapshot_id, response), size)


# Request coalescing: a call waits for an equal one that is already running, and shares its result.

T = TypeVar("T")


class SingleFlight:
    """Coalesce calls by key, in one event loop.

    The work continues if a caller is cancelled, as other callers may be waiting for it.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `work`, or of the work that is already running for the same key."""
        running = self._running.get(key)
        if running is None:
            running = self._running[key] = asyncio.ensure_future(work())
            running.add_done_callback(lambda done: self._remove(key, done))
        result: T = await asyncio.shield(running)
        return result

    def _remove(self, key: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # mark it as retrieved, or asyncio logs it if all callers were cancelled


# Cache-Control and ETag handling for GET (RFC 9111, section 5.2.2; RFC 9110, section 13.1.2).


# Any cache may store the response but must revalidate it each time, so that no client gets an old version.
_REVALIDATE = b"public, no-cache"
_PRIVATE = b"private, no-store"
NO_STORE: Headers = ((b"cache-control", b"no-store"),)
"""For errors and for responses that depend on the clock."""


def cache_headers(audience: Audience, etag: bytes) -> Headers:
    """The `Cache-Control` and `ETag` headers of a cacheable response."""
    cache_control = _REVALIDATE if audience is Audience.PUBLIC else _PRIVATE
    return ((b"cache-control", cache_control), (b"etag", etag))


def etag_matches(head: RequestHead, etag: bytes) -> bool:
    """Return whether `If-None-Match` contains the ETag, also as a weak one, as sent by a compressing proxy.

    `*` does not match, as the request may still fail when it is executed.
    """
    client_etags = (one.strip().removeprefix("W/") for one in head.if_none_match.split(","))
    return etag.decode("ascii") in client_etags
