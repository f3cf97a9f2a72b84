"""Connections that read for requests, in fair order, and their replacement when they are lost.

A request waits in the queue until a connection is free: clients take turns, and one connection is reserved
for short requests. It runs one SELECT, in its own task: if the client leaves, the task is cancelled, and the
driver cancels the statement in the database.

A connection that is lost is replaced at once, by one to another host if need be, and the SELECT runs again.
So no read fails while one host answers.
"""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.database.job_queue import (
    QUEUE_FULL_MESSAGE,
    QUEUE_TIMEOUT_MESSAGE,
    SHORT_SECONDS,
    JobQueue,
    QueuedJob,
    client_var,
    expected_seconds_var,
)
from gqlnews.database.postgresql.errors import TRANSIENT_DATABASE_ERRORS, to_postgresql_error
from gqlnews.database.postgresql.hosts import STANDBY_RETRY_SECONDS, HostConnection, Hosts, is_lost
from gqlnews.database.protocol import STATEMENT_TIME_SHARE, response_too_large, timeout_error
from gqlnews.errors import DatabaseError, OverloadedError, UnavailableError

log = logging.getLogger("gqlnews")

CONNECTIONS = 3
"""Connections for requests of a process; a further one polls the version."""

GRACE_SECONDS = 1.0
"""Time beyond the timeout of a statement after which a host counts as lost that has not ended it."""

CONNECT_SECONDS = 1.5
"""Time for which a read tries to get a connection before it fails."""

TEXT_TOO_LARGE = "54000"
"""SQLSTATE of a text over 1 GB; the further ones of the class are about the statement."""

RETRY_SECONDS = 0.05
MAX_LOSSES = 3  # connections that a read may lose
EARLY = 0.9  # of the timeout: a statement that is cancelled before was cancelled by mistake


