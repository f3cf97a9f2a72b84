"""What the server counts of what it does: plain numbers, as every request adds to them.

`exposition.py` reads them where somebody asks for `/metrics`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum

from gqlnews.errors import Code
from gqlnews.schema.engine import Answer

MOST_NAMES = 200  # of operations: a client may make up as many as it likes
LONGEST_NAME = 100  # characters
QUERY, SUBSCRIPTION = "query", "subscription"
NO_NAME, OTHER = "-", "other"  # `other` stands for the names past those

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the histogram; what takes longer is above them all."""

_FAULTS = {Code.INTERNAL_ERROR.value, Code.STOPPING.value}


class Outcome(IntEnum):
    """How an operation ended: whole, with errors beside its data, refused, or by a fault of the server."""

    OK = 0
    ERRORS = 1
    REFUSED = 2
    FAILED = 3


def outcome_of(answer: Answer) -> Outcome:
    if answer.faultless:
        return Outcome.OK
    if not _FAULTS.isdisjoint(answer.codes):
        return Outcome.FAILED
    if not answer.ok:
        return Outcome.REFUSED
    return Outcome.ERRORS if answer.codes else Outcome.OK


def outcome_of_refusal(code: str) -> Outcome:
    """Of what is refused outside GraphQL."""
    return Outcome.FAILED if code in _FAULTS else Outcome.REFUSED


class Metrics:
    """Of one process, since it began to serve."""

    __slots__ = ("errors", "events", "rows", "seconds", "took")

    def __init__(self) -> None:
        self.rows: dict[str, list[int]] = {NO_NAME: _row(), OTHER: _row()}  # by name: how many a outcome
        self.errors: Counter[str] = Counter()  # by code
        self.took = [0] * (len(SECONDS) + 1)  # operations by the bound that they stayed within
        self.seconds = 0.0  # of them all
        self.events = 0  # of subscriptions

    def ended(self, name: str | None, outcome: Outcome, codes: Sequence[str] = ()) -> None:
        """Count an operation."""
        row = self.rows.get(name or NO_NAME)
        if row is None:
            row = self._new(name or NO_NAME, outcome)
        row[outcome] += 1
        if codes:
            self.tell(codes)

    def timed(self, seconds: float) -> None:
        """Count how long one took."""
        self.took[bisect_left(SECONDS, seconds)] += 1
        self.seconds += seconds

    def tell(self, codes: Sequence[str]) -> None:
        """Count an answer with errors by their codes, each once."""
        self.errors.update(set(codes))

    def _new(self, name: str, outcome: Outcome) -> list[int]:
        """A place for a name, where there is one; what is refused takes none from those that are served."""
        full = len(self.rows) >= MOST_NAMES + 2
        if full or outcome is Outcome.REFUSED or len(name) > LONGEST_NAME:
            return self.rows[OTHER]
        return self.rows.setdefault(name, _row())


def _row() -> list[int]:
    return [0] * len(Outcome)
