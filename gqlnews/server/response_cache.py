"""Response cache and prepared-request cache.

A response without errors that does not depend on the clock is valid until the content version changes.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from gqlnews import __version__
from gqlnews.cache import SizedLRUCache
from gqlnews.database.sqlite.database_handle import SnapshotId
from gqlnews.engine.engine import GraphQLResponse, PreparedQuery
from gqlnews.query.audience import Audience

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
class _Entry:
    moment: SnapshotId
    answer: GraphQLResponse


class ResponseCache:
    """Response cache of at most `max_bytes` bytes (0 disables it), plus a cache of prepared requests."""

    def __init__(self, max_bytes: int) -> None:
        self._answers: SizedLRUCache[CacheKey, _Entry] = SizedLRUCache(max_bytes)
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
        self._answers.set(request, _Entry(moment, answer), size)

    def get_prepared(self, request: CacheKey) -> PreparedQuery | None:
        return self._prepared.get(request)

    def set_prepared(self, request: CacheKey, prepared: PreparedQuery) -> None:
        """Cache a prepared request unless it depends on the clock, as its bound values would then change."""
        if prepared.bound.cacheable:
            self._prepared.set(request, prepared, PARSED * len(request.text) + prepared.size)
