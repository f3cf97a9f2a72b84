"""Database handle for the server, which survives a replacement of the database file.

The database file may be deleted at any time; the process that watches the folder then creates a new one. A
connection to the old file would read it forever, so this module checks the path twice a second and opens the
new file. Reads that run on the old file may finish.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.custom_fields import CustomField, decode_fields
from gqlnews.database.protocol import BatchResults, Sizes, SnapshotId, Statements
from gqlnews.database.sqlite.damage import (
    Identity,
    damaged_error,
    get_identity,
    read_report,
    to_database_error,
    write_report,
)
from gqlnews.database.sqlite.ingest_failure import is_ingest_failing
from gqlnews.database.sqlite.leader_lock import has_leader
from gqlnews.database.sqlite.read_only import FileState, get_file_state
from gqlnews.database.sqlite.read_pool import ReadPool
from gqlnews.database.sqlite.schedule import Schedule, decode_schedule, schedule_statement
from gqlnews.database.sqlite.writer import BUSY_TIMEOUT
from gqlnews.errors import DamagedDatabaseError, DatabaseError, LockedDatabaseError, ResourceLimitError
from gqlnews.timestamps import to_epoch_seconds

log = logging.getLogger("gqlnews")

POLL_SECONDS = 0.5
RETRY_SECONDS = 0.05
DRAIN_SECONDS = 10.0  # grace period for reads of a replaced file


_SIZES = """
SELECT json_object(
    '', article_count,
    'provider', provider_count,
    'topic', topic_count,
    'story', (SELECT count(*) FROM story WHERE scope = ?1),
    'author', (SELECT count(*) FROM author WHERE scope = ?1),
    'section', (SELECT count(*) FROM section WHERE scope = ?1),
    'article_topic', (SELECT CAST(total(articles) AS INTEGER) FROM topic_use WHERE published >= 1 - ?1),
    'article_author', (SELECT CAST(total(articles) AS INTEGER) FROM author_use WHERE published >= 1 - ?1),
    'article_section', (SELECT CAST(total(articles) AS INTEGER) FROM section_use WHERE published >= 1 - ?1),
    'article.provider_domain', (SELECT ifnull(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM provider_use WHERE own = 1 AND published >= 1 - ?1
        GROUP BY domain)),
    'article_topic.topic', (SELECT ifnull(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM topic_use WHERE published >= 1 - ?1 GROUP BY topic)),
    'article_author.author', (SELECT ifnull(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM author_use WHERE published >= 1 - ?1 GROUP BY author)),
    'article_section.section', (SELECT ifnull(max(articles), 0) FROM (
        SELECT sum(articles) AS articles FROM section_use WHERE published >= 1 - ?1 GROUP BY section)),
    'story_article.story', (SELECT ifnull(max(size), 0) FROM story WHERE scope = ?1))
FROM site WHERE audience = ?1
"""

SIZES: Statements = ((_SIZES, (0,)), (_SIZES, (1,)))
"""Statements that read the sizes for published articles, and for all articles."""

_COUNTS = """
SELECT json_object(
    'public', (SELECT article_count FROM site WHERE audience = 0),
    'all', (SELECT article_count FROM site WHERE audience = 2),
    'error', (SELECT count(*) FROM problem WHERE severity = 'ERROR'),
    'warning', (SELECT count(*) FROM problem WHERE severity = 'WARNING'),
    'next_due', (SELECT min(due) FROM source WHERE due IS NOT NULL))
