"""Connections of the event loop: run short statements within a budget, and read the version.

Dispatching statements to a thread costs more than running small ones. So the statements of a request, its
batch, are first tried on the loop. A batch that exceeds the budget is interrupted and runs in the read pool.
Before it is tried again, a number of requests with this batch go directly to the pool: the number doubles
with each interruption (exponential backoff) and halves with each run within the budget. So the decision
adapts when the cost of a batch changes.

The budget counts instructions of SQLite's virtual machine: unlike time, they are not inflated by other
threads or processes. Some instructions take long, such as a sort; so CPU time is limited too. Even CPU time
is inflated by work on the same physical core, so the limit applies to the shortest time per instruction that
the batch has reached, and a longer one to the time itself.

Before that, the loop reads the version of the content for each request. `PRAGMA data_version` shows whether
another connection has committed. It reads only SQLite's shared memory, in about 4 µs: less than waking a
thread takes. The versions are queried only after a commit.

Health checks read the file itself, on a second connection: dropping the cache and the memory map of the first
one would slow down the statements of requests.
"""

import sqlite3
import time
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import cast

from gqlnews.database.protocol import Statements
from gqlnews.database.sqlite.connection import FULL_TEXT, connect_to_read, execute_all, has_content
from gqlnews.errors import ResourceLimitError

BUDGET_STEPS = 16_000  # instructions for all statements of a request: 0.3 ms of scanning, 1 ms of JSON
BUDGET_SECONDS = 0.000_7  # CPU time, from the first check on, without other work on the core
MAX_SECONDS = 0.002  # CPU time, from the first check on
STEPS_PER_CHECK = 2_000  # instructions between two checks
MAX_STATEMENTS = 4  # per request
FIRST_BACKOFF, MAX_BACKOFF = 4, 256  # requests
MIN_SAMPLES = 3  # runs on a thread before the CPU time counts as known
CPU_SECONDS_DECAY = 0.9  # per run
STEP_SECONDS_GROWTH = 1.000_01  # per check
MAX_TRACKED = 4096  # batches
MAX_SQL_LENGTH = 20_000  # characters per batch

_DATA_VERSION = "PRAGMA data_version"
_VERSIONS = "SELECT version FROM site ORDER BY audience"


