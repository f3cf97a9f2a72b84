"""Reads on the primary, for a version that the standbys have not reached."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.job_queue import QUEUE_TIMEOUT_MESSAGE
from gqlnews.database.postgresql.hosts import HostConnection, Hosts, is_lost
from gqlnews.database.postgresql.read_pool import Reader, read_failure
from gqlnews.database.protocol import STATEMENT_TIME_SHARE
from gqlnews.errors import BehindError, DatabaseError, OverloadedError

IDLE_SECONDS = 10.0
"""Time after which the connection to the primary is closed if nothing was read."""

MAX_LOSSES = 2


class PrimaryReads:
    """A connection to the primary, which is opened when a read needs it. `close` it at the end."""

    def __init__(self, hosts: Hosts, limits: Limits = UNLIMITED) -> None:
        self._hosts, self._max_bytes = hosts, limits.max_response_bytes
        self._timeout = limits.timeout_seconds * STATEMENT_TIME_SHARE or math.inf
        self._lock = asyncio.Lock()
        self._host: HostConnection | None = None
        self._used_at = 0.0

    def close(self) -> None:
        """Close the connection. Idempotent."""
        if self._host is not None:
            self._host.terminate()
            self._host = None

    def close_if_idle(self) -> None:
        if not self._lock.locked() and time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Reader]:
        """Hold the connection during the block. Raises BehindError if the primary cannot be asked."""
        wait = self._timeout if math.isfinite(self._timeout) else None
        try:
            await asyncio.wait_for(self._lock.acquire(), wait)
        except TimeoutError:
            raise OverloadedError(QUEUE_TIMEOUT_MESSAGE) from None
        try:
            yield Reader(await self._connected(), self._timeout, self._max_bytes)
        except Exception as error:
            if is_lost(error):
                self.close()
            raise
        finally:
            self._used_at = time.monotonic()
            if self._host is not None and self._host.is_in_transaction:
                self.close()
            self._lock.release()

    async def _connected(self) -> HostConnection:
        if self._host is None or not self._host.is_usable:
            try:
                self._host = await self._hosts.connect(to_primary=True)
            except DatabaseError as error:
                raise BehindError from error
        return self._host

    async def fetch(self, sql: str, parameters: Sequence[object]) -> tuple[asyncpg.Record, HostConnection]:
        """Return the only row of a SELECT, and the connection. Raises BehindError, UnavailableError."""
        for _ in range(MAX_LOSSES):
            try:
                async with self.reader() as reader:
                    return await reader.fetch(sql, parameters), reader.host
            except Exception as error:
                if is_lost(error):
                    continue
                if (failure := read_failure(error, self._hosts.url)) is not None:
                    raise failure from error
                raise
        raise BehindError
