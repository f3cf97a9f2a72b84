"""Read pool: read-only connections, each on a thread of its own.

A request submits all its statements as one call. They run in one thread dispatch and in one read transaction,
so they all see the same snapshot. Waking a thread costs more than a small statement, so a thread that is
awake continues with the calls queued meanwhile: they share its dispatch. Identical statements among them are
coalesced (coalescing.py). A call within a small budget needs no dispatch at all: it runs on the event loop
(inline_executor.py).

One reader is reserved for short calls, by the measured latency of their statements, or else by the estimate
of the request. All other calls go to the other readers. Waiting calls are served round-robin by client
address (job_queue.py).

A cancelled caller returns immediately, and its running statements are stopped. Statements that exceed the
timeout are stopped too. A call that waits as long without being started fails as overload: a smaller request
would not help.
"""

import asyncio
import math
import sqlite3
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import orjson

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.sqlite.connection import MARGIN, Statements
from gqlnews.database.sqlite.damage import to_database_error
from gqlnews.database.sqlite.inline_executor import InlineExecutor
from gqlnews.database.sqlite.job_queue import FULL, SHORT, JobQueue, ReadJob, caller
from gqlnews.database.sqlite.read_worker import ReadWorker
from gqlnews.errors import DatabaseError, OverloadedError

Trace = Callable[[str], None]

DELIVERED_BYTES = 256 << 10  # per iteration of the loop, in which each result is also copied and written

WAITED = "The server was too busy to start the request in time: try again later."


@dataclass(slots=True)
class PoolStats:
    """Pool statistics: statements not run, because a reader had just run the same for another call."""

    spared: int = 0


class ReadPool:
    """Pool of readers. `close` it after the last `read`: its threads would prevent Python from exiting."""

    def __init__(self, limits: Limits = UNLIMITED, tally: PoolStats | None = None) -> None:
        self.tally = tally or PoolStats()
        self._limits = limits
        self._seconds = limits.seconds * MARGIN or math.inf
        self._path = Path()
        self._all: list[ReadWorker] = []
        self._idle: list[ReadWorker] = []
        self._waiting = JobQueue()
        self._late: asyncio.TimerHandle | None = None  # fires when the oldest call has waited too long
        self._done: deque[ReadJob] = deque()
        self._inline = InlineExecutor()
        self._delivery_scheduled = False
        self._closed = True

    async def open(self, path: Path, count: int = 2) -> None:
        """Open `count` readers of the database at `path`; if several, one is reserved for short calls.

        Raises DatabaseError or a subclass.
        """
        self._path, self._closed = path, False
        self._loop = asyncio.get_running_loop()
        try:
            self._inline.open(path, self._limits.max_response_bytes)
            for number in range(count):
                most = self._limits.max_response_bytes
                reader = ReadWorker(path, most, self._seconds, reserved=number == 0 and count > 1)
                await reader.start()
                self._all.append(reader)
                self._idle.append(reader)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Fail waiting calls, stop running ones, and end every thread."""
        self._closed = True
        self._inline.close()
        if self._late is not None:
            self._late.cancel()
        for call in self._waiting.late(math.inf):
            call.outcome = self._closed_error()
            call.deliver()
        readers, self._all, self._idle = self._all, [], []
        for reader in readers:
            reader.cancel_current()
        for reader in readers:
            await reader.close()
        self._deliver()

    async def read(self, statements: Statements) -> list[bytes | None]:
        """Run the statements; return the bytes of each one's value in order, None for NULL or no row.

        Raises DatabaseError if the file fails, ResourceLimitError if the timeout or the size limit is
        exceeded, and OverloadedError if the call was not started. Invalid statements raise errors of sqlite3.
        """
        if self._closed:
            raise self._closed_error()
        results = self._inline.try_execute(statements)
        if results is not None:
            return results
        call = self._call(statements)
        self._enqueue(call)
        try:
            answers = await call.answers
            if not call.spared:
                self._inline.record(statements, call.seconds)
            return answers
        except asyncio.CancelledError:
            call.abandoned = True
            self._waiting.discard(call)
            raise
        except (sqlite3.Error, ValueError) as error:
            failure = self._failure(error)
            if failure is None:
                raise
            raise failure from error

    async def read_parts(self, parts: Sequence[Statements]) -> AsyncGenerator[list[bytes | None], None]:
        """Run the statements of all parts in one read transaction; yield each part's results in turn."""
        if self._closed:
            raise self._closed_error()
        calls = [self._call(statements) for statements in parts]
        calls[0].rest = tuple(calls[1:])
        self._enqueue(calls[0])
        try:
            for call in calls:
                yield await call.answers
        except (sqlite3.Error, ValueError) as error:
            failure = self._failure(error)
            if failure is None:
                raise
            raise failure from error
        finally:
            self._waiting.discard(calls[0])
            for call in calls:
                call.abandoned = True
                if not call.answers.cancel() and not call.answers.cancelled():
                    call.answers.exception()  # mark as retrieved; the caller has the first failure

    async def trace(self, hook: Trace | None) -> None:
        """Call `hook` with the text of every statement, on the thread that runs it; None disables tracing."""
        self._inline.trace(hook)
        for reader in self._all:
            await reader.set_trace_callback(
                cast("Trace", hook)
            )  # sqlite3 takes None, the annotation does not

    def _failure(self, error: Exception) -> DatabaseError | None:
        if self._closed:
            return self._closed_error()
        return to_database_error(error, self._path) if isinstance(error, sqlite3.Error) else None

    def _closed_error(self) -> DatabaseError:
        return DatabaseError(f"database {self._path} is closed")

    def _call(self, statements: Statements) -> ReadJob:
        """Create a call; a measured latency takes precedence over the estimate."""
        client, estimate = caller()
        measured = self._inline.latency(statements)
        expected = measured if measured is not None else estimate
        answers: asyncio.Future[list[bytes | None]] = self._loop.create_future()
        return ReadJob(
            statements, answers, time.monotonic(), client, math.inf if expected is None else expected
        )

    def _enqueue(self, call: ReadJob) -> None:
        displaced = self._waiting.put(call)
        if displaced is not None:
            displaced.outcome = OverloadedError(FULL)
            displaced.deliver()
        if self._late is None and self._seconds < math.inf:
            self._late = self._loop.call_at(call.asked + self._seconds, self._refuse_late)
        self._wake()

    def _refuse_late(self) -> None:
        """Fail the calls that have waited as long as statements may run."""
        for call in self._waiting.late(self._loop.time() - self._seconds):
            call.outcome = OverloadedError(WAITED)
            call.deliver()
        oldest = self._waiting.oldest()
        again = None if oldest is None else oldest + self._seconds
        self._late = None if again is None else self._loop.call_at(again, self._refuse_late)

    def _wake(self) -> None:
        """Dispatch waiting calls to an idle reader, the reserved one first, so that the others stay free."""
        for reader in sorted(self._idle, key=lambda one: not one.reserved):
            if self._waiting.has(short=reader.reserved):
                self._idle.remove(reader)
                work = reader.work(self._waiting, self._done, self._schedule_delivery)
                work.add_done_callback(partial(self._rest, reader))
                return

    def _rest(self, reader: ReadWorker, work: "asyncio.Future[None]") -> None:
        """Return a reader to the idle list when it finds no more calls that it may run."""
        self._deliver()
        if not self._closed:
            self._idle.append(reader)
            if len(self._waiting):  # enqueued after the reader's last check
                self._wake()

    def _schedule_delivery(self) -> None:
        """Schedule delivery; called on a reader's thread."""
        if not self._delivery_scheduled:
            self._delivery_scheduled = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._delivery_scheduled = (
            False  # reset before reading `_done`, so that later completions schedule again
        )
        size = 0
        while self._done:
            if size > DELIVERED_BYTES and not self._closed:
                self._delivery_scheduled = True
                self._loop.call_soon(self._deliver)
                return
            call = self._done.popleft()
            size += call.size
            if call.preempted and not self._closed:
                self._run_again(call)
                continue
            self.tally.spared += call.spared
            call.deliver()

    def _run_again(self, call: ReadJob) -> None:
        """Queue a preempted call again, as one that is not short."""
        call.preempted, call.outcome, call.expected = False, None, 2 * SHORT
        if not call.abandoned:
            self._waiting.put_back(call)
            self._wake()


