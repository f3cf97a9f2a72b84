"""Read the parts of an incremental response from one snapshot, in one transaction.

The parts are read as fast as the database answers, however slowly the client takes them, so that the
transaction is short.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.database.postgresql.combined import FIRST_VALUE, combine, fill_snippets, select_versions
from gqlnews.database.postgresql.hosts import HostConnection, is_lost
from gqlnews.database.postgresql.primary_reads import PrimaryReads
from gqlnews.database.postgresql.read_pool import (
    GRACE_SECONDS,
    MAX_LOSSES,
    PostgresPool,
    Reader,
    read_failure,
    time_limit,
)
from gqlnews.database.postgresql.versions import KnownVersions, Verdict, judge, parse_versions
from gqlnews.database.protocol import Statements, required_version_var, response_too_large
from gqlnews.errors import BehindError, UnavailableError

BEHIND_SECONDS = 1.0
"""Time for which a read waits for a standby that is behind."""

RETRY_SECONDS = 0.02

NOTHING: Statements = (("SELECT NULL", ()),)

PartResult = list[bytes | None]
PartFutures = Sequence["asyncio.Future[PartResult]"]


class PartReads:
    """The parts of one response."""

    def __init__(
        self, pool: PostgresPool, primary: PrimaryReads, known: KnownVersions, limits: Limits = UNLIMITED
    ) -> None:
        self._pool, self._primary, self._known = pool, primary, known
        self._max_bytes = limits.max_response_bytes
        self._required = required_version_var.get()

    async def run(self, parts: Sequence[Statements]) -> AsyncGenerator[PartResult, None]:
        """Yield the results of each part, in order. Raises ResourceLimitError, DatabaseError."""
        loop = asyncio.get_running_loop()
        futures: PartFutures = [loop.create_future() for _ in parts]
        task = asyncio.create_task(self._fill(parts, futures))
        try:
            for future in futures:
                yield await future
        finally:
            task.cancel()
            await asyncio.wait([task])
            for future in futures:
                if not future.cancel() and not future.cancelled():
                    future.exception()  # mark as retrieved; the caller has the first failure

    async def _fill(self, parts: Sequence[Statements], futures: PartFutures) -> None:
        failure: Exception
        try:
            await self._read(parts, futures)
            return
        except Exception as error:
            failure = read_failure(error, self._pool.url) or error
        for future in futures:
            if not future.done():
                future.set_exception(failure)

    async def _read(self, parts: Sequence[Statements], futures: PartFutures) -> None:
        """Read all parts from a snapshot that is not older than what was seen before."""
        deadline, losses = time.monotonic() + BEHIND_SECONDS, 0
        verdict = Verdict.WAIT
        while verdict is Verdict.WAIT and time.monotonic() < deadline:
            try:
                async with self._pool.reader() as reader:
                    verdict = await self._read_from(reader, parts, futures)
            except Exception as error:
                losses += 1
                if not is_lost(error):
                    raise
                if futures[0].done() or losses >= MAX_LOSSES:
                    raise UnavailableError from error
                continue
            if verdict is Verdict.WAIT:
                await asyncio.sleep(RETRY_SECONDS)
        if verdict in {Verdict.WAIT, Verdict.ASK_PRIMARY}:
            async with self._primary.reader() as reader:
                verdict = await self._read_from(reader, parts, futures)
        if verdict is not Verdict.USE:
            raise BehindError

    async def _read_from(self, reader: Reader, parts: Sequence[Statements], futures: PartFutures) -> Verdict:
        host, known = reader.host, self._known.current
        async with time_limit(reader.timeout), _snapshot(host):
            (versions, *_) = await reader.fetch(*select_versions())
            if versions is None:  # the snapshot is older than the tables, which a load has replaced
                return Verdict.WAIT
            found = parse_versions(versions)
            verdict = judge(found, known, self._required, is_primary=host.is_primary)
            if verdict is not Verdict.USE:
                return verdict
            self._known.observe(found, known, is_primary=host.is_primary)
            size = 0
            for part, future in zip(parts, futures, strict=True):
                row = await reader.fetch(*combine(part or NOTHING, self._max_bytes))
                fits, *found_values = list(row)[1 : FIRST_VALUE + len(part)]
                size += sum(len(value) for value in found_values if value is not None)
                if not fits or 0 < self._max_bytes < size:
                    raise response_too_large(self._max_bytes)
                values = await fill_snippets(found_values)
                with suppress(asyncio.InvalidStateError):  # the client has left
                    future.set_result(values)
        return Verdict.USE


@asynccontextmanager
async def _snapshot(host: HostConnection) -> AsyncIterator[None]:
    """Read from one snapshot during the block; close the connection if the host does not end it in time."""
    transaction = host.connection.transaction(isolation="repeatable_read", readonly=True)
    try:
        await transaction.start()
        yield
        await transaction.commit()
    except BaseException:
        with suppress(Exception):  # of the connection, which is closed then
            try:
                async with asyncio.timeout(GRACE_SECONDS):
                    await transaction.rollback()
            except BaseException:
                host.terminate()
                raise
        raise
