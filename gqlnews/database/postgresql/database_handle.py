"""Database handle for a server that reads a PostgreSQL store.

A connection polls the version every 20 ms, and each answer names the version that it was read from. So what
clients see is as old as the poll and the replication lag allow, and never older than what the same server has
answered before (versions.py).
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, cast

import asyncpg
import orjson

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.custom_fields import CustomField, decode_fields
from gqlnews.database.postgresql.combined import combine, fill_snippets, has_snippets, select_versions
from gqlnews.database.postgresql.control import newer_schemas
from gqlnews.database.postgresql.errors import translate_postgresql_errors
from gqlnews.database.postgresql.host_search import HostSearch
from gqlnews.database.postgresql.hosts import HostConnection, Hosts, is_lost
from gqlnews.database.postgresql.part_reads import PartReads
from gqlnews.database.postgresql.primary_reads import PrimaryReads
from gqlnews.database.postgresql.read_pool import PostgresPool, time_limit
from gqlnews.database.postgresql.server_statements import COUNTS, MEDIA, POLL, SIZES, STATE
from gqlnews.database.postgresql.versions import KnownVersions, StoreVersions, Verdict, judge, parse_versions
from gqlnews.database.protocol import (
    STATEMENT_TIME_SHARE,
    BatchResults,
    DatabaseStatistics,
    Sizes,
    SnapshotId,
    Statement,
    Statements,
    required_version_var,
    response_too_large,
)
from gqlnews.database.sqlite.schedule import Schedule, decode_schedule
from gqlnews.errors import (
    BehindError,
    DatabaseError,
    NewerDatabaseError,
    UnavailableError,
    UnknownDatabaseError,
)
from gqlnews.timestamps import from_epoch_ns, to_epoch_seconds

log = logging.getLogger("gqlnews")

POLL_SECONDS = 0.02
STATE_SECONDS = 0.5  # between two reads of sizes, schedule and replication lag
POLL_TIMEOUT = 2.0  # seconds after which a host that does not answer counts as lost
RECONNECT_SECONDS = 0.1
BEHIND_SECONDS = 1.0  # for which a read waits for a standby that is behind
READY_SECONDS = 2.0  # age of the last poll up to which the server is ready


class PostgresDatabase:
    """The store in the database of a URL. Call `open` and `close` on the event loop.

    `on_replaced` is awaited after another store has taken the place of the one that was read, and
    `on_fields_changed` after a configuration has declared other custom fields than before.
    """

    is_remote = True

    def __init__(self, url: PostgresUrl, limits: Limits = UNLIMITED) -> None:
        self.url, self._limits = url, limits
        self.on_replaced: Callable[[], Awaitable[None]] | None = None
        self.on_fields_changed: Callable[[tuple[CustomField, ...]], Awaitable[None]] | None = None
        timeout = limits.timeout_seconds * STATEMENT_TIME_SHARE
        self.hosts = Hosts(url, timeout, logs_lag=True)
        self._pool = PostgresPool(self.hosts, limits)
        self._primary = PrimaryReads(self.hosts, limits)
        self._known = KnownVersions()
        self._poller: HostConnection | None = None
        self._search = HostSearch(self.hosts)
        self._polling: asyncio.Task[None] | None = None
        self._fields, self._known_fields = "[]", "[]"  # the last ones, and those that the application knows
        self._polled_at = 0.0  # by time.monotonic()
        self._state: Mapping[str, Any] = {}
        self._state_read_at = 0.0
        self._sizes: Sequence[Sizes] = ({}, {})
        self._sizes_of: str | None = None  # the versions that they belong to
        self._logged_error = ""
        self.is_damaged = self.is_ingest_failing = False
        self.replacements = 0
        self.statements = 0

    async def open(self) -> None:
        """Connect, and start polling. Raises DatabaseError or a subclass."""
        try:
            self._poller = await self.hosts.connect()
            await self._check_schema(self._poller)
            await self._poll(self._poller)
            await self._read_state(self._poller)
        except BaseException:
            await self.close()
            raise
        self._polling = asyncio.create_task(self._poll_repeatedly())

    async def close(self) -> None:
        """Release all resources. Idempotent."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.wait([self._polling])
        await self._search.close()
        if self._poller is not None:
            self._poller.terminate()
        self._primary.close()
        await self._pool.close()

    async def _check_schema(self, host: HostConnection) -> None:
        """Raise UnknownDatabaseError or NewerDatabaseError if there is no store of this version."""
        with translate_postgresql_errors(self.url):
            is_there = await host.connection.fetchval("SELECT to_regclass('site') IS NOT NULL")
            has_content = is_there and await host.connection.fetchval("SELECT EXISTS (SELECT FROM site)")
            newer = [] if has_content else await newer_schemas(host.connection)
        if newer:
            raise NewerDatabaseError(
                f"PostgreSQL database {self.url} has only the store of a newer gqlnews ({newer[-1]}): "
                "update this program"
            )
        if not has_content:
            raise UnknownDatabaseError(
                f"PostgreSQL database {self.url} has no store of this version of gqlnews: run "
                "`gqlnews ingest FOLDER --watch --db URL`, which publishes one"
            )

    # Read for requests.

    def snapshot_id(self, audience: int) -> SnapshotId | None:
        """Return the snapshot id of the newest version that was polled or answered."""
        return self._known.snapshot_ids()[audience]

    def version(self, audience: int) -> bytes | None:
        """Return the newest version that was polled or answered."""
        return self._known.snapshot_ids()[audience].version

    def sizes(self, audience: int) -> Sizes:
        """Return the audience's table sizes at the last check; empty if unknown."""
        return self._sizes[min(audience, 1)]

    def execute_inline(self, statements: Statements) -> None:
        """Return None: no statement runs on the event loop."""

    async def execute_batch(self, statements: Statements) -> BatchResults:
        """Run statements as one SELECT; see `Store.execute_batch`. Raises BehindError, UnavailableError."""
        self.statements += len(statements)
        return await self._execute(statements)

    async def _execute(self, statements: Statements, expected: float | None = None) -> BatchResults:
        sql, parameters = combine(statements, self._limits.max_response_bytes)
        versions, fits, *values = await self._read_current(sql, parameters, expected)
        if not fits:
            raise response_too_large(self._limits.max_response_bytes)
        if has_snippets(values):
            async with time_limit(self._pool.timeout):
                values = await fill_snippets(values)
        return BatchResults(values, self._known.ids_of(parse_versions(versions)))

    async def _read_current(
        self, sql: str, parameters: Sequence[object], expected: float | None = None
    ) -> asyncpg.Record:
        """Run a SELECT whose first column has the versions; wait for those that were seen before.

        Of a host that lacks these, only the versions are read until it has them.
        """
        required, is_reached = required_version_var.get(), True
        deadline = time.monotonic() + BEHIND_SECONDS
        while True:
            known = self._known.current
            if is_reached:
                row, host = await self._pool.fetch(sql, parameters, expected)
            else:
                row, host = await self._pool.fetch(*select_versions(), expected=0.0)
            found = _versions_of(row)
            verdict = judge(found, known, required, is_primary=host.is_primary)
            if verdict is Verdict.USE:
                self._known.observe(found, known, is_primary=host.is_primary)
                if is_reached:
                    return row
                is_reached = True
                continue
            is_reached = False
            if verdict is Verdict.BEHIND:
                raise BehindError
            if verdict is Verdict.ASK_PRIMARY or time.monotonic() > deadline:
                break
            await asyncio.sleep(POLL_SECONDS)
        if judge(found, known, None, is_primary=False) is not Verdict.USE:
            self._pool.leave(host.url)  # it lags behind what this server has answered
        return await self._read_primary(sql, parameters)

    async def _read_primary(self, sql: str, parameters: Sequence[object]) -> asyncpg.Record:
        """Run a SELECT on the primary if it has the versions. Raises BehindError."""
        await self._run_on_primary(*select_versions())
        return await self._run_on_primary(sql, parameters)

    async def _run_on_primary(self, sql: str, parameters: Sequence[object]) -> asyncpg.Record:
        known, required = self._known.current, required_version_var.get()
        row, host = await self._primary.fetch(sql, parameters)
        found = _versions_of(row)
        if judge(found, known, required, is_primary=True) is Verdict.BEHIND:
            raise BehindError
        self._known.observe(found, known, is_primary=host.is_primary)
        return row

    async def execute_parts(
        self, parts: Sequence[Statements]
    ) -> AsyncGenerator[Sequence[bytes | None], None]:
        """Run the statements of each part in turn, in one read transaction, and yield their results."""
        self.statements += sum(map(len, parts))
        reads = PartReads(self._pool, self._primary, self._known, self._limits)
        async with aclosing(reads.run(parts)) as results:
            async for values in results:
                yield values

    # Read for the server.

    async def can_answer(self) -> bool:
        """Return whether a host has answered in the last seconds."""
        return time.monotonic() - self._polled_at < READY_SECONDS

    def custom_fields(self) -> tuple[CustomField, ...]:
        """Return the custom fields that the store has now."""
        self._known_fields = self._fields
        return decode_fields(self._fields)

    async def counts(self) -> Mapping[str, float]:
        """Count articles and problems; see `Database.counts`."""
        counts = orjson.loads(await self._read_own((COUNTS, ())) or b"{}")
        due = counts.pop("next_due")
        return counts if due is None else {**counts, "next_due": to_epoch_seconds(due)}

    async def find_media(self, path: str, audience: int) -> bool | None:
        """Return whether the image belongs to a published article; None if to none that the audience sees."""
        found = await self._read_own((MEDIA, (path, int(audience == 0))))
        return None if found is None else found == b"1"

    async def _read_own(self, statement: Statement) -> bytes | None:
        return (await self._execute([statement], expected=0.0)).values[0]

    def schedule_without_watcher(self) -> Schedule | None:
        """Return the schedule if no ingester leads; None if nothing is scheduled or it is unknown."""
        return None if self._state.get("is_led", True) else decode_schedule(orjson.dumps(self._state))

    def statistics(self) -> DatabaseStatistics:
        """Return what the metrics show."""
        poller, pool = self._poller, self._pool
        return DatabaseStatistics(
            connections=pool.size + (poller is not None),
            connections_in_use=pool.in_use,
            waiting=pool.waiting,
            is_standby=poller is not None and not poller.is_primary,
            lag_seconds=self._state.get("lag"),
            version_age_seconds=time.monotonic() - self._polled_at,
            has_ingester=bool(self._state.get("is_led")),
        )

    # Poll.

    async def _poll_repeatedly(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self._check()
                self._logged_error = ""
            except DatabaseError as error:
                self._log_once(str(error))
            except Exception:
                log.exception("polling PostgreSQL database %s failed", self.url)
                await asyncio.sleep(STATE_SECONDS)

    async def _check(self) -> None:
        """Poll once, with a new connection if the last one is lost. Raises DatabaseError."""
        try:
            host = await self._connected()
            await self._poll(host)
            if time.monotonic() - self._state_read_at > STATE_SECONDS:
                await self._read_state(host)
                self._move(host, self.hosts.record_lag(host, self._state["lag"] or 0.0))
                self._primary.close_if_idle()
        except Exception as error:
            if self._poller is not None and is_lost(error):
                self._poller.terminate()
                self._poller = None
            with translate_postgresql_errors(self.url):
                raise
        await self._report_changes()

    def _move(self, present: HostConnection, is_behind: bool) -> None:
        """Poll a better host once there is one; if the present one is behind, requests leave it too."""
        better = self._search.find(present, is_behind)
        if better is None:
            return
        self._poller, self._state_read_at = better, 0.0
        if is_behind:
            self._pool.leave(present.url)
        present.terminate()

    async def _report_changes(self) -> None:
        """Await the callbacks; one that fails is called again with the next poll."""
        database, fields = self._known.database, self._fields
        if database > self.replacements:
            log.warning("the store in PostgreSQL database %s was replaced; reading the new one", self.url)
            if self.on_replaced is not None:
                await self.on_replaced()
            self.replacements = database
        if fields != self._known_fields and self.on_fields_changed is not None:
            await self.on_fields_changed(decode_fields(fields))
            self._known_fields = fields

    async def _connected(self) -> HostConnection:
        if self._poller is None or not self._poller.is_usable:
            try:
                self._poller = await self.hosts.connect()
            except DatabaseError:
                await asyncio.sleep(RECONNECT_SECONDS)
                raise
        return self._poller

    async def _poll(self, host: HostConnection) -> None:
        known = self._known.current
        row = await host.connection.fetchrow(POLL, self._fields, timeout=POLL_TIMEOUT)
        versions, fields, is_standby = row
        if versions is None:
            raise UnknownDatabaseError(f"PostgreSQL database {self.url} has no content any more")
        host.is_primary = not is_standby  # it may have been promoted
        found = parse_versions(versions)
        if known is not None and found.epochs != known.epochs and is_standby:
            await self._ask_for_epoch()
        self._known.observe(found, known, is_primary=host.is_primary)
        if fields is not None:
            self._fields = fields
        self._polled_at = time.monotonic()

    async def _ask_for_epoch(self) -> None:
        """Read the versions of the primary, which decides which of two epochs is the current one."""
        with suppress(BehindError, UnavailableError):
            await self._run_on_primary(*select_versions())

    async def _read_state(self, host: HostConnection) -> None:
        """Read lag and schedule, and after a change the sizes."""
        self._state_read_at = time.monotonic()
        now = from_epoch_ns(time.time_ns()).key
        text = await host.connection.fetchval(STATE, now, timeout=POLL_TIMEOUT)
        self._state = orjson.loads(text)
        current = self._known.current
        if current is not None and current.text != self._sizes_of:
            rows = [await host.connection.fetchval(SIZES, scope, timeout=POLL_TIMEOUT) for scope in (0, 1)]
            self._sizes = [cast("Sizes", orjson.loads(row)) for row in rows]
            self._sizes_of = current.text

    def _log_once(self, message: str) -> None:
        if message != self._logged_error:
            log.error("%s", message)
        self._logged_error = message


def _versions_of(row: asyncpg.Record) -> StoreVersions:
    """Return the versions of an answer. Raises UnavailableError if the store has no content any more."""
    if row[0] is None:
        raise UnavailableError
    return parse_versions(row[0])
