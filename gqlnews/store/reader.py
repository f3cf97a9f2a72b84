"""One read-only connection and its thread. All use of what aiosqlite keeps to itself is here."""

import asyncio
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import aiosqlite

from gqlnews.store.connection import Statements, connect_to_read, run_within
from gqlnews.store.limited import (
    FULL_TEXT,
    STEPS_BETWEEN_LOOKS,
    STEPS_OF_A_SEARCH,
    limit_reached,
    out_of_time,
)
from gqlnews.store.recent import Recent


@dataclass(slots=True)
class Call:
    """What one request asks of the store, and where its answers go.

    It came at `asked` and is to be through at `until`, by time.monotonic(). `seconds` of a processor is what
    each statement took, on average; `spared` of them were not run. `rest` are calls that go on in the same
    read transaction: each is answered as soon as it is through.
    """

    statements: Statements
    answers: asyncio.Future[list[bytes | None]]
    asked: float
    until: float
    outcome: "list[bytes | None] | Exception | None" = None
    seconds: float = 0.0
    spared: int = 0
    abandoned: bool = False
    rest: "tuple[Call, ...]" = ()

    def deliver(self) -> None:
        """Hand the outcome to who waits, if anybody still does."""
        outcome, self.outcome = self.outcome, None  # or an error would keep itself, by its traceback
        if self.answers.done():
            return
        if isinstance(outcome, list):
            self.answers.set_result(outcome)
        else:
            assert outcome is not None, "it was run"
            self.answers.set_exception(outcome)


Told = Callable[[], None]
Run = Callable[[Call], list[bytes | None]]


class Reader(aiosqlite.Connection):
    """Runs the calls of a queue that it shares with other readers."""

    def __init__(self, path: Path, most_bytes: int = 0) -> None:
        super().__init__(lambda: connect_to_read(path, most_bytes=most_bytes), iter_chunk_size=64)
        self.current: Call | None = None
        self._recent = Recent()
        self._steps = 0  # between two looks at whether to stop

    async def start(self) -> None:
        try:
            await self
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

    def _look_every(self, steps: int) -> None:
        """On the thread. Each look waits for the interpreter's lock: so not more often than it has to."""
        if self._steps != steps:
            self._steps = steps
            self._conn.set_progress_handler(self._is_to_stop, steps)

    def _is_to_stop(self) -> bool:
        call = self.current
        return call is not None and (call.abandoned or time.monotonic() > call.until)

    def _work(self, waiting: deque[Call], done: deque[Call], tell: Told) -> None:
        while True:
            try:
                call = waiting.popleft()
            except IndexError:
                self._recent.forget()
                return
            self.current = call
            if done:
                tell()  # before what may take long
            if call.rest:
                self._read_all((call, *call.rest), done, tell)
                continue
            try:
                call.outcome = self._read(call, self._run)
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
                call.outcome = self._read(call, self._run_within)
            except Exception as error:
                call.outcome = failure = error
            done.append(call)
            tell()
        self.current = None
        if self._conn.in_transaction:
            self._conn.execute("ROLLBACK")  # nothing was written

    def _run(self, call: Call) -> list[bytes | None]:
        answers, call.spared = self._recent.run(self._conn, call.statements, call.asked)
        return answers

    def _run_within(self, call: Call) -> list[bytes | None]:
        return run_within(self._conn, call.statements)

    def _read(self, call: Call, run_all: Run) -> list[bytes | None]:
        if call.abandoned:
            raise sqlite3.OperationalError("nobody waits for the answer")
        if time.monotonic() > call.until:
            raise out_of_time()
        searches = any(FULL_TEXT in sql for sql, _ in call.statements)
        self._look_every(STEPS_OF_A_SEARCH if searches else STEPS_BETWEEN_LOOKS)
        start = time.thread_time()
        try:
            answers = run_all(call)
        except (sqlite3.Error, MemoryError) as error:
            reached = None if call.abandoned else limit_reached(error, self._conn)
            if reached is None:
                raise
            raise reached from error
        call.seconds = (time.thread_time() - start) / max(len(call.statements), 1)
        return answers