"""

_MEDIA = """
SELECT CAST(published AS TEXT) FROM media
WHERE path = ?1 AND is_image = 1 AND published >= ?2 ORDER BY published DESC LIMIT 1
"""


class SqliteDatabase:
    """Read pool of the file that is at the path now.

    Call `open` and `close` on the event loop. `on_replaced` is awaited after another file was opened, and
    `on_fields_changed` after a configuration has declared other custom fields than before.
    """

    is_remote = False

    def __init__(self, limits: Limits = UNLIMITED) -> None:
        self._limits = limits
        self.on_replaced: Callable[[], Awaitable[None]] | None = None
        self.on_fields_changed: Callable[[tuple[CustomField, ...]], Awaitable[None]] | None = None
        self._fields = b""  # the declarations that `on_fields_changed` knows
        self._path = Path()
        self._state: FileState | None = None
        self._logged_error = ""  # of a file that cannot be opened
        self._pool = ReadPool(limits)
        self._watching: asyncio.Task[None] | None = None
        self._draining: set[asyncio.Task[None]] = set()  # of replaced files
        self._closing = asyncio.Event()
        self._checking = asyncio.Lock()
        self._generation = 0  # databases opened before the current one
        self.is_damaged = False  # reads fail until this file is replaced
        self.is_ingest_failing = False  # the content is that of an earlier ingest
        self._is_reported = False  # whether a damage report on this file was seen
        self.replacements = 0
        self.statements = 0  # statements run
        self._sizes: Sequence[Sizes] = ({}, {})  # of published articles, and of all
        self._sizes_snapshot_ids: object = None  # the snapshot ids that the sizes belong to

    async def open(self, path: Path) -> None:
        """Open the database and start watching its path. Raises DatabaseError or a subclass."""
        self._path = path
        identity = get_identity(path)
        try:
            self._pool, self._state = await self._open_with_retry()
        except DamagedDatabaseError as error:
            write_report(path, identity, error)
            raise
        try:
            await self._measure()
        except BaseException:
            await self.close()
            raise
        self._watching = asyncio.create_task(self._watch_file())

    async def close(self) -> None:
        """Close every connection; each thread ends even if the caller is cancelled."""
        self._closing.set()
        try:
            if self._watching is not None:
                self._watching.cancel()
                await asyncio.wait([self._watching])
            if self._draining:
                await asyncio.wait(self._draining)
        finally:
            await self._pool.close()

    def execute_inline(self, statements: Statements) -> list[bytes | None] | None:
        """Run statements on the event loop; None if they do not complete within its budget."""
        results = self._pool.inline.try_execute(statements)
        self.statements += 0 if results is None else len(statements)
        return results

    async def execute_batch(self, statements: Statements) -> BatchResults:
        """Run statements on a reader's thread, in one read transaction; see `ReadPool.execute_batch`."""
        self.statements += len(statements)
        with self._reporting_damage():
            return BatchResults(await self._pool.execute_batch(statements))

    async def execute_parts(self, parts: Sequence[Statements]) -> AsyncGenerator[list[bytes | None], None]:
        """Run statements like `execute_batch`, and yield the results of each part as soon as it completes."""
        self.statements += sum(map(len, parts))
        with self._reporting_damage():
            async with aclosing(self._pool.execute_parts(parts)) as results:
                async for result in results:
                    yield result

    @contextmanager
    def _reporting_damage(self) -> Iterator[None]:
        identity = self._identity
        try:
            yield
        except DamagedDatabaseError as error:
            self._handle_damage(identity, error)
            raise

    def _handle_damage(self, identity: Identity | None, error: DamagedDatabaseError) -> None:
        """Mark the database as damaged and report it; the server is not ready until the file is replaced.

        The process that watches the folder reads the report and rebuilds the database.
        """
        if identity != self._identity:  # the file was replaced already
            return
        if not self.is_damaged:
            log.error("%s", error)
        self.is_damaged = True
        write_report(self._path, identity, error)
        self._is_reported = read_report(self._path) is not None

    def is_ready(self) -> bool:
        """Return whether the file can be read now, however busy its readers are."""
        if self.is_damaged:
            return False
        try:
            self._pool.inline.read_file()
        except (sqlite3.Error, MemoryError) as error:
            failure = to_database_error(error, self._path) if isinstance(error, sqlite3.Error) else None
            if isinstance(failure, DamagedDatabaseError):
                self._handle_damage(self._identity, failure)
            return False
        return True

    async def can_answer(self) -> bool:
        """Return whether the file and, unless all are busy, a reader can read it now."""
        return self.is_ready() and await self._pool.can_read()

    def version(self, audience: int) -> bytes | None:
        """Return the version for this audience; see `InlineExecutor.version`."""
        return self._pool.inline.version(audience)

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        """Return the snapshot id that the audience sees now; None while the database cannot be read."""
        version = self._pool.inline.version(audience)
        return None if version is None else SnapshotId(self._generation, version)

    def custom_fields(self) -> tuple[CustomField, ...]:
        """Return the custom fields that the store has now."""
        self.version(0)
        self._fields = self._pool.inline.custom_fields
        return decode_fields(self._fields)

    def sizes(self, audience: int) -> Sizes:
        """Return the audience's table sizes at the last check; empty if unknown."""
        return self._sizes[min(audience, 1)]

    @property
    def _identity(self) -> Identity | None:
        """Identity of the open file."""
        return None if self._state is None else self._state.identity

    async def _measure(self) -> None:
        """Read the sizes again if the content has changed."""
        snapshot_ids = self.snapshot_id(0), self.snapshot_id(1)
        if snapshot_ids == self._sizes_snapshot_ids:
            return
        # The database is locked or still being created, or the pool is overloaded: the next check retries.
        with suppress(DatabaseError, ResourceLimitError, sqlite3.Error):
            self._sizes, self._sizes_snapshot_ids = await self._query(SIZES), snapshot_ids

    async def counts(self) -> Mapping[str, float]:
        """Count the `public` articles and `all`, and the problems of each severity.

        `next_due` is when the next article appears or expires, in seconds since the Unix epoch, if any does.
        """
        (counts,) = await self._query([(_COUNTS, ())])
        due = counts.pop("next_due")
        return counts if due is None else {**counts, "next_due": to_epoch_seconds(due)}

    def schedule_without_watcher(self) -> Schedule | None:
        """Return the schedule if no watcher follows it; None if nothing is scheduled or it cannot be read."""
        (found,) = self._pool.inline.try_execute([schedule_statement()]) or [None]
        schedule = decode_schedule(found)
        if schedule is not None and not self.is_ingest_failing and has_leader(self._path):
            return None
        return schedule

    async def find_media(self, path: str, audience: int) -> bool | None:
        """Return whether the image at a path of the content folder belongs to a published article.

        None if it belongs to no article that the audience sees.
        """
        statements = [(_MEDIA, (path, int(audience == 0)))]
        results: Sequence[bytes | None] | None = self.execute_inline(statements)
        if results is None:
            results = (await self.execute_batch(statements)).values
        return None if results[0] is None else results[0] == b"1"

    def statistics(self) -> None:
        """Return None: there is nothing between the server and its file."""

    async def _query(self, statements: Statements) -> list[dict[str, Any]]:
        """Run the server's own statements, each of which returns an object."""
        with self._reporting_damage():
            results = await self._pool.execute_batch(statements, expected=0.0)
        return [orjson.loads(result or b"{}") for result in results]

    async def _open_with_retry(self) -> tuple[ReadPool, FileState | None]:
        """Open the database; wait for a swap in progress without blocking the event loop."""
        deadline = time.monotonic() + BUSY_TIMEOUT
        while True:
            try:
                return await self._open_file()
            except LockedDatabaseError:
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(RETRY_SECONDS)

    async def _open_file(self) -> tuple[ReadPool, FileState | None]:
        state, pool = get_file_state(self._path), ReadPool(self._limits)
        await pool.open(self._path)
        return pool, state

    async def _watch_file(self) -> None:
        """Check the file twice a second, whatever fails; log each error once."""
        logged = ""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.check_file()
                logged = ""
            except (Exception, asyncio.CancelledError) as error:
                if is_cancelled():
                    raise
                if logged != (logged := repr(error)):
                    log.exception("checking database %s failed", self._path)

    async def check_file(self) -> None:
        """Check the file now: whether it was replaced, is damaged, or declares other custom fields."""
        async with self._checking:
            await self._check_file()

    async def _check_file(self) -> None:
        self.is_ingest_failing = is_ingest_failing(self._path)
        current = get_file_state(self._path)
        if current is not None and current != self._state:
            await self._replace(current)
        else:
            self._apply_report()
        await self._check_fields()
        await self._measure()

    async def _check_fields(self) -> None:
        self.version(0)
        if self.on_fields_changed is not None and self._pool.inline.custom_fields != self._fields:
            await self.on_fields_changed(self.custom_fields())

    def _apply_report(self) -> None:
        """Set `is_damaged` from the damage report. A report that was deleted was wrong or is obsolete."""
        damage = read_report(self._path)
        if damage is not None and not self.is_damaged:
            log.error("%s", damaged_error(self._path, damage.reason))
            self.is_damaged = True
        elif damage is None and self._is_reported:
            self.is_damaged = False
        self._is_reported = damage is not None

    async def _replace(self, current: FileState) -> None:
        """Switch to the file that is at the path now, unless it is still being created."""
        try:
            pool, state = await self._open_file()
        except DatabaseError as error:
            if current.is_read_only and str(error) != self._logged_error:  # else it is still being created
                log.error("%s", error)
                self._logged_error = str(error)
            return
        has_content = False
        try:
            has_content = pool.inline.has_content()
        finally:  # also if this check is cancelled
            if not has_content:
                await pool.close()
        if not has_content:
            return
        draining = asyncio.create_task(self._close_after_drain(self._pool))
        self._draining.add(draining)
        draining.add_done_callback(self._draining.discard)
        self._pool, self._state = pool, state
        self._generation += 1
        self.is_damaged = self._is_reported = False
        self.replacements += 1
        log.warning("database %s was replaced; reading the new file", self._path)
        if self.on_replaced is not None:
            await self.on_replaced()

    async def _close_after_drain(self, pool: ReadPool) -> None:
        """Close the replaced pool after a grace period for reads in progress, or when this one closes."""
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), DRAIN_SECONDS)
        finally:
            await pool.close()


def is_cancelled() -> bool:
    """Return whether the current task is to end; a CancelledError may also come from what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
