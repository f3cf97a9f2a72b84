"""One read-only connection and its thread. All use of what aiosqlite keeps to itself is here."""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiosqlite

from gqlnews.store.connection import Statements, connect_to_read, run, run_within

STEPS_BETWEEN_LOOKS = 200_000  # of SQLite's virtual machine, some 3 ms: how soon an abandoned statement ends


@dataclass(slots=True)
class Call:
    """What one request asks of the store, and where its answers go.

    `seconds` of a processor is what each statement took, on average. `rest` are calls that go on in the same
    read transaction: each is answered as soon as it is through.
    """

    statements: Statements
    answers: asyncio.Future[list[bytes | None]]
    outcome: "list[bytes | None] | Exception | None" = None
    seconds: float = 0.0
    abandoned: bool = False
    rest: "tuple[Call, ...]" = ()

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
            if call.rest:
                self._read_all((call, *call.rest), done, tell)
                continue
            try:
                call.outcome = self._read(call)
            except Exception as error:
                call.outcome = error
            self.current = None
            done.append(call)

    def _read_all(self, calls: tuple[Call, ...], done: deque[Call], tell: Told) -> None:
        """Several, one after the other, that see the same content."""
        failure: Exception | None = None
        for call in calls:
            self.current = call
            try:
                if failure is not None:
                    raise failure
                if not self._conn.in_transaction:
                    self._conn.execute("BEGIN")
                call.outcome = self._read(call, alone=False)
            except Exception as error:
                call.outcome = failure = error
            done.append(call)
            tell()
        self.current = None
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")  # nothing was written

    def _read(self, call: Call, *, alone: bool = True) -> list[bytes | None]:
        if call.abandoned:
            raise sqlite3.OperationalError("nobody waits for the answer")
        start = time.thread_time()
        answers = (run if alone else run_within)(self._conn, call.statements)
        call.seconds = (time.thread_time() - start) / max(len(call.statements), 1)
        return answers
