"""How long is waited for clients that send too slowly, or do not read: looked at once a second, for all.

A request that arrives at once, as almost all do, costs nothing here.
"""

import asyncio
from collections.abc import Collection, Iterator
from itertools import islice
from operator import itemgetter
from typing import Protocol

EVERY = 1.0  # seconds between two looks
SWEEP_SIZE = 250  # connections, checked in a turn of the loop
ARRIVAL_SECONDS = 10.0  # for the headers of a request, and for its body
READING_SECONDS = 20.0  # in which a client has to take something of what waits for it


LITTLE_BYTES = 64 << 10  # who takes less between two looks hardly reads
MAX_UNREAD_BYTES = 32 << 20  # of all clients that read nothing; past it, those with most are cut off


class Connection(Protocol):
    transport: asyncio.Transport

    def look(self, now: float) -> None: ...

    @property
    def unread(self) -> int:
        """Bytes that wait for a client that has taken hardly any since the last look."""
        ...


class Patience:
    """Looks at the connections from `start` to `stop`."""

    def __init__(self, connections: Collection[Connection]) -> None:
        self._connections = connections
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(EVERY, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._sweep(iter(tuple(self._connections)), [])

    def _sweep(self, connections: Iterator[Connection], unread: list[tuple[int, Connection]]) -> None:
        """Check the next connections; the others follow in later turns of the event loop."""
        loop = asyncio.get_running_loop()
        checked = 0
        for connection in islice(connections, SWEEP_SIZE):
            connection.look(loop.time())
            if size := connection.unread:
                unread.append((size, connection))
            checked += 1
        if checked == SWEEP_SIZE:
            loop.call_soon(self._sweep, connections, unread)
            return
        cut_unread(unread)
        self.start()


def cut_unread(unread: Collection[tuple[int, Connection]]) -> None:
    """Abort connections whose clients read nothing, those with most first, until what waits is bounded."""
    total = sum(size for size, _ in unread)
    for size, connection in sorted(unread, key=itemgetter(0), reverse=True):
        if total <= MAX_UNREAD_BYTES:
            return
        connection.transport.abort()
        total -= size


class Unread:
    """What waits for a client that does not read."""

    __slots__ = ("_since", "_size", "stalled")

    def __init__(self) -> None:
        self._size, self._since = 0, 0.0
        self.stalled = 0  # bytes that wait, where hardly any was taken since the last look

    def is_stuck(self, size: int, now: float) -> bool:
        """Whether nothing was taken for too long; `size` is how many bytes wait now."""
        moves = size == 0 or self._size == 0 or size < self._size
        taken = self._size - size
        self.stalled = size if size and self._size and taken < min(LITTLE_BYTES, self._size) else 0
        if moves:
            self._since = now
        self._size = size
        return now - self._since >= READING_SECONDS


class Awaited:
    """What of a client's is not whole: a head or a body, told by an object of its own."""

    __slots__ = ("_since", "what")

    def __init__(self, what: object, now: float) -> None:
        self.what, self._since = what, now

    def is_overdue(self, what: object, now: float) -> bool:
        """Whether the same thing is waited for, and has been for too long; None is nothing."""
        if what is not self.what:
            self.what, self._since = what, now
        return what is not None and now - self._since >= ARRIVAL_SECONDS
