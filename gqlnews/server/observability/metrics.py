"""Counters and a histogram of operations, as plain numbers, because every request updates them.

`prometheus.py` reads them for `/metrics`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum

from gqlnews.engine.requests import GraphQLResponse
from gqlnews.errors import Code
from gqlnews.server.compression import CODINGS

MAX_NAMES = 200  # distinct operation names, as clients may invent any number of them
MAX_NAME_LENGTH = 100  # characters
QUERY, SUBSCRIPTION = "query", "subscription"
NO_NAME, OTHER = "-", "other"  # for anonymous operations, and for names that get no row of their own

BUCKET_SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025),
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0),
)
"""Upper bounds of the histogram buckets; slower operations are in the `+Inf` bucket."""

_FAILURE_CODES = {Code.INTERNAL_ERROR.value, Code.STOPPING.value}


class OperationOutcome(IntEnum):
    """How an operation ended: without errors, with data and errors, rejected, or with an internal error."""

    OK = 0
    ERRORS = 1
    REFUSED = 2
    FAILED = 3


def outcome_of_response(response: GraphQLResponse) -> OperationOutcome:
    if response.is_clean:
        return OperationOutcome.OK
    if not _FAILURE_CODES.isdisjoint(response.codes):
        return OperationOutcome.FAILED
    if not response.has_data:
        return OperationOutcome.REFUSED
    return OperationOutcome.ERRORS if response.codes else OperationOutcome.OK


def outcome_of_error(code: str) -> OperationOutcome:
    """The outcome of a request that was rejected or failed before GraphQL execution."""
    return OperationOutcome.FAILED if code in _FAILURE_CODES else OperationOutcome.REFUSED


class Metrics:
    """The metrics of one process since it started serving."""

    def __init__(self) -> None:
        # by operation name, with one count per outcome
        self.outcome_counts = {NO_NAME: _zero_counts(), OTHER: _zero_counts()}
        self.errors: Counter[str] = Counter()  # responses by error code
        self.bucket_counts = [0] * (len(BUCKET_SECONDS) + 1)  # operations per histogram bucket
        self.total_seconds = 0.0  # total duration of operations
        self.events = 0  # events sent to subscribers
        self.media = Counter({200: 0})  # responses of the media endpoint by status
        # compressed bodies by content coding, and their bytes before and after
        self.compressions = Counter(dict.fromkeys(CODINGS, 0))
        self.uncompressed_bytes = Counter(dict.fromkeys(CODINGS, 0))
        self.compressed_bytes = Counter(dict.fromkeys(CODINGS, 0))

    def record_operation(
        self, name: str | None, outcome: OperationOutcome, codes: Sequence[str] = ()
    ) -> None:
        """Count an operation by its outcome and error codes."""
        row = self.outcome_counts.get(name or NO_NAME)
        if row is None:
            row = self._add_row(name or NO_NAME, outcome)
        row[outcome] += 1
        if codes:
            self.count_errors(codes)

    def observe_duration(self, seconds: float) -> None:
        """Add a duration to the histogram."""
        self.bucket_counts[bisect_left(BUCKET_SECONDS, seconds)] += 1
        self.total_seconds += seconds

    def count_errors(self, codes: Sequence[str]) -> None:
        """Count each distinct error code of a response once."""
        self.errors.update(set(codes))

    def count_compressed(self, coding: str, before: int, after: int) -> None:
        """Count a compressed body, and its bytes before and after compression."""
        self.compressions[coding] += 1
        self.uncompressed_bytes[coding] += before
        self.compressed_bytes[coding] += after

    def _add_row(self, name: str, outcome: OperationOutcome) -> list[int]:
        """Add a row for a new name; return the row `other` above the limits and for rejected operations."""
        full = len(self.outcome_counts) >= MAX_NAMES + 2
        if full or outcome is OperationOutcome.REFUSED or len(name) > MAX_NAME_LENGTH:
            return self.outcome_counts[OTHER]
        return self.outcome_counts.setdefault(name, _zero_counts())


def _zero_counts() -> list[int]:
    return [0] * len(OperationOutcome)
