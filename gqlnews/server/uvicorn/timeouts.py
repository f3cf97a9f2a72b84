"""Read and write timeouts, enforced by a sweep over all connections once a second.

There is no timer per request, so a request that arrives at once, as almost all do, costs nothing here.
"""

import asyncio
from collections.abc import Collection, Iterator
from itertools import islice
from operator import itemgetter
from typing import Protocol

EVERY = 1.0  # seconds between two sweeps
SWEEP_SIZE = 250  # connections, checked in one turn of the event loop
ARRIVAL_SECONDS = 10.0  # read timeout for the headers of a request, and again for its body
READING_SECONDS = 20.0  # write timeout: the client has to read some of the pending bytes


LITTLE_BYTES = 64 << 10  # a client that reads less between two sweeps counts as stalled
MAX_UNREAD_BYTES = 32 << 20  # pending for all stalled clients; past it, the largest are aborted


class Connection(Protocol):
    transport: asyncio.Transport

    def look(self, now: float) -> None: ...

    @property
    def unread(self) -> int:
        """Bytes pending for a stalled client, which has read hardly any since the last sweep."""
        ...


class TimeoutSweeper:
    """Sweep over the connections once a second, from `start` to `stop`."""

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
    """Abort stalled connections, largest first, until at most MAX_UNREAD_BYTES are pending for them."""
    total = sum(size for size, _ in unread)
    for size, connection in sorted(unread, key=itemgetter(0), reverse=True):
        if total <= MAX_UNREAD_BYTES:
            return
        connection.transport.abort()
        total -= size


class WriteStallTimer:
    """Write stall detection for one connection."""

    __slots__ = ("_since", "_size", "stalled")

    def __init__(self) -> None:
        self._size, self._since = 0, 0.0
        self.stalled = 0  # pending bytes, if hardly any were read since the last sweep

    def is_stuck(self, size: int, now: float) -> bool:
        """Return whether the write timeout has expired; `size` is the number of bytes pending now."""
        moves = size == 0 or self._size == 0 or size < self._size
        taken = self._size - size
        self.stalled = size if size and self._size and taken < min(LITTLE_BYTES, self._size) else 0
        if moves:
            self._since = now
        self._size = size
        return now - self._since >= READING_SECONDS


class ReadTimer:
    """Read timer for an incomplete head or body, which `what` identifies by object identity."""

    __slots__ = ("_since", "what")

    def __init__(self, what: object, now: float) -> None:
        self.what, self._since = what, now

    def is_overdue(self, what: object, now: float) -> bool:
        """Return whether the read timeout for `what` has expired; None means that nothing is pending."""
        if what is not self.what:
            self.what, self._since = what, now
        return what is not None and now - self._since >= ARRIVAL_SECONDS
