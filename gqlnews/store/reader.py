"""One read-only connection and its thread. All use of what aiosqlite keeps to itself is here."""

import asyncio
import math
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import aiosqlite

from gqlnews.errors import Code, LimitError
from gqlnews.store.call import SHORT, Call
from gqlnews.store.connection import connect_to_read, run_within
from gqlnews.store.limited import (
    FULL_TEXT,
    limit_reached,
    steps_per_check,
)
from gqlnews.store.queue import CallQueue
from gqlnews.store.recent import Recent

LONGEST = 3 * SHORT  # seconds by the clock, after which a call that was expected to be short is stopped


Told = Callable[[], None]
Run = Callable[[Call], list[bytes | None]]


class Reader(aiosqlite.Connection):
    """Runs the calls of a queue that it shares with other readers, each for `seconds` at most.

    `reserved`: only those that are known to be short. One that takes longer nevertheless is stopped, and
    handed back as preempted.
    """

    def __init__(
        self, path: Path, most_bytes: int = 0, seconds: float = math.inf, *, reserved: bool = False
    ) -> None:
        super().__init__(lambda: connect_to_read(path, most_bytes=most_bytes), iter_chunk_size=64)
        self.reserved = reserved
        self._seconds = min(seconds, LONGEST) if reserved else seconds
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

    def work(self, waiting: CallQueue, done: deque[Call], tell: Told) -> "asyncio.Future[None]":
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

    def _work(self, waiting: CallQueue, done: deque[Call], tell: Told) -> None:
        while True:
            call = waiting.take(short=self.reserved)
            if call is None:
                self._recent.forget()
                return
            call.until = time.monotonic() + self._seconds
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
                call.preempted = self.reserved and _is_out_of_time(error)
            self.current = None
            done.append(call)

    def _read_all(self, calls: tuple[Call, ...], done: deque[Call], tell: Told) -> None:
        """Several, one after the other, that see the same content."""
        failure: Exception | None = None
        for call in calls:
            call.until = calls[0].until
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
        searches = any(FULL_TEXT in sql for sql, _ in call.statements)
        self._look_every(steps_per_check(self._seconds, is_search=searches))
        start = time.thread_time()
        try:
            answers = run_all(call)
        except (sqlite3.Error, MemoryError) as error:
            reached = None if call.abandoned else limit_reached(error, self._conn)
            if reached is None:
                raise
            raise reached from error
        call.seconds = time.thread_time() - start
        return answers


def _is_out_of_time(error: Exception) -> bool:
    return isinstance(error, LimitError) and error.code is Code.TIMED_OUT
