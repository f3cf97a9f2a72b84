"""The response cache: answers by request, kept for the version of the content that they speak of.

Kept are answers without errors that read no clock: what they say holds until the version changes. Bounded in
bytes; what was asked for longest ago goes first.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from gqlnews import __version__
from gqlnews.plan.audience import Audience
from gqlnews.schema.engine import Answer

OVERHEAD = 1_000  # bytes of an entry beside its request and its answer, about
_PROGRAM = __version__.encode()


class Request(NamedTuple):
    """All that decides an answer but the content: `text` is a POST's body or a GET's query string."""

    text: bytes
    only_query: bool
    audience: Audience

    def tag(self, version: bytes, media: str) -> bytes:
        """The `ETag` of the answer, the same in every server of this program and this database."""
        parts = (_PROGRAM, version, media.encode(), b"%d" % self.audience, self.text)
        return b'"%b"' % blake2b(b"\0".join(parts), digest_size=16).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class _Kept:
    version: bytes
    answer: Answer


class Answers:
    """At most `limit` bytes of them; 0 keeps none."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Request, _Kept] = OrderedDict()
        self._bytes = 0

    def __bool__(self) -> bool:
        """Whether any are kept at all."""
        return self._limit > 0

    def get(self, request: Request, version: bytes) -> Answer | None:
        kept = self._kept.get(request)
        if kept is None:
            return None
        if kept.version != version:
            self._forget(request)
            return None
        self._kept.move_to_end(request)
        return kept.answer

    def keep(self, request: Request, version: bytes, answer: Answer) -> None:
        size = _size(request, answer)
        if size > self._limit:
            return
        if request in self._kept:
            self._forget(request)
        self._kept[request] = _Kept(version, answer)
        self._bytes += size
        while self._bytes > self._limit:
            self._forget(next(iter(self._kept)))

    def _forget(self, request: Request) -> None:
        self._bytes -= _size(request, self._kept.pop(request).answer)


def _size(request: Request, answer: Answer) -> int:
    return len(request.text) + len(answer.body) + OVERHEAD
