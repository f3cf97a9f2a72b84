"""What is known of requests that came before: how they run, and what the answer was.

An answer without errors that reads no clock holds until the version of the content changes.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from gqlnews import __version__
from gqlnews.kept import Kept
from gqlnews.plan.audience import Audience
from gqlnews.schema.engine import Answer, Prepared
from gqlnews.store.access import Moment

PREPARED_BYTES, FREE_PREPARED_BYTES = 32 << 20, 8 << 20
PARSED = 30  # bytes that a byte of JSON may take as values
OVERHEAD = 1_000  # bytes of an entry beside its texts, about
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
class _Dated:
    moment: Moment
    answer: Answer


class Answers:
    """The response cache: at most `limit` bytes, 0 for none. Requests made ready are kept beside it."""

    def __init__(self, limit: int) -> None:
        self._answers: Kept[Request, _Dated] = Kept(limit)
        self._prepared: Kept[Request, Prepared] = Kept(PREPARED_BYTES, FREE_PREPARED_BYTES)
        self.hits = self.misses = 0

    @property
    def size(self) -> int:
        """Bytes of answers that are kept."""
        return self._answers.size

    @property
    def are_kept(self) -> bool:
        """Whether there is room for any."""
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
        """Kept only where no clock is read: then what is bound holds whenever it is asked again."""
        if prepared.bound.timeless:
            self._prepared.keep(request, prepared, PARSED * len(request.text) + prepared.size)
