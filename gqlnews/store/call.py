"""What one request asks of the store, and where its answers go."""

import asyncio
import math
from dataclasses import dataclass

from gqlnews.store.connection import Statements

SHORT = 0.015
"""Seconds of a processor: what is expected to take no longer is short."""


@dataclass(slots=True, eq=False)
class Call:
    """A call to the pool; `client` is the client's, and `asked` when it came, by time.monotonic().

    `expected`: seconds of a processor that it takes; infinite where nobody knows. `until`: when it is
    stopped, once it runs. `seconds` of a processor is what the statements took; `spared` of them were not
    run. `rest` are calls that go on in the same read transaction: each is answered as soon as it is
    through. `preempted`: it took longer than expected, and is to run again as what it is.
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
    rest: "tuple[Call, ...]" = ()

    @property
    def is_short(self) -> bool:
        """Whether it may run where nothing else may take long. Parts that were delivered cannot run again."""
        return self.expected <= SHORT and not self.rest

    @property
    def size(self) -> int:
        """Bytes of its results."""
        return sum(map(len, filter(None, self.outcome))) if isinstance(self.outcome, list) else 0

    def deliver(self) -> None:
        """Hand the outcome to who waits, if anybody still does."""
        outcome, self.outcome = self.outcome, None  # or an error would keep itself, by its traceback
        if self.answers.done():
            return
        if isinstance(outcome, list):
            self.answers.set_result(outcome)
        else:
            assert outcome is not None, "it was run"
            self.answers.set_exception(outcome)
