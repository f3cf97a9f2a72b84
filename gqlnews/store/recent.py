"""What a reader has just run, for those who waited meanwhile and ask for the same.

After a change nothing that was kept holds, and many ask for the same at once. One after the other, each would
run it, and the last would wait longer than it may. So a reader remembers what statements gave as long as
anybody waits for it, and the content is the same: SQLite tells that, within the read transaction.
"""

import sqlite3
import time
from collections.abc import Sequence
from sys import getsizeof

from gqlnews.kept import Kept
from gqlnews.store.connection import Statements, reading, require_room, run_within

MOST_BYTES = 8 << 20
MOST_BOUND = 4_096  # characters of what is bound: what is longer is hardly asked twice
OVERHEAD = 500  # bytes of an entry beside its texts, about

_Key = tuple[str, str]
"""SQL, and what it binds as text, whose hash nobody can make collide."""


class Recent:
    """Of one connection, at most `most_bytes`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._version: object = None
        self._given: Kept[_Key, tuple[bytes | None, float]] = Kept(most_bytes)  # JSON, when its run ended

    def __len__(self) -> int:
        return len(self._given)

    def run(
        self, db: sqlite3.Connection, statements: Statements, asked: float
    ) -> tuple[list[bytes | None], int]:
        """What each gives, in one read transaction, and how many were not run.

        `asked`, by time.monotonic(): since when they have waited. What was run before is run again.
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
            ran = iter(run_within(db, left))
        until = time.monotonic()
        answers = [found[key] if key in found else self._remember(key, next(ran), until) for key in keys]
        require_room(db, answers)
        return answers, len(statements) - len(left)

    def forget(self) -> None:
        """Give the memory back."""
        self._given = Kept(self._given.limit)

    def _forget_what_is_old(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA data_version").fetchone()  # another one after a commit of anybody else
        if version != self._version:
            self._version = version
            self.forget()

    def _remember(self, key: _Key | None, json: bytes | None, until: float) -> bytes | None:
        if key is not None:
            size = OVERHEAD + len(key[0]) + getsizeof(key[1]) + len(json or b"")
            self._given.keep(key, (json, until), size)
        return json


def _key_of(sql: str, values: Sequence[object]) -> _Key | None:
    if sum(len(value) for value in values if isinstance(value, str)) > MOST_BOUND:
        return None
    return sql, repr(values)
