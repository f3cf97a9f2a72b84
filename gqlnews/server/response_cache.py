"""Response cache and prepared-request cache.

A response without errors that does not depend on the clock is valid until the content version changes.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from gqlnews import __version__
from gqlnews.cache import Kept
from gqlnews.database.sqlite.database_handle import Moment
from gqlnews.engine.engine import Answer, Prepared
from gqlnews.query.audience import Audience

PREPARED_BYTES, FREE_PREPARED_BYTES = 32 << 20, 8 << 20
PARSED = 30  # bytes of Python objects that a byte of JSON may become
OVERHEAD = 1_000  # bytes of an entry besides its texts, approximately
_PROGRAM = __version__.encode()


class Request(NamedTuple):
    """Cache key: all that determines a response except the content.

    `text` is the body of a POST or the query string of a GET.
    """

    text: bytes
    only_query: bool
    audience: Audience

    def tag(self, version: bytes, media: str) -> bytes:
        """The `ETag` of the response, equal on all servers of one gqlnews version and database."""
        parts = (_PROGRAM, version, media.encode(), b"%d" % self.audience, self.text)
        return b'"%b"' % blake2b(b"\0".join(parts), digest_size=16).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class _Dated:
    moment: Moment
    answer: Answer


class Answers:
    """Response cache of at most `limit` bytes (0 disables it), plus a cache of prepared requests."""

    def __init__(self, limit: int) -> None:
        self._answers: Kept[Request, _Dated] = Kept(limit)
        self._prepared: Kept[Request, Prepared] = Kept(PREPARED_BYTES, FREE_PREPARED_BYTES)
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Size of the cached responses in bytes."""
        return self._answers.size

    @property
    def are_kept(self) -> bool:
        """Whether the response cache is enabled."""
        return self._answers.limit > 0

    def get(self, request: Request, moment: Moment) -> Answer | None:
        found = self._answers.get(request)
        if found is None or found.moment != moment:
            self.misses += 1
            return None
        self.hits += 1
        return found.answer

    def keep(self, request: Request, moment: Moment, answer: Answer) -> None:
        size = len(request.text) + len(answer.body) + OVERHEAD
        self._answers.keep(request, _Dated(moment, answer), size)

    def prepared(self, request: Request) -> Prepared | None:
        return self._prepared.get(request)

    def keep_prepared(self, request: Request, prepared: Prepared) -> None:
        """Cache a prepared request unless it depends on the clock, as its bound values would then change."""
        if prepared.bound.timeless:
            self._prepared.keep(request, prepared, PARSED * len(request.text) + prepared.size)
