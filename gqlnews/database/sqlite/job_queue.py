"""Calls to the read pool, the client each one runs for, and their fair queue."""

import asyncio
import math
from bisect import insort
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from math import frexp, isfinite
from operator import attrgetter
from threading import Lock

from gqlnews.database.sqlite.connection import Statements
from gqlnews.errors import OverloadedError

# One request to the read pool: its statements, its state and the future of its result.


SHORT = 0.015
"""CPU seconds; a call with a higher estimate is not short."""


@dataclass(slots=True, eq=False)
class ReadJob:
    """A call to the read pool.

    `client` is the client's address, `asked` the time.monotonic() of its arrival. `expected` is the estimated
    CPU time in seconds, infinite if unknown. `until` is the deadline, set when the call starts. `seconds` is
    the CPU time that the statements took; `spared` of them were coalesced and not run. `rest` are calls that
    continue in the same read transaction; each is answered as soon as it completes. `preempted`: it took
    longer than expected on the reserved reader and must run again on another.
    """

    statements: Statements
    answers: asyncio.Future[list[bytes | None]]
    asked: float
    client: str = ""
    expected: float = math.inf
    until: float = math.inf
    order: tuple[int, int] = (0, 0)
    outcome: "list[bytes | None] | Exception | None" = None
    seconds: float = 0.0
    spared: int = 0
    abandoned: bool = False
    preempted: bool = False
    rest: "tuple[ReadJob, ...]" = ()

    @property
    def is_short(self) -> bool:
        """Whether the call may run on the reserved reader.

        A call with parts may not, because parts that were delivered cannot run again.
        """
        return self.expected <= SHORT and not self.rest

    @property
    def size(self) -> int:
        """Size of the results in bytes."""
        return sum(map(len, filter(None, self.outcome))) if isinstance(self.outcome, list) else 0

    def deliver(self) -> None:
        """Resolve the future with the outcome, unless it is done already."""
        outcome, self.outcome = self.outcome, None  # breaks the reference cycle of an error and its traceback
        if self.answers.done():
            return
        if isinstance(outcome, list):
            self.answers.set_result(outcome)
        else:
            assert outcome is not None, "it was run"
            self.answers.set_exception(outcome)


# Fair queue of calls that wait for a reader: round-robin over clients, shortest call first.
#
# 1. Clients take turns, whatever the number of their calls.
# 2. On a client's turn, its call with the shortest estimate is served; of calls with similar estimates, the
#    oldest.
# 3. The reader that is reserved for short calls skips clients that have none.
#
# The queue holds `most` calls, and half as many of one client, so that no client fills it alone.


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


# Context variables: the client that a task runs statements for, and their estimated CPU time.
#
# The read pool needs both for fair scheduling. They are context variables because the layers between an
# endpoint and the pool have no use for them.


_client: ContextVar[str] = ContextVar("client", default="")
_expected: ContextVar[float | None] = ContextVar("expected", default=None)

NOBODY = ""
"""The client of the server's own statements."""


def act_for(client: str) -> None:
    """Set the client that this task runs statements for."""
    _client.set(client)


def expect(seconds: float | None) -> None:
    """Set the estimated CPU seconds of this task's statements; None if unknown."""
    _expected.set(seconds)


@contextmanager
def expecting(seconds: float) -> Iterator[None]:
    """Set the estimate for the duration of a block."""
    token = _expected.set(seconds)
    try:
        yield
    finally:
        _expected.reset(token)


def caller() -> tuple[str, float | None]:
    """Return the client of this task and its estimated CPU seconds."""
    return _client.get(), _expected.get()
