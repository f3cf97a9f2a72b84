"""Statements that are known to be quick, run by the event loop itself.

To hand a statement to a thread and its answer back takes longer than a small statement does: two threads
that want the interpreter's lock wake each other, on two cores several times a statement. So what has proved
to take less than `QUICK` stays here. Where it takes long for once, it is stopped and goes to a thread.
"""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cachetools import LRUCache

from gqlnews.errors import LimitError
from gqlnews.store.connection import Statements, connect_to_read, run
from gqlnews.store.limited import FULL_TEXT

QUICK = 0.000_5  # seconds of a processor
LONGEST = 0.001  # seconds by the clock, after which it is stopped
PROVED = 3  # runs on a thread
RARELY = 20  # one run in so many may take longer
MOST = 4  # statements of a request: each holds the loop up
FADES = 0.9  # with each run, so that what was long for once is not for ever
KNOWN = 4096  # statements, by their text
LONGEST_TEXT = 20_000  # characters of those
STEPS_BETWEEN_LOOKS = 5_000  # of SQLite's virtual machine, some 0.1 ms


@dataclass(slots=True)
class _Record:
    """How often a statement ran, and how often not quickly. `longest`: seconds on a thread, not long ago."""

    runs: int = 0
    slow: int = 0
    longest: float = 0.0

    def note(self, seconds: float) -> None:
        self.runs += 1
        self.slow += seconds > QUICK

    @property
    def is_quick(self) -> bool:
        return self.runs >= PROVED and self.slow * RARELY <= self.runs


class Near:
    """A connection of the loop's own. `open`, `read` and `close` it in the loop's thread."""

    def __init__(self) -> None:
        self._db: sqlite3.Connection | None = None
        self._records: LRUCache[str, _Record] = LRUCache(KNOWN)
        self._begun = 0.0

    def open(self, path: Path, most_bytes: int = 0) -> None:
        """Raises DatabaseError and its kinds."""
        self._db = connect_to_read(path, 0.0, most_bytes)
        self._db.set_progress_handler(self._takes_long, STEPS_BETWEEN_LOOKS)

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None

    def trace(self, hook: object) -> None:
        if self._db is not None:
            self._db.set_trace_callback(cast("None", hook))

    def learn(self, statements: Statements, seconds: float) -> None:
        """What each of these took of a processor on a thread."""
        for sql, _ in statements:
            self._note(sql, seconds)

    def expected(self, statements: Statements) -> float | None:
        """Seconds of a processor that they take on a thread, as measured; None where one is not known."""
        records = [self._records.get(sql) for sql, _ in statements]
        if any(record is None or record.runs < PROVED for record in records):
            return None
        return sum(record.longest for record in records if record is not None)

    def read(self, statements: Statements) -> list[bytes | None] | None:
        """What they give; None where a thread has to run them, for whatever reason."""
        if self._db is None or len(statements) > MOST:
            return None
        records = [self._records.get(sql) for sql, _ in statements]
        if not all(record is not None and record.is_quick for record in records):
            return None
        self._begun = time.perf_counter()
        try:
            answers = run(self._db, statements)
        except (
            sqlite3.Error,
            ValueError,
            MemoryError,
            LimitError,
        ):  # stopped, or wrong: the thread says which
            answers = None
        taken = (time.perf_counter() - self._begun) / len(statements)
        for record in records:
            if record is not None:
                record.note(taken)
        return answers

    def _note(self, sql: str, seconds: float) -> None:
        if len(sql) > LONGEST_TEXT or FULL_TEXT in sql:  # a search cannot be stopped soon enough
            return
        record = self._records.get(sql)
        if record is None:
            record = self._records[sql] = _Record()
        record.note(seconds)
        record.longest = max(seconds, record.longest * FADES)

    def _takes_long(self) -> bool:
        return time.perf_counter() - self._begun > LONGEST