@dataclass(slots=True)
class BatchStats:
    """Statistics of a batch.

    The next `skips` requests do not try it on the loop; after the next interruption, `backoff` requests do
    not. `step_seconds` is the growing minimum of the CPU time per instruction on the loop. It ran on a thread
    `samples` times; `cpu_seconds` is the decaying maximum of the CPU time of these runs.
    """

    skips: int = 0
    backoff: int = FIRST_BACKOFF
    step_seconds: float = inf
    samples: int = 0
    cpu_seconds: float = 0.0

    def interrupted(self) -> None:
        self.skips = self.backoff
        self.backoff = min(2 * self.backoff, MAX_BACKOFF)

    def completed(self) -> None:
        self.backoff = max(self.backoff // 2, FIRST_BACKOFF)


class InlineExecutor:
    """Connections of the event loop. Call all methods on the loop's thread."""

    def __init__(self) -> None:
        self._db: sqlite3.Connection | None = None
        self._uncached_db: sqlite3.Connection | None = None  # of health checks
        self._stats: dict[int, BatchStats] = {}  # by the hash of a batch, oldest first
        self._own_stats = BatchStats()  # of statements that belong to no request
        self._current = self._own_stats  # of the batch that runs
        self._checks = 0
        self._first_check = 0.0  # CPU time
        self._data_version: int | None = None
        self._versions: tuple[bytes, ...] = ()
        self.custom_fields = b"[]"  # the declarations at the last call of `version`, as JSON

    def open(self, path: Path, max_bytes: int = 0) -> None:
        """Open the connections. Raises DatabaseError or a subclass."""
        self._db = connect_to_read(path, 0.0, max_bytes)
        self._db.set_progress_handler(self._is_over_budget, STEPS_PER_CHECK)
        self._uncached_db = connect_to_read(path, 0.0)
        self._uncached_db.execute("PRAGMA mmap_size = 0").fetchall()  # an error instead of SIGBUS

    def close(self) -> None:
        for db in filter(None, (self._db, self._uncached_db)):
            db.close()
        self._db = self._uncached_db = None

    def trace(self, hook: object) -> None:
        if self._db is not None:
            self._db.set_trace_callback(cast("None", hook))

    def try_execute(self, statements: Statements) -> list[bytes | None] | None:
        """Return the result of each statement; None if the read pool has to run them."""
        if self._db is None or len(statements) > MAX_STATEMENTS:
            return None
        stats = self._get_stats(statements)
        if stats is None:
            return None
        if stats.skips:
            stats.skips -= 1
            return None
        try:
            results = execute_all(self._begin_budget(self._db, stats), statements)
        except (sqlite3.Error, ValueError, MemoryError, ResourceLimitError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                stats.interrupted()
            return None  # the pool runs them again and reports the error
        stats.completed()
        return results

    def record(self, statements: Statements, seconds: float) -> None:
        """Record the CPU seconds that the statements together took on a thread."""
        if (stats := self._get_stats(statements)) is not None:
            stats.samples += 1
            stats.cpu_seconds = max(seconds, stats.cpu_seconds * CPU_SECONDS_DECAY)

    def cpu_seconds(self, statements: Statements) -> float | None:
        """Return the CPU seconds that the statements together take on a thread; None if unknown."""
        stats = self._stats.get(_batch_key(statements))
        return None if stats is None or stats.samples < MIN_SAMPLES else stats.cpu_seconds

    def _get_stats(self, statements: Statements) -> BatchStats | None:
        """Return the statistics of a batch; None if it is never tried on the loop."""
        key = _batch_key(statements)
        stats = self._stats.get(key)
        if stats is None:
            if sum(len(sql) for sql, _ in statements) > MAX_SQL_LENGTH:
                return None
            if any(FULL_TEXT in sql for sql, _ in statements):
                return None  # a full-text search cannot be interrupted soon enough
            if len(self._stats) >= MAX_TRACKED:
                del self._stats[next(iter(self._stats))]
            stats = self._stats[key] = BatchStats()
        return stats

    def _begin_budget(self, db: sqlite3.Connection, stats: BatchStats) -> sqlite3.Connection:
        """Return the connection with a new budget.

        SQLite counts the instructions of all statements together, so even a short one may be due for a check.
        """
        self._current = stats
        self._checks = 0
        return db

    def _is_over_budget(self) -> bool:
        self._checks += 1
        if self._checks == 1:  # most runs end before, and reading the clock costs time
            self._first_check = time.thread_time()
            return False
        seconds = time.thread_time() - self._first_check
        steps = (self._checks - 1) * STEPS_PER_CHECK
        stats = self._current
        stats.step_seconds = min(seconds / steps, stats.step_seconds * STEP_SECONDS_GROWTH)
        return (
            steps + STEPS_PER_CHECK > BUDGET_STEPS
            or steps * stats.step_seconds > BUDGET_SECONDS
            or seconds > MAX_SECONDS
        )

    def has_content(self) -> bool:
        """Return whether a folder was ingested, even an empty one."""
        return self._db is not None and has_content(self._begin_budget(self._db, self._own_stats))

    def read_file(self) -> None:
        """Read from the file, not from a cache, and do not wait for locks. Raises sqlite3.Error."""
        if self._uncached_db is None:
            raise sqlite3.OperationalError("the database is closed")
        self._uncached_db.execute("PRAGMA shrink_memory")  # drops the pages that SQLite has cached
        self._uncached_db.execute(_VERSIONS).fetchall()

    def version(self, audience: int) -> bytes | None:
        """Return the `site.version` of this audience; None if the database cannot be read now.

        Reads that start afterwards see this version or a later one.
        """
        if self._db is None:
            return None
        db = self._begin_budget(self._db, self._own_stats)
        try:
            (data_version,) = db.execute(_DATA_VERSION).fetchone()
            if data_version != self._data_version:
                self._versions = tuple(version for (version,) in db.execute(_VERSIONS))
                (self.custom_fields,) = db.execute("SELECT custom_fields FROM store").fetchone()
                self._data_version = data_version
        except sqlite3.Error:  # locked briefly, or damaged: the read pool reports that
            return None
        return self._versions[audience]


def _batch_key(statements: Statements) -> int:
    """Return the hash of the batch's SQL. The texts themselves belong to the prepared operations."""
    return hash(tuple([sql for sql, _ in statements]))