def read_failure(error: Exception, url: PostgresUrl) -> Exception | None:
    """Return the error to raise for one of the driver; None for others.

    A transient one, such as that of a full disk, is logged: clients only get to know that it may pass.
    """
    failure = to_postgresql_error(error, url)
    if isinstance(failure, TRANSIENT_DATABASE_ERRORS):
        log.error("%s", failure)
        return UnavailableError()
    return failure


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Cancel the block after some time. Raises ResourceLimitError."""
    try:
        async with asyncio.timeout(seconds if math.isfinite(seconds) else None) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise timeout_error() from None


@dataclass(slots=True, eq=False)
class ReadSlot:
    """Place for a connection. A `reserved` one runs only short requests.

    With `leaves_host`, the connection is to be replaced when it is idle.
    """

    reserved: bool = False
    connection: HostConnection | None = None
    leaves_host: bool = False

    def discard(self) -> None:
        """Close the connection; the next read opens another one."""
        self.leaves_host = False
        if self.connection is not None:
            self.connection.terminate()
            self.connection = None


@dataclass(slots=True)
class Reader:
    """A connection in the hands of one request. `timeout` is that of each statement, in seconds."""

    host: HostConnection
    timeout: float
    max_bytes: int

    async def fetch(self, sql: str, parameters: Sequence[object]) -> asyncpg.Record:
        """Return the only row. Raises ResourceLimitError, and errors of the driver."""
        started = time.monotonic()
        wait = self.timeout + GRACE_SECONDS if math.isfinite(self.timeout) else None
        try:
            row = await self.host.connection.fetchrow(sql, *parameters, timeout=wait)
        except asyncpg.QueryCanceledError as error:
            if time.monotonic() - started < EARLY * self.timeout:
                raise asyncpg.ConnectionFailureError("the statement was cancelled") from error
            raise timeout_error() from error
        except asyncpg.ProgramLimitExceededError as error:
            if error.sqlstate != TEXT_TOO_LARGE:
                raise
            raise response_too_large(self.max_bytes) from error
        assert row is not None, "the statement selects values"
        return row


class PostgresPool:
    """Connections for requests. `close` it at the end."""

    def __init__(self, hosts: Hosts, limits: Limits = UNLIMITED, size: int = CONNECTIONS) -> None:
        self._hosts, self._max_bytes = hosts, limits.max_response_bytes
        self.timeout = limits.timeout_seconds * STATEMENT_TIME_SHARE or math.inf
        self._queue: JobQueue[QueuedJob] = JobQueue()
        self._slots = [ReadSlot(reserved=number == 0 and size > 1) for number in range(size)]
        self._idle = list(self._slots)
        self._closed = False

    @property
    def url(self) -> PostgresUrl:
        return self._hosts.url

    @property
    def size(self) -> int:
        """Number of open connections."""
        return sum(slot.connection is not None for slot in self._slots)

    @property
    def in_use(self) -> int:
        """Number of connections that requests are using."""
        return len(self._slots) - len(self._idle)

    @property
    def waiting(self) -> int:
        """Number of requests that wait for a connection."""
        return len(self._queue)

    async def close(self) -> None:
        """Fail the requests that wait, and close all connections. Idempotent."""
        self._closed = True
        for job in self._queue.pop_overdue(math.inf):
            if not job.future.done():
                job.future.set_exception(self._closed_error())
        for slot in self._slots:
            slot.discard()

    def leave(self, url: str) -> None:
        """Replace the connections to this host, which lags behind, as soon as they are idle."""
        self._hosts.avoid(url)
        for slot in self._slots:
            if slot.connection is not None and slot.connection.url == url:
                slot.leaves_host = True
                if slot in self._idle:
                    slot.discard()

    @asynccontextmanager
    async def reader(self, expected: float | None = None) -> AsyncIterator[Reader]:
        """Hold a connection during the block, which is discarded if the block loses it.

        `expected` is the estimated CPU time in seconds, by default that of the task. Raises OverloadedError,
        UnavailableError.
        """
        slot = await self._acquire(expected)
        try:
            host = await self._connected(slot)
            try:
                yield Reader(host, self.timeout, self._max_bytes)
            except Exception as error:
                if is_lost(error):
                    slot.discard()
                raise
        finally:
            self._release(slot)

    async def fetch(
        self, sql: str, parameters: Sequence[object], expected: float | None = None
    ) -> tuple[asyncpg.Record, HostConnection]:
        """Return the only row of a SELECT, and the connection that read it.

        Raises ResourceLimitError, OverloadedError, UnavailableError, DatabaseError.
        """
        losses = 0
        while True:
            try:
                async with self.reader(expected) as reader:
                    return await reader.fetch(sql, parameters), reader.host
            except Exception as error:
                losses += 1
                if is_lost(error):
                    if losses >= MAX_LOSSES:
                        raise UnavailableError() from error
                elif (failure := read_failure(error, self._hosts.url)) is not None:
                    raise failure from error
                else:
                    raise

    async def _acquire(self, expected: float | None) -> ReadSlot:
        if self._closed:
            raise self._closed_error()
        estimates = (expected, expected_seconds_var.get(), math.inf)
        seconds = next(seconds for seconds in estimates if seconds is not None)
        slot = None if self._queue else self._take_idle(is_short=seconds <= SHORT_SECONDS)
        return slot or await self._wait_for_slot(seconds)

    def _take_idle(self, *, is_short: bool) -> ReadSlot | None:
        """Take an idle slot at once, for a short request the reserved one first."""
        for slot in self._reserved_first():
            if is_short or not slot.reserved:
                self._idle.remove(slot)
                return slot
        return None

    async def _wait_for_slot(self, seconds: float) -> ReadSlot:
        future: asyncio.Future[ReadSlot] = asyncio.get_running_loop().create_future()
        job = QueuedJob(future, time.monotonic(), client_var.get(), seconds)
        displaced = self._queue.put(job)
        if displaced is not None and not displaced.future.done():
            displaced.future.set_exception(OverloadedError(QUEUE_FULL_MESSAGE))
        self._dispatch()
        try:
            async with asyncio.timeout(self.timeout if math.isfinite(self.timeout) else None):
                return await future
        except BaseException as error:
            self._queue.discard(job)
            if future.done() and not future.cancelled() and future.exception() is None:
                self._release(future.result())
            if isinstance(error, TimeoutError):
                raise OverloadedError(QUEUE_TIMEOUT_MESSAGE) from None
            raise

    def _release(self, slot: ReadSlot) -> None:
        is_busy = slot.connection is not None and slot.connection.is_in_transaction
        if self._closed or slot.leaves_host or is_busy:
            slot.discard()
        self._idle.insert(0, slot)  # the next request uses it, whose server process has warm caches
        self._dispatch()

    def _dispatch(self) -> None:
        """Give idle connections to the requests that wait, the reserved one first."""
        if not self._queue:
            return
        for slot in self._reserved_first():
            job = self._queue.pop(short=slot.reserved)
            while job is not None and job.future.done():  # cancelled
                job = self._queue.pop(short=slot.reserved)
            if job is not None:
                self._idle.remove(slot)
                job.future.set_result(slot)

    def _reserved_first(self) -> list[ReadSlot]:
        return sorted(self._idle, key=lambda slot: not slot.reserved)

    async def _connected(self, slot: ReadSlot) -> HostConnection:
        """Return the connection of the slot, or open one. Raises UnavailableError, DatabaseError."""
        current = slot.connection
        if current is not None and current.is_usable:
            return await self._replaced(slot, current) if self._is_outdated(current) else current
        slot.discard()
        deadline = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                slot.connection = await self._hosts.connect()
                return slot.connection
            except DatabaseError as error:
                if time.monotonic() > deadline:
                    raise UnavailableError() from error
            await asyncio.sleep(RETRY_SECONDS)

    async def _replaced(self, slot: ReadSlot, current: HostConnection) -> HostConnection:
        """Return a new connection in place of a usable one; if there is none, the present one."""
        current.connected_at = time.monotonic()  # until the next attempt
        try:
            slot.connection = await self._hosts.connect()
        except DatabaseError:
            return current
        current.terminate()
        return slot.connection

    def _is_outdated(self, connection: HostConnection) -> bool:
        """Return whether a standby should be tried again."""
        age = time.monotonic() - connection.connected_at
        return connection.is_primary and self._hosts.has_several and age > STANDBY_RETRY_SECONDS

    def _closed_error(self) -> DatabaseError:
        return DatabaseError(f"PostgreSQL database {self._hosts.url} is closed")