# Table sizes as clients see them, used to estimate the scan work of a request.
#
# The keys are table names (`""` for articles) with their number of rows, and `table.column` with the number
# of rows of the largest group of that column. The pool reads the sizes after a content change, at most twice
# a second, and never for a request.


Sizes = Mapping[str, int]

_SIZES = """
SELECT json_object(
    '', article_count,
    'provider', provider_count,
    'topic', topic_count,
    'story', (SELECT count(*) FROM story WHERE scope = ?1),
    'article_topic', (SELECT CAST(total(articles) AS INTEGER) FROM topic_use WHERE published >= 1 - ?1),
    'article.provider_domain', (SELECT ifnull(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM provider_use WHERE own = 1 AND published >= 1 - ?1
        GROUP BY domain)),
    'article_topic.topic', (SELECT ifnull(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM topic_use WHERE published >= 1 - ?1 GROUP BY topic)),
    'story_article.story', (SELECT ifnull(max(size), 0) FROM story WHERE scope = ?1))
FROM site WHERE audience = ?1
"""

SIZES: Statements = ((_SIZES, (0,)), (_SIZES, (1,)))
"""For the public, and for all articles."""


def sizes_of(answer: bytes | None) -> Sizes:
    """Parse the result of one of the statements; empty without a result."""
    sizes: Sizes = orjson.loads(answer or b"{}")
    return sizes


# Article and problem counts for the operator.


_COUNTS = """
SELECT json_object(
    'public', (SELECT article_count FROM site WHERE audience = 0),
    'all', (SELECT article_count FROM site WHERE audience = 2),
    'error', (SELECT count(*) FROM problem WHERE severity = 'ERROR'),
    'warning', (SELECT count(*) FROM problem WHERE severity = 'WARNING'))
"""

COUNTS: Statements = ((_COUNTS, ()),)


def counts_of(answer: bytes | None) -> Mapping[str, int]:
    """Parse the result: articles that the `public` sees, and `all`; problems of kind `error`, `warning`."""
    counts: Mapping[str, int] = orjson.loads(answer or b"{}")
    return counts
