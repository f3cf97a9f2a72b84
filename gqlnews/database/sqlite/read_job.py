"""One request to the read pool: its statements, its state and the future of its result."""

import asyncio
import math
from dataclasses import dataclass

from gqlnews.database.sqlite.reader_connection import Statements

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
