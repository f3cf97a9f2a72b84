"""One read-only connection and its thread. All use of what aiosqlite keeps to itself is here."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote

import aiosqlite

from gqlnews.store.database import WAIT_SECONDS, check_ours
from gqlnews.store.failures import explaining
from gqlnews.store.migrations import migrations

MMAP_BYTES = 1 << 30
CACHED_STATEMENTS = 1024
STEPS_BETWEEN_LOOKS = 200_000  # of SQLite's virtual machine, some 3 ms: how soon an abandoned statement ends

Statements = Sequence[tuple[str, Sequence[object]]]
"""(SQL text, what it binds): each gives one row of one column, JSON text."""


@dataclass(slots=True)
class Call:
    """What one request asks of the store, and where its answers go."""

    statements: Statements
    answers: asyncio.Future[list[bytes | None]]
    outcome: "list[bytes | None] | Exception | None" = None
    abandoned: bool = False

    def deliver(self) -> None:
        """Hand the outcome to who waits, if anybody still does."""
        if self.answers.done():
            return
        if isinstance(self.outcome, list):
            self.answers.set_result(self.outcome)
        else:
            assert self.outcome is not None, "it was run"
            self.answers.set_exception(self.outcome)


Told = Callable[[], None]


class Reader(aiosqlite.Connection):
    """Runs the calls of a queue that it shares with other readers."""

    def __init__(self, path: Path) -> None:
        super().__init__(lambda: connect_to_read(path), iter_chunk_size=64)
        self.current: Call | None = None

    async def start(self) -> None:
        try:
            await self
            await self.set_progress_handler(self._is_abandoned, STEPS_BETWEEN_LOOKS)
        except BaseException:
            self.stop()
            self._thread.join()
            raise

    def work(self, waiting: deque[Call], done: deque[Call], tell: Told) -> "asyncio.Future[None]":
        """Run on the thread what waits, until nothing does; the future ends then.

        What is through goes to `done`. `tell`, called on the thread, says so where more is to be run.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, lambda: self._work(waiting, done, tell)))
        return future

    def abandon(self) -> None:
        """Nobody waits for what runs: stop it. (`interrupt()` does nothing to what is about to begin.)"""
        if (call := self.current) is not None:
            call.abandoned = True

    async def close(self) -> None:
        await super().close()
        self._thread.join()  # it is past its last call

    def _is_abandoned(self) -> bool:
        return self.current is not None and self.current.abandoned

    def _work(self, waiting: deque[Call], done: deque[Call], tell: Told) -> None:
        while True:
            try:
                call = waiting.popleft()
            except IndexError:
                return
            self.current = call
            if done:
                tell()  # before what may take long
            try:
                call.outcome = self._read(call)
            except Exception as error:
                call.outcome = error
            self.current = None
            done.append(call)

    def _read(self, call: Call) -> list[bytes | None]:
        db = self._conn
        if len(call.statements) == 1:  # a statement alone is its own transaction
            return [_answer(db, call, *call.statements[0])]
        db.execute("BEGIN")
        try:
            return [_answer(db, call, sql, values) for sql, values in call.statements]
        finally:
            if db.in_transaction:  # not so where the file failed
                db.execute("ROLLBACK")  # nothing was written


def _answer(db: sqlite3.Connection, call: Call, sql: str, values: Sequence[object]) -> bytes | None:
    if call.abandoned:
        raise sqlite3.OperationalError("nobody waits for the answer")
    row = db.execute(sql, cast("Sequence[str]", values)).fetchone()
    return None if row is None else cast("bytes | None", row[0])


def connect_to_read(path: Path, wait: float = WAIT_SECONDS) -> sqlite3.Connection:
    """A connection that gives text as bytes; `wait` is how many seconds it waits for another's lock."""
    with explaining(path):
        try:
            return _connect(path, wait)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
            _undo(path, wait)
            return _connect(path, wait)


def _undo(path: Path, wait: float) -> None:
    """A first ingest was killed: whoever may write and looks at the database undoes what it did."""
    with closing(sqlite3.connect(path, timeout=wait)) as db:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()


def _connect(path: Path, wait: float) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=ro",
        uri=True,
        timeout=wait,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
    )
    try:
        check_ours(db, path, newest=max(version for version, _ in migrations()))
        db.execute("PRAGMA query_only = ON")
        db.execute(f"PRAGMA mmap_size = {MMAP_BYTES}").fetchall()
        db.text_factory = bytes
    except BaseException:
        db.close()
        raise
    return db
