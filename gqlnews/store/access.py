"""The database as a server reads it, also where another file takes its place.

The database may be deleted at any time, and who follows the folder makes it anew. The file that is open would
be read for ever: so its place is looked at, and what is there now is opened instead. Who reads the old one
meanwhile is left to finish.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import NamedTuple

from gqlnews.errors import DamagedDatabaseError, DatabaseError, LimitError, LockedDatabaseError
from gqlnews.limits import UNLIMITED, Limits
from gqlnews.store.callers import expecting
from gqlnews.store.connection import Statements
from gqlnews.store.damage import damaged, report, reported
from gqlnews.store.database import WAIT_SECONDS
from gqlnews.store.location import Identity, identity_of
from gqlnews.store.readers import Readers, Tally
from gqlnews.store.revision import Revision
from gqlnews.store.sizes import SIZES, Sizes, sizes_of

log = logging.getLogger("gqlnews")

LOOK_SECONDS = 0.5
RETRY_SECONDS = 0.05
FINISH_SECONDS = 10.0  # for who reads a file that was replaced


class Moment(NamedTuple):
    """Content: its version, and which of the databases that were opened, as two may come to one version."""

    database: int
    version: bytes


class Access:
    """`open` and `close` it in the loop. `on_replaced` runs once another file is read."""

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self._limits = limits
        self.on_replaced: Callable[[], Awaitable[None]] | None = None
        self._path = Path()
        self._identity: Identity | None = None
        self._readers, self._revision = Readers(limits), Revision()
        self._tasks: set[asyncio.Task[None]] = set()
        self._opened_before = 0  # databases
        self.is_damaged = False  # reads fail, until another file takes the place of this one
        self._is_reported = False  # whether a report on this file was seen
        self.replacements = 0
        self.statements = 0  # that were asked for
        self.tally = Tally()
        self._sizes: tuple[Sizes, Sizes] = ({}, {})
        self._sizes_at: object = None  # the versions that they are of

    async def open(self, path: Path) -> None:
        """Raises DatabaseError and its kinds."""
        self._path = path
        identity = identity_of(path)
        try:
            self._readers, self._revision, self._identity = await self._opened_in_time()
        except DamagedDatabaseError as error:
            report(path, identity, error)
            raise
        await self._measure()
        self._start(self._look())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._revision.close()
        await self._readers.close()

    async def read(self, statements: Statements) -> list[bytes | None]:
        """As Readers do."""
        self.statements += len(statements)
        return await self._read(statements)

    async def _read(self, statements: Statements) -> list[bytes | None]:
        identity = self._identity
        try:
            return await self._readers.read(statements)
        except DamagedDatabaseError as error:
            self._note_damage(identity, error)
            raise

    async def read_parts(self, parts: Sequence[Statements]) -> AsyncGenerator[list[bytes | None], None]:
        self.statements += sum(map(len, parts))
        identity = self._identity
        async with aclosing(self._readers.read_parts(parts)) as answers:
            try:
                async for answer in answers:
                    yield answer
            except DamagedDatabaseError as error:
                self._note_damage(identity, error)
                raise

    def _note_damage(self, identity: Identity | None, error: DamagedDatabaseError) -> None:
        """Not ready until the file is replaced. Whoever follows the folder reads the report and does that."""
        if identity != self._identity:  # another file is read already
            return
        if not self.is_damaged:
            log.error("%s", error)
        self.is_damaged = True
        report(self._path, identity, error)
        self._is_reported = reported(self._path) is not None

    def is_ready(self) -> bool:
        """Whether requests can be answered from the store, however busy its readers are."""
        return not self.is_damaged and self._revision.is_readable()

    def version(self, audience: int) -> bytes | None:
        """As Revision tells it."""
        return self._revision.version(audience)

    def moment(self, audience: int) -> Moment | None:
        """What the audience sees now; None where the database does not tell right now."""
        version = self._revision.version(audience)
        return None if version is None else Moment(self._opened_before, version)

    def sizes(self, audience: int) -> Sizes:
        """The sizes of the store (sizes.py) for this audience, some `LOOK_SECONDS` old; empty if unknown."""
        return self._sizes[min(audience, 1)]

    async def _measure(self) -> None:
        """Read the sizes again where the content has changed."""
        moments = self.moment(0), self.moment(1)
        if moments == self._sizes_at:
            return
        # Another process has it or is only making it, or the readers are overloaded: the next look retries.
        with expecting(0.0), suppress(DatabaseError, LimitError, sqlite3.Error):
            public, everything = map(sizes_of, await self._read(SIZES))
            self._sizes, self._sizes_at = (public, everything), moments

    async def _opened_in_time(self) -> tuple[Readers, Revision, Identity | None]:
        """Wait for a swap that is under way, without blocking the event loop."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return await self._opened()
            except LockedDatabaseError:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    async def _opened(self) -> tuple[Readers, Revision, Identity | None]:
        identity = identity_of(self._path)
        readers, revision = Readers(self._limits, self.tally), Revision()
        await readers.open(self._path)
        try:
            revision.open(self._path)
        except BaseException:
            await readers.close()
            raise
        return readers, revision, identity

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look_once()
            except Exception:  # the next look must come whatever happens
                log.exception("the look at database %s failed", self._path)

    async def _look_once(self) -> None:
        there = identity_of(self._path)
        if there is not None and there != self._identity:
            await self._replace()
        else:
            self._heed_report()
        await self._measure()

    def _heed_report(self) -> None:
        """Be damaged while a report says so. A report that goes was wrong, or is no longer true."""
        found = reported(self._path)
        if found is not None and not self.is_damaged:
            log.error("%s", damaged(self._path, found.reason))
            self.is_damaged = True
        elif found is None and self._is_reported:
            self.is_damaged = False
        self._is_reported = found is not None

    async def _replace(self) -> None:
        """Open what is there, unless it is only being made: then the next look finds it."""
        try:
            readers, revision, identity = await self._opened()
        except DatabaseError:
            return
        if not await _is_filled(readers):
            revision.close()
            await readers.close()
            return
        old = self._readers, self._revision
        self._readers, self._revision, self._identity = readers, revision, identity
        self._opened_before += 1
        self.is_damaged = self._is_reported = False
        self.replacements += 1
        log.warning("database %s is another file now, which is read from here on", self._path)
        self._start(_finish(*old))
        if self.on_replaced is not None:
            await self.on_replaced()

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _is_filled(readers: Readers) -> bool:
    """Whether a folder was taken in, if only an empty one."""
    try:
        (fingerprint,) = await readers.read([("SELECT fingerprint FROM store", ())])
    except (DatabaseError, LimitError, sqlite3.Error):  # there is no such table yet
        return False
    return bool(fingerprint)


async def _finish(readers: Readers, revision: Revision) -> None:
    """Close what was replaced, after a while for who reads it."""
    revision.close()
    try:
        await asyncio.sleep(FINISH_SECONDS)
    finally:
        await readers.close()
