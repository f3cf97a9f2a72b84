"""The local SQLite store of an ingester that publishes to PostgreSQL, and its watch-ingest process."""

import asyncio
import fcntl
import hashlib
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from gqlnews.cli.content_options import IngestTarget
from gqlnews.cli.supervisor import SupervisedProcess
from gqlnews.cli.watch import supervise_watcher
from gqlnews.config.sources import cache_folder, environment_without_settings, postgres_variables
from gqlnews.config.values import LogFormat, PostgresUrl
from gqlnews.database.postgresql.copy import restore
from gqlnews.database.postgresql.dsn import connect_writer
from gqlnews.database.postgresql.errors import translate_postgresql_errors
from gqlnews.database.postgresql.publisher import CONSUMER, knows
from gqlnews.database.postgresql.schema import schema_name
from gqlnews.database.sqlite.damage import Identity, default_database, get_identity, translate_errors
from gqlnews.database.sqlite.leader_lock import acquire_lock
from gqlnews.database.sqlite.outbox import OutboxPosition, register
from gqlnews.database.sqlite.rebuild import hold_swap_lock, rebuild
from gqlnews.database.sqlite.writer import open_writer
from gqlnews.errors import DatabaseError, LockedDatabaseError, StorageError
from gqlnews.ingest.watch_ingest import SHORT_BUSY_TIMEOUT
from gqlnews.server.observability.logs import log_event


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """Options of `gqlnews ingest`; see the settings of these names."""

    watch: bool
    rebuild: bool
    force_polling: bool
    until_eof: bool
    log_format: LogFormat


def local_store_path(folder: Path, url: PostgresUrl) -> Path:
    """Return the path of the local store of a folder that is published to a database, in the cache folder.

    The name of the database is that of the user if neither the URL nor a variable has one.
    """
    path = default_database(folder, cache_folder())
    parts = (str(url), schema_name(), *postgres_variables())
    digest = hashlib.sha256(os.fsencode(" ".join(parts))).hexdigest()[:12]
    return path.with_name(f"{path.stem}-{digest}.db")


class Connections:
    """The connections with which an ingester publishes and restores, in any thread."""

    def __init__(self, url: PostgresUrl) -> None:
        self._url = url
        self._open: dict[asyncpg.Connection, asyncio.AbstractEventLoop] = {}

    @asynccontextmanager
    async def open(self, name: str) -> AsyncIterator[asyncpg.Connection]:
        """Connect for the block. Raises DatabaseError, also for errors in the block."""
        with translate_postgresql_errors(self._url):
            connection = await connect_writer(self._url, schema_name(), name=name)
            self._open[connection] = asyncio.get_running_loop()
            try:
                yield connection
            finally:
                del self._open[connection]
                connection.terminate()

    def terminate(self) -> None:
        """Terminate all connections. A task must not be cancelled before: it would wait for its rollback."""
        for connection, loop in list(self._open.items()):
            if loop is asyncio.get_running_loop():
                connection.terminate()
            else:
                with suppress(RuntimeError):  # that loop has ended, which terminates its connection
                    loop.call_soon_threadsafe(connection.terminate)


class LocalStore:
    """The local store at `path`, which only the elected ingester uses."""

    def __init__(self, target: IngestTarget, url: PostgresUrl, options: PublishOptions) -> None:
        self.path = local_store_path(target.folder, url)
        self.target, self._url, self._options = target.with_database(self.path), url, options
        self.connections = Connections(url)
        self._watcher: SupervisedProcess | None = None

    @contextmanager
    def hold_lock(self) -> Iterator[None]:
        """Keep other ingesters from the store during the block. Raises DatabaseError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = acquire_lock(
                self.path.with_name(f"{self.path.name}-ingester"), fcntl.LOCK_EX | fcntl.LOCK_NB
            )
        except BlockingIOError as error:
            raise LockedDatabaseError(
                f"another process on this machine ingests the folder into {self._url}, with the local store "
                f"{self.path}: stop it, or set XDG_CACHE_HOME to another folder for this one"
            ) from error
        except OSError as error:
            raise StorageError(
                f"the local store {self.path} cannot be created ({error.strerror}): check its disk, or set "
                "XDG_CACHE_HOME to another folder"
            ) from error
        try:
            yield
        finally:
            os.close(lock)

    def identity(self) -> Identity | None:
        """Return the identity of the file, which changes when it is rebuilt."""
        return get_identity(self.path)

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Open the store as a writer. Raises DatabaseError, also for errors of SQLite in the block."""
        with translate_errors(self.path):
            with hold_swap_lock(self.path):
                db = open_writer(self.path, busy_timeout=SHORT_BUSY_TIMEOUT)
            with closing(db):
                yield db

    async def open_at(
        self, position: OutboxPosition, *, restore: bool = False
    ) -> AbstractContextManager[sqlite3.Connection]:
        """Open the store; with `restore`, or if its outbox does not know this position, restore it first."""
        if restore or not self._knows(position):
            await self.stop_watcher()
            started = time.monotonic()
            await asyncio.to_thread(rebuild, self.path, self._restore)
            ms = round((time.monotonic() - started) * 1000, 1)
            log_event("restored", store=self.path, database=self._url, ms=ms)
        return self.open()

    def _knows(self, position: OutboxPosition) -> bool:
        if not self.path.exists():
            return False
        try:
            with self.open() as db:
                return knows(db, position)
        except DatabaseError as error:
            log_event("local store unusable", logging.WARNING, reason=str(error))
            return False

    def _restore(self, db: sqlite3.Connection) -> None:
        async def run() -> None:
            async with self.connections.open("gqlnews restore") as connection:
                await restore(connection, db, CONSUMER)

        asyncio.run(run())

    def register(self, db: sqlite3.Connection) -> bool:
        """Register the publisher; return False if an ingest holds the write lock."""
        try:
            register(db, CONSUMER)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True

    def start_watcher(self) -> None:
        """Start `gqlnews ingest FOLDER --watch` on the store, unless it runs."""
        if self._watcher is None:
            self._watcher = supervise_watcher(
                self.target,
                self._options.log_format,
                force_polling=self._options.force_polling,
                environment=environment_without_settings(),
            )

    async def stop_watcher(self) -> None:
        """Stop it, if it runs. A commit is whole or rolled back."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            await asyncio.to_thread(watcher.stop)
