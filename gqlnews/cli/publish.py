"""`gqlnews ingest` with the URL of a PostgreSQL database: publish the folder's content there.

Any number of processes may run; one is elected, and the others stand by. The elected one does this:

1. Compare the local SQLite store, a file in the cache folder, with the database. If the local outbox does not
   know the published position, and after each failover, restore the store from the database.
2. After a failover, skip version numbers. Publish the batches that the database lacks.
3. Start `gqlnews ingest FOLDER --watch` on the local store as a child process. It also ingests again from the
   files whatever another ingester had committed, but not published.
4. If nothing was published yet, load the whole store after the first ingest.
5. Publish each further batch, until the lead is lost, the connection fails (then go on with 1), or a signal
   stops the process.
"""

import asyncio
import logging
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

import asyncpg
import typer

from gqlnews.cli.commands import rebuild_store, run_ingest
from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.formatters import progress
from gqlnews.cli.local_store import LocalStore, PublishOptions
from gqlnews.cli.watch import exit_on_stdin_eof
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.control import (
    Lead,
    claim_publication,
    newer_schemas,
    prepare_schema,
    read_publication,
    read_timeline,
)
from gqlnews.database.postgresql.copy import load, vacuum
from gqlnews.database.postgresql.election import (
    ELECTION_TIMEOUT,
    LEASE_SECONDS,
    STANDBY_INTERVAL,
    LeaseKeeper,
    connect_for_election,
    session_name,
    terminate_after,
    try_to_lead,
)
from gqlnews.database.postgresql.errors import TRANSIENT_DATABASE_ERRORS, translate_postgresql_errors
from gqlnews.database.postgresql.publisher import Publisher
from gqlnews.database.postgresql.schema import schema_name
from gqlnews.database.sqlite.connection import has_stored_content
from gqlnews.database.sqlite.outbox import OutboxPosition
from gqlnews.database.sqlite.writer import fetch_int
from gqlnews.errors import CopyRequiredError, DatabaseError, LostLeadError
from gqlnews.ingest.watch_ingest import backoff
from gqlnews.server.observability import logs
from gqlnews.server.observability.logs import STOP_SIGNAL_NAMES, stop_signals

ALL_PUBLISHED = "all completed ingests are published"
NOT_PUBLISHED = "what is not published yet is ingested again by the next process"
POLL_INTERVAL = 0.01  # seconds; a commit is published at most this much later
MERGE_INTERVAL = 5.0  # seconds
CONTENT_INTERVAL = 0.1  # seconds between checks whether the first ingest has ended
WAIT_FOR_LEAD = LEASE_SECONDS + 2.0  # seconds for which a single ingest waits for one that was killed
STOP_TIMEOUT = 10.0  # seconds to publish what was committed before a stop


def run_publish(target: IngestTarget, url: PostgresUrl, options: PublishOptions) -> None:
    """Ingest and publish the folder; with `watch`, until a signal or until standard input ends.

    Raises CommandError, in particular if another process publishes and `watch` is off.
    """
    logs.configure(options.log_format)
    ingester = PublishingIngester(target, url, options)
    received = asyncio.run(_run_until_stopped(ingester, options))
    if received is not None:
        consequence = ALL_PUBLISHED if ingester.has_published_all else NOT_PUBLISHED
        logs.log_event(f"stopped by {STOP_SIGNAL_NAMES[received]}; {consequence}")
    if received is not None and not options.watch:
        raise typer.Exit(128 + received)


async def _run_until_stopped(
    ingester: "PublishingIngester", options: PublishOptions
) -> signal.Signals | None:
    """Run the ingester; return the signal that stopped it."""
    received: list[signal.Signals] = []
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        received.append(number)
        ingester.stop()

    for number in stop_signals():
        loop.add_signal_handler(number, stop, number)
    if options.until_eof:

        def stop_or_exit() -> None:
            loop.call_soon_threadsafe(ingester.stop)
            time.sleep(STOP_TIMEOUT)

        exit_on_stdin_eof(stop_or_exit)
    await ingester.run()
    return received[0] if received else None


