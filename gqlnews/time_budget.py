"""Time budget for synchronous computations, which cannot be interrupted from outside.

Parsing, validating, planning and compiling are plain function calls: while one runs on the event loop, the
server handles no other request. So the caller sets a budget, and the long loops in these functions check it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import perf_counter

from gqlnews.errors import GqlnewsError


class TimeBudgetExceeded(GqlnewsError):  # noqa: N818 - expected by the caller that set the budget, not a failure
    """Raised if a computation needs more time than its caller allows."""


class TimeBudget:
    """Budget of `seconds` by `clock`, from the construction or the last `restart` on.

    The default clock measures wall-clock time. `thread_time` measures CPU time, so that other processes on a
    busy machine do not use up the budget. Another thread may `end` the budget early.
    """

    __slots__ = ("_clock", "_deadline", "_is_ended", "_seconds")

    def __init__(self, seconds: float, clock: Callable[[], float] = perf_counter) -> None:
        self._seconds, self._clock, self._is_ended = seconds, clock, False
        self.restart()

    def restart(self) -> None:
        self._deadline = self._clock() + self._seconds

    @property
    def remaining(self) -> float:
        """The rest of the budget in seconds, negative if it is exceeded; -inf after `end`."""
        return -inf if self._is_ended else self._deadline - self._clock()

    def end(self) -> None:
        self._is_ended = True


_current: ContextVar[TimeBudget | None] = ContextVar("time_budget", default=None)


@contextmanager
def time_budget(budget: TimeBudget | float) -> Iterator[None]:
    """Set the budget, a TimeBudget or new seconds, that `check_time_budget` checks while the block runs."""
    token = _current.set(budget if isinstance(budget, TimeBudget) else TimeBudget(budget))
    try:
        yield
    finally:
        _current.reset(token)


def check_time_budget(expected: float = 0.0) -> None:
    """Raise TimeBudgetExceeded if the budget is used up or `expected` more seconds would exceed it."""
    budget = _current.get()
    if budget is not None and budget.remaining < expected:
        raise TimeBudgetExceeded("the time budget is used up")


def remaining_seconds() -> float:
    """Return the rest of the budget in seconds; infinity if the caller set none."""
    budget = _current.get()
    return inf if budget is None else budget.remaining
