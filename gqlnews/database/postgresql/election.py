"""Election of one ingester, by a lease in the database.

The holder renews the lease every second, by the clock of the database. If the lease is 3 s old, another
ingester takes it over. The token of the lease is a fencing token: each transaction that publishes locks the
row of `publication`, and rolls back if it names another token (`claim_publication` in control.py). So an
ingester that was suspended, and still believes that it leads, changes nothing.

A thread of its own renews the lease, since the main thread may be busy for seconds, for example with a load.
"""

import asyncio
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import asyncpg

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.control import Lead, lock_schema
from gqlnews.database.postgresql.dsn import connect_writer
from gqlnews.errors import DatabaseError

LEASE_SECONDS = 3.0
RENEW_INTERVAL = 1.0  # seconds
STANDBY_INTERVAL = 0.5  # seconds between attempts of a standby
ELECTION_TIMEOUT = 10.0  # seconds for one attempt; the primary may be cut off from the network
_MARGIN = 0.5  # seconds before the end of the lease at which its holder gives up
_RETRY_DELAY = 0.1  # seconds after a failed renewal

_READ = "SELECT holder, name, expires_at > clock_timestamp() AS is_valid FROM lease WHERE id = 1 FOR UPDATE"
_TAKE = (
    "UPDATE lease SET holder = $1, name = $2, epoch = epoch + 1,"
    " expires_at = clock_timestamp() + make_interval(secs => $3) WHERE id = 1 RETURNING epoch"
)
_RENEW = (
    "UPDATE lease SET expires_at = clock_timestamp() + make_interval(secs => $3)"
    " WHERE holder = $1 AND epoch = $2"
)
_RELEASE = "UPDATE lease SET holder = NULL, expires_at = '-infinity' WHERE holder = $1 AND epoch = $2"
# An ingester that is suspended in a transaction would hold its locks. Needs no right for the same role.
_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE usename = current_user AND application_name = $1 AND pid <> pg_backend_pid()"
)


class Rival(NamedTuple):
    """The ingester that leads, `host:pid`."""

    name: str


def own_name() -> str:
    """Return how other ingesters name this process in their logs."""
    return f"{socket.gethostname()}:{os.getpid()}"


def session_name(holder: str) -> str:
    """Return the application name of the sessions in which the holder of this token publishes."""
    return f"gqlnews ingest {holder}"


async def connect_for_election(url: PostgresUrl, schema: str) -> asyncpg.Connection:
    """Connect as `connect_writer` does; a process that is suspended holds the lock for a short time only."""
    return await connect_writer(url, schema, name="gqlnews election", idle_timeout=f"{LEASE_SECONDS:.0f}s")


@contextmanager
def terminate_after(connection: asyncpg.Connection, seconds: float) -> Iterator[None]:
    """Terminate the connection if the block takes longer, so that it raises an error of asyncpg.

    Cancelling the block would not suffice, since a transaction then waits for the answer to ROLLBACK.
    """
    timer = asyncio.get_running_loop().call_later(seconds, connection.terminate)
    try:
        yield
    finally:
        timer.cancel()


async def try_to_lead(connection: asyncpg.Connection, schema: str) -> Lead | Rival:
    """Take the lease, unless another process holds it. Ends the sessions of the former holder."""
    async with connection.transaction():
        await lock_schema(connection, schema)
        former, name, is_valid = await connection.fetchrow(_READ)
        if former is not None and is_valid:
            return Rival(name)
        holder = secrets.token_hex(8)
        lead = Lead(holder, await connection.fetchval(_TAKE, holder, own_name(), LEASE_SECONDS))
    if former is not None:
        await connection.execute(_TERMINATE, session_name(former))
    return lead


async def renew(connection: asyncpg.Connection, lead: Lead) -> bool:
    """Renew the lease; return False if another process has taken it over.

    It is one statement, which waits for the lock on the row, as cancelling a transaction would wait for the
    answer to ROLLBACK.
    """
    return bool(await connection.execute(_RENEW, *lead, LEASE_SECONDS) == "UPDATE 1")


async def release(connection: asyncpg.Connection, lead: Lead) -> None:
    """Give up the lease, so that another process can take it at once. Idempotent."""
    await connection.execute(_RELEASE, *lead)


class LeaseKeeper:
    """Renews the lease in a thread until it is closed, or until the lease is lost.

    `on_lost` is called in the thread with the reason.
    """

    def __init__(
        self, url: PostgresUrl, schema: str, lead: Lead, taken_at: float, on_lost: Callable[[str], None]
    ) -> None:
        """`taken_at` is the time at which the lease was requested, by time.monotonic()."""
        self._url, self._schema, self._lead = url, schema, lead
        self._renewed_at, self._on_lost = taken_at, on_lost
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gqlnews-lease", daemon=True)
        self._thread.start()

    @property
    def is_held(self) -> bool:
        """Whether the lease is certainly valid now."""
        return time.monotonic() < self._renewed_at + LEASE_SECONDS - _MARGIN

    def close(self) -> None:
        """Stop renewing, and release the lease if the database answers."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        reason = asyncio.run(self._renew_until_lost())
        if reason is not None:
            self._on_lost(reason)

    async def _renew_until_lost(self) -> str | None:
        """Return the reason for which the lease was lost; None if it was released."""
        connection: asyncpg.Connection | None = None
        reason = "the lease could not be renewed in time"
        try:
            while not self._closing.is_set():
                remaining = self._renewed_at + LEASE_SECONDS - _MARGIN - time.monotonic()
                if remaining <= 0:
                    return reason
                try:
                    async with asyncio.timeout(remaining):
                        if connection is None or connection.is_closed():
                            connection = await connect_for_election(self._url, self._schema)
                        started = time.monotonic()
                        if not await renew(connection, self._lead):
                            return "another ingester has taken over"
                        self._renewed_at = started
                    delay = RENEW_INTERVAL
                except (DatabaseError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                    reason = f"the lease could not be renewed in time: {_shown(error)}"
                    delay = _RETRY_DELAY
                await asyncio.to_thread(self._closing.wait, delay)
            if connection is not None and not connection.is_closed():
                with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                    async with asyncio.timeout(RENEW_INTERVAL):
                        await release(connection, self._lead)
            return None
        finally:
            if connection is not None:
                connection.terminate()


def _shown(error: Exception) -> str:
    """Return the reason as it may be logged; texts of the driver may quote its settings."""
    return str(error) if isinstance(error, DatabaseError | asyncpg.PostgresError) else type(error).__name__
