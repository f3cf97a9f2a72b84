"""Fair queue of calls that wait for a reader: round-robin over clients, shortest call first.

1. Clients take turns, whatever the number of their calls.
2. On a client's turn, its call with the shortest estimate is served; of calls with similar estimates, the
   oldest.
3. The reader that is reserved for short calls skips clients that have none.

The queue holds `most` calls, and half as many of one client, so that no client fills it alone.
"""

from bisect import insort
from collections import OrderedDict
from itertools import count
from math import frexp, isfinite
from operator import attrgetter
from threading import Lock

from gqlnews.database.sqlite.read_job import ReadJob
from gqlnews.errors import OverloadedError

MAX_WAITING = 1_000
LEAST, UNKNOWN = -9, 1_000  # magnitudes: of a millisecond, and greater than any other
FULL = "More requests wait for the database than may: try again later."
FULL_OF_ONE = "More requests of your address wait for the database than may: try again later."


class JobQueue:
    """Filled by the event loop, emptied by the reader threads."""

    def __init__(self, most: int = MAX_WAITING) -> None:
        self._most, self._most_of_one = most, max(1, most // 2)
        self._lock = Lock()
        self._clients: OrderedDict[str, list[ReadJob]] = (
            OrderedDict()
        )  # in order of turn; the calls of each sorted
        self._numbers = count()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def put(self, call: ReadJob) -> ReadJob | None:
        """Add a call. Raises OverloadedError if there is no room.

        If the queue is full, the last call of the client with the most calls is removed and returned.
        """
        with self._lock:
            calls = self._clients.get(call.client, ())
            if len(calls) >= self._most_of_one:
                raise OverloadedError(FULL_OF_ONE)
            displaced = self._displaced_by(len(calls)) if self._count >= self._most else None
            self._insert(call)
        return displaced

    def _displaced_by(self, own: int) -> ReadJob:
        """Remove and return the last call of the client with the most calls, for a client that has `own`.

        Raises OverloadedError if that client would not have more calls than this one.
        """
        most = max(self._clients.values(), key=len)
        if len(most) <= own + 1:
            raise OverloadedError(FULL)
        call = most[-1]
        self._remove(call)
        return call

    def put_back(self, call: ReadJob) -> None:
        """Add a call that was taken before, even if the queue is full."""
        with self._lock:
            self._insert(call)

    def take(self, *, short: bool = False) -> ReadJob | None:
        """Remove and return the next call; with `short`, the next short one."""
        with self._lock:
            heads = (calls[0] for calls in self._clients.values())
            call = next((head for head in heads if not short or head.is_short), None)
            if call is not None:
                self._clients.move_to_end(call.client)
                self._remove(call)
            return call

    def discard(self, call: ReadJob) -> bool:
        """Remove a call if it is still waiting; return whether it was."""
        with self._lock:
            waits = call in self._clients.get(call.client, ())
            if waits:
                self._remove(call)
            return waits

    def late(self, asked_before: float) -> list[ReadJob]:
        """Remove and return the calls that arrived at `asked_before` or earlier."""
        with self._lock:
            late = [call for calls in self._clients.values() for call in calls if call.asked <= asked_before]
            for call in late:
                self._remove(call)
            return late

    def oldest(self) -> float | None:
        """Return the arrival time of the oldest call."""
        with self._lock:
            return min((call.asked for calls in self._clients.values() for call in calls), default=None)

    def has(self, *, short: bool = False) -> bool:
        """Return whether `take` would return a call."""
        with self._lock:
            return any(not short or calls[0].is_short for calls in self._clients.values())

    def _insert(self, call: ReadJob) -> None:
        call.order = _magnitude(call.expected), next(self._numbers)
        insort(self._clients.setdefault(call.client, []), call, key=attrgetter("order"))
        self._count += 1

    def _remove(self, call: ReadJob) -> None:
        calls = self._clients[call.client]
        calls.remove(call)
        self._count -= 1
        if not calls:
            del self._clients[call.client]


def _magnitude(seconds: float) -> int:
    """Binary exponent of an estimate; calls of equal magnitude are served in order of arrival."""
    return max(LEAST, frexp(seconds)[1]) if isfinite(seconds) else UNKNOWN
