"""Response cache, and Cache-Control and ETag handling for GET.

A response without errors that does not depend on the clock is valid until the content version changes.
RFC 9111, section 5.2.2; RFC 9110, sections 8.8.3 and 13.1.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from gqlnews import __version__
from gqlnews.cache import SizedLRUCache
from gqlnews.database.protocol import SnapshotId
from gqlnews.engine.requests import GraphQLResponse
from gqlnews.query.entities import Audience
from gqlnews.server.compression import IDENTITY
from gqlnews.server.response import Headers

ENTRY_OVERHEAD = 1_000  # bytes of an entry besides its texts, approximately
_PROGRAM_VERSION = __version__.encode()


class CacheKey(NamedTuple):
    """Cache key: all that determines a response except the content.

    `text` is the body of a POST, or the query string of a GET or HEAD. `schema` is the schema id: a changed
    declaration of a custom field changes responses, but not always the content version.
    """

    text: bytes
    is_query_string: bool
    audience: Audience
    schema: bytes

    def entity_id(self, version: bytes, media: str, documents_id: bytes) -> bytes:
        """Identify the uncompressed response, equally on all servers of one gqlnews version and database.

        `documents_id` identifies the trusted documents: the same document id may name another document.
        """
        parts = (
            *(_PROGRAM_VERSION, self.schema, documents_id, version, media.encode()),
            *(b"%d" % self.audience, self.text),
        )
        return blake2b(b"\0".join(parts), digest_size=16).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """A response, and its compressed bodies by content coding, once a client has asked for them."""

    snapshot_id: SnapshotId
    response: GraphQLResponse
    compressed: dict[str, bytes] = field(default_factory=dict)

    def body(self, coding: str) -> bytes | None:
        """Return the body in this coding, or None if it was not compressed yet."""
        return self.response.body if coding == IDENTITY else self.compressed.get(coding)

    @property
    def size(self) -> int:
        """Size of all bodies in bytes."""
        return len(self.response.body) + sum(map(len, self.compressed.values()))


class ResponseCache:
    """Response cache of at most `max_bytes` bytes; 0 disables it."""

    def __init__(self, max_bytes: int) -> None:
        self._responses: SizedLRUCache[CacheKey, CachedResponse] = SizedLRUCache(max_bytes)
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Size of the cached responses in bytes."""
        return self._responses.size

    @property
    def enabled(self) -> bool:
        """Whether the response cache is enabled."""
        return self._responses.max_bytes > 0

    def get(self, key: CacheKey, snapshot_id: SnapshotId) -> CachedResponse | None:
        found = self._responses.get(key)
        if found is None or found.snapshot_id != snapshot_id:
            self.misses += 1
            return None
        self.hits += 1
        return found

    def add(self, key: CacheKey, entry: CachedResponse) -> CachedResponse:
        """Cache a response, unless an equal request has just done so; return the cached entry."""
        found = self._responses.get(key)
        if found is not None and found.snapshot_id == entry.snapshot_id:
            return found
        self._set(key, entry)
        return entry

    def add_compressed(self, key: CacheKey, entry: CachedResponse, coding: str, body: bytes) -> None:
        """Add a compressed body to an entry, and count its size if the entry is still cached."""
        entry.compressed[coding] = body
        if self._responses.get(key) is entry:
            self._set(key, entry)

    def _set(self, key: CacheKey, entry: CachedResponse) -> None:
        self._responses.set(key, entry, len(key.text) + entry.size + ENTRY_OVERHEAD)


_PRIVATE = b"private, no-store"
NO_STORE: Headers = ((b"cache-control", b"no-store"),)
"""For errors and for responses that depend on the clock."""


def cache_headers(audience: Audience, etag: bytes, cache_control: str) -> Headers:
    """The `Cache-Control` and `ETag` headers of a cacheable response.

    `cache_control` is for anonymous clients; any other response is private.
    """
    value = cache_control.encode("ascii") if audience is Audience.PUBLIC else _PRIVATE
    return ((b"cache-control", value), (b"etag", etag))


def etag_of(entity_id: bytes, coding: str) -> bytes:
    """The `ETag` of a response in a content coding: each coding has its own."""
    return b'"%b"' % entity_id if coding == IDENTITY else b'"%b-%b"' % (entity_id, coding.encode())


def find_etag(if_none_match: str, etags: Iterable[bytes]) -> bytes | None:
    """Return the first of the ETags that `If-None-Match` contains, also as a weak one, as proxies send it.

    `*` does not match, as the request may still fail when it is executed.
    """
    client_etags = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return next((etag for etag in etags if etag.decode("ascii") in client_etags), None)
