"""The limits that a request comes to while its statements run: their time, and the size of what they give."""

import sqlite3

from gqlnews.errors import Code, LimitError

MARGIN = 0.75  # of the seconds of an operation: the rest is for what is done before and after its statements

FULL_TEXT = " MATCH "  # in SQL; a search does much in one step of SQLite's machine
STEPS_PER_SECOND = 66_000_000  # instructions of SQLite's virtual machine, about
STEPS_OF_A_SEARCH = 20_000  # some 3 ms, and some tenths of a second where a short prefix is looked for
LEAST_STEPS = 1_000
CHECK_SECONDS = 0.03  # between two checks whether to stop, each of which waits for the interpreter's lock
MIN_CHECKS = 20  # while a statement runs as long as it may

HEAP_BYTES = 256 << 20  # for SQLite's caches, of all connections of a process
HEAP_ANSWERS = 4  # of the largest size at once: one that grows is twice in memory

TIMED_OUT = "The request took longer than it may, and was stopped: ask for less, or in several requests."


def steps_per_check(seconds: float, *, is_search: bool) -> int:
    """Instructions between two checks of a statement that may run so many seconds."""
    if is_search:
        return STEPS_OF_A_SEARCH
    return max(LEAST_STEPS, int(STEPS_PER_SECOND * min(CHECK_SECONDS, seconds / MIN_CHECKS)))


def bound_sizes(db: sqlite3.Connection, most_bytes: int) -> None:
    """No text that the connection makes is longer. While an array grows only the memory ends it, which is
    bound for all connections of the process together, and can only be lowered.
    """
    db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, most_bytes)
    db.execute(f"PRAGMA hard_heap_limit = {HEAP_BYTES + HEAP_ANSWERS * most_bytes}").fetchall()


def limit_reached(error: Exception, db: sqlite3.Connection) -> LimitError | None:
    """The limit that SQLite stopped at; None where it failed for another reason."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return out_of_time()
    is_too_large = code == sqlite3.SQLITE_TOOBIG or isinstance(error, MemoryError)
    return too_large(db) if is_too_large else None


def out_of_time() -> LimitError:
    return LimitError(Code.TIMED_OUT, TIMED_OUT)


def too_large(db: sqlite3.Connection) -> LimitError:
    return larger_than(db.getlimit(sqlite3.SQLITE_LIMIT_LENGTH))


def larger_than(most: int) -> LimitError:
    text = f"The answer is larger than {most:,} bytes: ask for fewer articles, or without their texts."
    return LimitError(Code.ANSWER_TOO_LARGE, text)