class PublishingIngester:
    """One of the processes that ingest a folder into a PostgreSQL database."""

    def __init__(self, target: IngestTarget, url: PostgresUrl, options: PublishOptions) -> None:
        self._url, self._options, self._shows_progress = url, options, target.shows_progress
        self._schema = schema_name()
        self._local = LocalStore(target, url, options)
        self._stopping = asyncio.Event()
        self._needs_rebuild = options.rebuild
        self._must_load = False  # the outbox cannot hold what one ingest changes
        self._has_stood_by = self._has_led = self._is_leading = False
        self._failure: str | None = None
        self.has_published_all = False
        """Whether `run` has ended after it published all that was ingested."""

    def stop(self) -> None:
        """Publish what is committed, then end `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Stand by and publish, until `stop`; without `watch`, once. Raises CommandError."""
        with self._local.hold_lock():
            while not self._stopping.is_set():
                elected = await self._wait_for_lead()
                if elected is None:
                    return
                try:
                    await self._lead(*elected)
                except LostLeadError as error:
                    logs.log_event("lead lost", logging.WARNING, reason=str(error))
                    continue
                if not self._options.watch:
                    return

    # Election.

    async def _wait_for_lead(self) -> tuple[Lead, float] | None:
        """Return the lead, and when it was requested; None if this process is to stop."""
        delays, rival = backoff(), None
        give_up_at = time.monotonic() + WAIT_FOR_LEAD
        while not self._stopping.is_set():
            try:
                async with self._election() as connection:
                    with terminate_after(connection, ELECTION_TIMEOUT):
                        await prepare_schema(connection, self._schema)
                        await self._report_newer(connection)
                    while not self._stopping.is_set():
                        requested_at = time.monotonic()
                        with terminate_after(connection, ELECTION_TIMEOUT):
                            result = await try_to_lead(connection, self._schema)
                        self._has_stood_by = True
                        self._report_success()
                        if isinstance(result, Lead):
                            return result, requested_at
                        if result.name != rival:
                            logs.log_event("standing by", leader=result.name, database=self._url)
                        rival, delays = result.name, backoff()
                        if not self._options.watch and time.monotonic() > give_up_at:
                            raise LostLeadError(
                                f"{result.name} already ingests into {self._url}, and publishes every "
                                "change: stop it to ingest here"
                            )
                        await self._pause(STANDBY_INTERVAL)
            except DatabaseError as error:
                self._report_failure(error)
                await self._pause(next(delays))
        return None

    async def _report_newer(self, connection: asyncpg.Connection) -> None:
        if not self._has_led and (newer := await newer_schemas(connection)):
            logs.log_event(
                "the database also has the store of a newer gqlnews: when no server of this version runs "
                "any more, stop this ingester and drop its schema",
                logging.WARNING,
                schema=newer[-1],
                own_schema=self._schema,
            )

    async def _lead(self, lead: Lead, requested_at: float) -> None:
        """Publish until `stop` or, without `watch`, once. Raises LostLeadError and CommandError."""
        self._must_load = False  # another ingester may have published since
        loop = asyncio.get_running_loop()
        reasons: list[str] = []
        is_lost = asyncio.Event()

        def on_lost(reason: str) -> None:
            reasons.append(reason)
            loop.call_soon_threadsafe(is_lost.set)

        self._is_leading = True
        logs.log_event("leading", database=self._url, epoch=lead.epoch)
        keeper = LeaseKeeper(self._url, self._schema, lead, requested_at, on_lost)
        publishing = asyncio.create_task(self._publish_with_retry(lead, keeper))
        lost, stopping = asyncio.create_task(is_lost.wait()), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait((publishing, lost, stopping), return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                await asyncio.wait(
                    (publishing, lost), timeout=STOP_TIMEOUT, return_when=asyncio.FIRST_COMPLETED
                )
            if publishing.done():
                await publishing
            elif lost.done():
                raise LostLeadError(reasons[0])
        finally:
            self._is_leading = False
            self._local.connections.terminate()
            for task in (publishing, lost, stopping):
                task.cancel()
            await asyncio.wait((publishing,))
            if not publishing.cancelled():
                publishing.exception()  # it has ended because of the above
            await self._local.stop_watcher()
            await asyncio.to_thread(keeper.close)

    # Publishing.

    async def _publish_with_retry(self, lead: Lead, keeper: LeaseKeeper) -> None:
        delays = backoff()
        while True:
            started = time.monotonic()
            try:
                await self._publish(lead, keeper)
            except (DatabaseError, CopyRequiredError) as error:
                if not self._is_leading:
                    return
                if time.monotonic() - started > LEASE_SECONDS:
                    delays = backoff()
                self._report_failure(error)
                if self._stopping.is_set():
                    return
                await self._pause(next(delays))
            else:
                return

    async def _publish(self, lead: Lead, keeper: LeaseKeeper) -> None:
        """Publish until `stop`, or once. Raises DatabaseError, LostLeadError and CopyRequiredError."""
        async with self._local.connections.open(session_name(lead.holder)) as connection:
            await claim_publication(connection, lead)
            publication = await read_publication(connection)
            if publication is None or self._needs_rebuild or self._must_load:
                if not await self._first_ingest():
                    return
                with self._local.open() as db:
                    position = await self._load(connection, db, lead)
                    publisher = Publisher(connection, self._schema, db, lead)
                    await self._publish_each(publisher, db, position, keeper)
                return
            # A local batch may have a version number that another ingester used for a batch which is lost.
            has_failed_over = await read_timeline(connection) != publication.timeline
            with await self._local.open_at(publication.position, restore=has_failed_over) as db:
                publisher = Publisher(connection, self._schema, db, lead)
                position = await publisher.follow_timeline(publication.position, publication.timeline)
                position = await publisher.publish_pending(position)
                if self._options.watch:
                    self._local.start_watcher()
                else:
                    run_ingest(self._local.target)
                await self._publish_each(publisher, db, position, keeper)

    async def _publish_each(
        self, publisher: Publisher, db: sqlite3.Connection, position: OutboxPosition, keeper: LeaseKeeper
    ) -> None:
        """Publish the batches after this position as they are committed, until `stop`; or once."""
        self._has_led = True
        self._report_success()
        identity, version, merge_at = self._local.identity(), -1, 0.0
        while True:
            is_last = self._stopping.is_set() or not self._options.watch
            if self._stopping.is_set():
                await self._local.stop_watcher()
            if not keeper.is_held:
                raise LostLeadError("the lease could not be renewed in time")
            if self._local.identity() != identity:
                raise CopyRequiredError(f"the local store {self._local.path} was replaced")
            new_version = fetch_int(db, "PRAGMA data_version")
            if new_version != version or publisher.unacknowledged is not None:
                try:
                    position = await self._publish_pending(publisher, position)
                except CopyRequiredError:
                    self._must_load = self._local.identity() == identity
                    raise
                version = new_version
            elif time.monotonic() >= merge_at:
                if not await publisher.merge_postings():
                    merge_at = time.monotonic() + MERGE_INTERVAL
            else:
                await self._pause(POLL_INTERVAL)
            if is_last:
                self.has_published_all = True
                return

    async def _publish_pending(self, publisher: Publisher, position: OutboxPosition) -> OutboxPosition:
        started = time.monotonic()
        new = await publisher.publish_pending(position)
        if new != position:
            ms = round((time.monotonic() - started) * 1000, 1)
            logs.log_event("published", batch=new.sequence, ms=ms)
        return new

    async def _load(
        self, connection: asyncpg.Connection, db: sqlite3.Connection, lead: Lead
    ) -> OutboxPosition:
        """Load the whole store, in place of what is there."""
        started = time.monotonic()
        while not self._local.register(db):  # an ingest holds the write lock
            await self._pause(CONTENT_INTERVAL)
        rows = 0
        with progress("Publishing rows") if self._shows_progress else nullcontext() as show:

            def on_progress(done: int, total: int) -> None:
                nonlocal rows
                rows = done
                if show is not None:
                    show(done, total)

            db.execute("BEGIN")
            try:
                async with connection.transaction():
                    await claim_publication(connection, lead)
                    position = await load(connection, db, self._schema, lead=lead, on_progress=on_progress)
            finally:
                db.execute("ROLLBACK")
        self._needs_rebuild = self._must_load = False
        await vacuum(connection, self._schema)
        ms = round((time.monotonic() - started) * 1000, 1)
        logs.log_event("loaded", database=self._url, rows=rows, ms=ms)
        return position

    async def _first_ingest(self) -> bool:
        """Ingest, or wait for the first ingest of the child process; with `rebuild`, rebuild the local store.

        Returns False if this process is to stop meanwhile.
        """
        if self._needs_rebuild:
            await self._local.stop_watcher()
            rebuild_store(self._local.target)
        elif not self._options.watch:
            run_ingest(self._local.target)
        if self._options.watch:
            self._local.start_watcher()
        database = self._local.path
        while not (has_content := await asyncio.to_thread(has_stored_content, database)):
            if self._stopping.is_set():
                break
            await self._pause(CONTENT_INTERVAL)
        return has_content

    # Connections and messages.

    @asynccontextmanager
    async def _election(self) -> AsyncIterator[asyncpg.Connection]:
        """Open a connection with which this process stands by."""
        with translate_postgresql_errors(self._url):
            connection = await connect_for_election(self._url, self._schema)
            try:
                yield connection
            finally:
                connection.terminate()

    def _report_failure(self, error: DatabaseError | CopyRequiredError) -> None:
        """Log the reason when it changes; raise an error that is not temporary before the first election."""
        is_temporary = isinstance(error, TRANSIENT_DATABASE_ERRORS) or self._has_stood_by
        if not isinstance(error, CopyRequiredError) and not (is_temporary and self._options.watch):
            raise error
        if self._failure != (reason := str(error)):
            logs.log_event("publishing failed", logging.WARNING, reason=reason)
        self._failure = reason

    def _report_success(self) -> None:
        if self._failure is not None:
            logs.log_event("publishing recovered")
        self._failure = None

    async def _pause(self, seconds: float) -> None:
        """Sleep until the process is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
