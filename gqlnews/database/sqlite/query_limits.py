"""Limits on running statements: time, and size of the result."""

import sqlite3

from gqlnews.errors import Code, ResourceLimitError

MARGIN = 0.75  # share of an operation's timeout for its statements; the rest is for work before and after

FULL_TEXT = " MATCH "  # in SQL; a search does much work per virtual machine instruction
STEPS_PER_SECOND = 66_000_000  # approximate instructions of SQLite's virtual machine
STEPS_OF_A_SEARCH = 20_000  # about 3 ms; some tenths of a second for a search by a short prefix
MIN_STEPS = 1_000
CHECK_SECONDS = 0.03  # between two checks whether to stop; each check acquires the GIL
MIN_CHECKS = 20  # per timeout

HEAP_BYTES = 256 << 20  # for SQLite's caches, over all connections of a process
HEAP_ANSWERS = 4  # results of the maximum size at once; a growing result is in memory twice

TIMED_OUT = "The request took longer than it may, and was stopped: ask for less, or in several requests."


def steps_per_check(seconds: float, *, is_search: bool) -> int:
    """Return the number of instructions between two checks of a statement with this timeout."""
    if is_search:
        return STEPS_OF_A_SEARCH
    return max(MIN_STEPS, int(STEPS_PER_SECOND * min(CHECK_SECONDS, seconds / MIN_CHECKS)))


def set_size_limits(db: sqlite3.Connection, most_bytes: int) -> None:
    """Limit the length of texts on this connection, and SQLite's heap.

    While an array grows, only the heap limit stops it. That limit applies to all connections of the process
    together, and can only be lowered.
    """
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, most_bytes)
    db.execute(f"PRAGMA hard_heap_limit = {HEAP_BYTES + HEAP_ANSWERS * most_bytes}").fetchall()


def to_limit_error(error: Exception, db: sqlite3.Connection) -> ResourceLimitError | None:
    """Return the limit at which SQLite stopped; None if it failed for another reason."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return timeout_error()
    is_too_large = code == sqlite3.SQLITE_TOOBIG or isinstance(error, MemoryError)
    return too_large(db) if is_too_large else None


def timeout_error() -> ResourceLimitError:
    return ResourceLimitError(Code.TIMED_OUT, TIMED_OUT)


def too_large(db: sqlite3.Connection) -> ResourceLimitError:
    return larger_than(db.getlimit(sqlite3.SQLITE_LIMIT_LENGTH))


def larger_than(most: int) -> ResourceLimitError:
    text = f"The answer is larger than {most:,} bytes: ask for fewer articles, or without their texts."
    return ResourceLimitError(Code.ANSWER_TOO_LARGE, text)
