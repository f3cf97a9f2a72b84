"""Time budget of computations that nothing can interrupt from outside.

Parsing, validating, planning and compiling are plain function calls: while one runs on the event loop, no
other client is answered. So the caller sets a budget, and the long loops of these functions check it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import inf
from time import perf_counter

from gqlnews.errors import GqlnewsError

_deadline: ContextVar[float] = ContextVar("deadline", default=inf)


class TimeBudgetExceeded(GqlnewsError):  # noqa: N818 - a signal to the caller who set the budget, not a failure
    """The work needs more time than its caller allows."""


@contextmanager
def time_budget(seconds: float) -> Iterator[None]:
    """Let `check_time_budget` raise in the block once `seconds` of wall-clock time have passed."""
    token = _deadline.set(perf_counter() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def check_time_budget(expected: float = 0.0) -> None:
    """Raise TimeBudgetExceeded where the budget is used up, or `expected` more seconds would exceed it."""
    deadline = _deadline.get()
    if deadline is not inf and perf_counter() + expected > deadline:
        raise TimeBudgetExceeded("the time budget is used up")


def remaining_seconds() -> float:
    """What is left of the budget; infinite where the caller set none."""
    deadline = _deadline.get()
    return deadline if deadline is inf else deadline - perf_counter()
