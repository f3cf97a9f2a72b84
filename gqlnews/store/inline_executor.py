"""Run short statements on the event loop, within a budget.

To hand a statement to a thread and its result back costs more than a small statement does. So each statement
is tried on the loop first, from its first request on. One that exceeds the budget is interrupted and goes to
the pool of readers. Before it is tried again a number of requests go there directly: twice as many each time
(exponential backoff), half as many each time it stays within the budget. So the decision follows a statement
whose cost changes.

The budget counts instructions of SQLite's virtual machine: unlike time, neither other threads nor other
processes inflate them. Some instructions take long, as a sort does; so processor time is limited too.
"""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from gqlnews.errors import LimitError
from gqlnews.store.connection import Statements, connect_to_read, run
from gqlnews.store.limited import FULL_TEXT

BUDGET_STEPS = 16_000  # instructions for all statements of a request: 0.3 ms of a walk, 1 ms of making JSON
BUDGET_SECONDS = 0.000_7  # of a processor, after the first check
STEPS_PER_CHECK = 2_000  # instructions between two checks
MAX_STATEMENTS = 4  # of a request
FIRST_BACKOFF, MAX_BACKOFF = 4, 256  # requests
MIN_SAMPLES = 3  # runs on a thread, before their latency is known
LATENCY_DECAY = 0.9  # with each run
MAX_TRACKED = 4096  # batches
MAX_SQL_LENGTH = 20_000  # characters of those, together

_Key = tuple[str, ...]
"""The SQL of the statements of a request: a batch."""


@dataclass(slots=True)
class BatchStats:
    """What is known of a batch.

    `skips` of the next requests do not try it on the loop, and after its next interruption `backoff` do not.
    It ran on a thread `samples` times, and lately took `latency` seconds at most.
    """

    skips: int = 0
    backoff: int = FIRST_BACKOFF
    samples: int = 0
    latency: float = 0.0

    def interrupted(self) -> None:
        self.skips = self.backoff
        self.backoff = min(2 * self.backoff, MAX_BACKOFF)

    def completed(self) -> None:
        self.backoff = max(self.backoff // 2, FIRST_BACKOFF)


class InlineExecutor:
    """A connection of the loop's own. `open`, `try_execute` and `close` it in the loop's thread."""

    def __init__(self) -> None:
        self._db: sqlite3.Connection | None = None
        self._stats: dict[_Key, BatchStats] = {}  # the oldest first
        self._checks = 0
        self._deadline = 0.0

    def open(self, path: Path, max_bytes: int = 0) -> None:
        """Raises DatabaseError and its kinds."""
        self._db = connect_to_read(path, 0.0, max_bytes)
        self._db.set_progress_handler(self._is_over_budget, STEPS_PER_CHECK)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def trace(self, hook: object) -> None:
        if self._db is not None:
            self._db.set_trace_callback(cast("None", hook))

    def try_execute(self, statements: Statements) -> list[bytes | None] | None:
        """The result of each statement; None where the pool of readers has to run them."""
        if self._db is None or len(statements) > MAX_STATEMENTS:
            return None
        stats = self._tracked(statements)
        if stats is None:
            return None
        if stats.skips:
            stats.skips -= 1
            return None
        self._checks = 0
        try:
            results = run(self._db, statements)
        except (sqlite3.Error, ValueError, MemoryError, LimitError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                stats.interrupted()
            return None  # a thread runs them, and explains what is wrong with them
        stats.completed()
        return results

    def record(self, statements: Statements, seconds: float) -> None:
        """Record that they took so many seconds of a processor on a thread, together."""
        if (stats := self._tracked(statements)) is not None:
            stats.samples += 1
            stats.latency = max(seconds, stats.latency * LATENCY_DECAY)

    def latency(self, statements: Statements) -> float | None:
        """Seconds of a processor that they take on a thread, together; None where that is not known."""
        stats = self._stats.get(_key_of(statements))
        return None if stats is None or stats.samples < MIN_SAMPLES else stats.latency

    def _tracked(self, statements: Statements) -> BatchStats | None:
        """What is known of a batch; None of one that is never tried on the loop."""
        key = _key_of(statements)
        stats = self._stats.get(key)
        if stats is None:
            if sum(map(len, key)) > MAX_SQL_LENGTH or any(FULL_TEXT in sql for sql in key):
                return None  # a search is not interrupted soon enough
            if len(self._stats) >= MAX_TRACKED:
                del self._stats[next(iter(self._stats))]
            stats = self._stats[key] = BatchStats()
        return stats

    def _is_over_budget(self) -> bool:
        self._checks += 1
        if self._checks == 1:  # most end before: to ask for the time takes some
            self._deadline = time.thread_time() + BUDGET_SECONDS
            return False
        return self._checks * STEPS_PER_CHECK > BUDGET_STEPS or time.thread_time() > self._deadline


def _key_of(statements: Statements) -> _Key:
    return tuple(sql for sql, _ in statements)
