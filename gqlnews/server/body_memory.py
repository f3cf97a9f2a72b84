"""Bound the memory that the bodies of requests take while they arrive and while they are handled."""

from collections import Counter

from gqlnews.errors import Code
from gqlnews.server.wire import RETRY_AFTER, RefusedError

SMALL_BYTES = 16 * 1024  # a body up to this size is not counted
MAX_BYTES = 32 << 20  # of all clients; parsed, a body takes up to thirty times as much
MAX_BYTES_OF_ONE = 4 << 20


class BodyMemory:
    """Bytes by client. What is taken has to be given back."""

    def __init__(self) -> None:
        self._by_client: Counter[str] = Counter()
        self.total = 0

    def take(self, client: str, size: int) -> None:
        """Raises RefusedError (503) where the bodies of the client, or of all, take too much."""
        if self.total + size > MAX_BYTES or self._by_client[client] + size > MAX_BYTES_OF_ONE:
            message = "The server holds as many large requests as it takes: try again later."
            raise RefusedError(503, Code.OVERLOADED, message, **{RETRY_AFTER: "1"})
        self._by_client[client] += size
        self.total += size

    def give_back(self, client: str, size: int) -> None:
        self._by_client[client] -= size
        self.total -= size
        if not self._by_client[client]:
            del self._by_client[client]
