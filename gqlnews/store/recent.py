"""What a reader has just run, for those who waited meanwhile and ask for the same.

After a change nothing that was kept holds, and many ask for the same at once. One after the other, each would
run it, and the last would wait longer than it may. So a reader remembers what statements gave while others
wait for it. It holds as long as the content does: SQLite tells, within the read transaction.
"""

import sqlite3
import time
from sys import getsizeof
from typing import NamedTuple

from gqlnews.kept import Kept
from gqlnews.store.connection import Statements, require_room, run_within

MOST_BYTES = 8 << 20
OVERHEAD = 500  # bytes of an entry beside its texts, about


class _Key(NamedTuple):
    """What is bound as text, whose hash nobody can make collide."""

    sql: str
    bound: str


class _Given(NamedTuple):
    """`until`: when its run ended, by time.monotonic()."""

    json: bytes | None
    until: float


class Recent:
    """Of one connection."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._version: object = None
        self._given: Kept[_Key, _Given] = Kept(most_bytes)

    def __len__(self) -> int:
        return len(self._given)

    def run(
        self, db: sqlite3.Connection, statements: Statements, asked: float
    ) -> tuple[list[bytes | None], int]:
        """What each gives, in one read transaction, and how many were not run. It waits since `asked`."""
        keys = [_Key(sql, repr(values)) for sql, values in statements]
        db.execute("BEGIN")
        try:
            self._forget_what_is_old(db)
            found = {
                key: given.json
                for key in keys
                if (given := self._given.get(key)) is not None and given.until > asked
            }
            left = [statement for key, statement in zip(keys, statements, strict=True) if key not in found]
            ran = iter(run_within(db, left))
        finally:
            if db.in_transaction:  # not so where the file failed
                db.execute("ROLLBACK")  # nothing was written
        until = time.monotonic()
        answers = [found[key] if key in found else self._remember(key, next(ran), until) for key in keys]
        require_room(db, answers)
        return answers, len(found)

    def forget(self) -> None:
        """Give the memory back."""
        self._given = Kept(self._given.limit)

    def _forget_what_is_old(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA data_version").fetchone()  # another one after a commit of anybody else
        if version != self._version:
            self._version = version
            self.forget()

    def _remember(self, key: _Key, json: bytes | None, until: float) -> bytes | None:
        size = OVERHEAD + len(key.sql) + getsizeof(key.bound) + len(json or b"")
        self._given.keep(key, _Given(json, until), size)
        return json
