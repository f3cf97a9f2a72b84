"""Coalesce identical statements that were queued while one was running (single-flight).

After a content change the response caches are empty, and many clients request the same. If each request ran
its statements in turn, the last ones would time out. So a reader caches results while calls are waiting, and
only while the database is unchanged, which `PRAGMA data_version` shows within the read transaction.
"""

import sqlite3
import time
from collections.abc import Sequence
from sys import getsizeof

from gqlnews.cache import SizedLRUCache
from gqlnews.database.sqlite.reader_connection import (
    Statements,
    check_total_size,
    execute_in_transaction,
    reading,
)

MOST_BYTES = 8 << 20
MOST_BOUND = 4_096  # characters of text parameters; longer ones are rarely repeated
OVERHEAD = 500  # approximate bytes per entry, without its texts

_Key = tuple[str, str]
"""SQL and its parameters as text; hash collisions of text cannot be provoked."""


class ResultCoalescer:
    """Result cache of one connection, at most `most_bytes`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._version: object = None
        self._given: SizedLRUCache[_Key, tuple[bytes | None, float]] = SizedLRUCache(
            most_bytes
        )  # JSON, end of its run

    def __len__(self) -> int:
        return len(self._given)

    def run(
        self, db: sqlite3.Connection, statements: Statements, asked: float
    ) -> tuple[list[bytes | None], int]:
        """Run the statements in one read transaction; return the results, and how many were coalesced.

        `asked` is the arrival time, by time.monotonic(). Only results that completed after it are reused.
        """
        keys = [_key_of(sql, values) for sql, values in statements]
        with reading(db):
            self._forget_what_is_old(db)
            found = {
                key: given[0]
                for key in keys
                if key is not None and (given := self._given.get(key)) is not None and given[1] > asked
            }
            left = [statement for key, statement in zip(keys, statements, strict=True) if key not in found]
            ran = iter(execute_in_transaction(db, left))
        until = time.monotonic()
        answers = [found[key] if key in found else self._remember(key, next(ran), until) for key in keys]
        check_total_size(db, answers)
        return answers, len(statements) - len(left)

    def forget(self) -> None:
        """Clear the cache."""
        self._given = SizedLRUCache(self._given.max_bytes)

    def _forget_what_is_old(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA data_version").fetchone()  # changes with a commit of another connection
        if version != self._version:
            self._version = version
            self.forget()

    def _remember(self, key: _Key | None, json: bytes | None, until: float) -> bytes | None:
        if key is not None:
            size = OVERHEAD + len(key[0]) + getsizeof(key[1]) + len(json or b"")
            self._given.set(key, (json, until), size)
        return json


def _key_of(sql: str, values: Sequence[object]) -> _Key | None:
    if sum(len(value) for value in values if isinstance(value, str)) > MOST_BOUND:
        return None
    return sql, repr(values)
