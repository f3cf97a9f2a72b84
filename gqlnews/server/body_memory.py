"""Limit the memory of request bodies while they are received and handled."""

from collections import Counter

from gqlnews.errors import Code
from gqlnews.server.http import RETRY_AFTER, HTTPError

SMALL_BYTES = 16 * 1024  # bodies up to this size are not counted
MAX_BYTES = 32 << 20  # of all clients; a parsed body takes up to thirty times its size
MAX_BYTES_OF_ONE = 4 << 20


class BodyMemory:
    """Bytes of large bodies, per client and in total. Each `take` needs a matching `give_back`."""

    def __init__(self) -> None:
        self._by_client: Counter[str] = Counter()
        self.total = 0

    def take(self, client: str, size: int) -> None:
        """Reserve bytes. Raises HTTPError (503) past the limit of the client or of all clients."""
        if self.total + size > MAX_BYTES or self._by_client[client] + size > MAX_BYTES_OF_ONE:
            message = "The server holds as many large requests as it takes: try again later."
            raise HTTPError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self._by_client[client] += size
        self.total += size

    def give_back(self, client: str, size: int) -> None:
        self._by_client[client] -= size
        self.total -= size
        if not self._by_client[client]:
            del self._by_client[client]
