"""Connect to the PostgreSQL database of a URL.

asyncpg reads URLs much as libpq does: several hosts, folders of Unix domain sockets (`host=`), `sslmode`,
`target_session_attrs`, `passfile`, and the variables PGHOST, PGPORT, PGUSER, PGPASSWORD, PGPASSFILE,
PGDATABASE, PGSSLMODE and others. It does not support `connect_timeout`, `channel_binding` and
`sslrootcert=system`, which `parse_database` rejects. Services are read in connection_url.py.

It tries several hosts one after the other. A writer connects to all hosts at the same time instead, so that
one which does not answer delays nothing.
"""

import asyncio
from collections.abc import Sequence

import asyncpg

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.connection_url import connection_url
from gqlnews.database.postgresql.errors import TRANSIENT_DATABASE_ERRORS, to_connect_error
from gqlnews.database.postgresql.hosts import single_host_urls

CONNECT_TIMEOUT = 5.0
"""Seconds to connect to a host that accepts writes."""

LOCK_TIMEOUT = "30s"
"""Time for which a writer waits for a lock, for example of a backup or of a migration by hand."""

IDLE_TIMEOUT = "60s"
"""Time after which the server ends an open transaction of a writer that has been suspended."""


async def connect_writer(
    url: PostgresUrl, schema: str, *, name: str = "gqlnews ingest", idle_timeout: str = IDLE_TIMEOUT
) -> asyncpg.Connection:
    """Connect to the first host that accepts writes. `name` is shown in pg_stat_activity.

    Raises DatabaseError.
    """
    settings = {
        "application_name": name,
        "search_path": schema,
        "lock_timeout": LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": idle_timeout,
        "statement_timeout": "0",
        "jit": "off",
    }
    attempts = [asyncio.create_task(_connect(one, settings)) for one in single_host_urls(connection_url(url))]
    chosen: asyncio.Task[asyncpg.Connection] | None = None
    try:
        pending = set(attempts)
        while pending and chosen is None:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            chosen = next((task for task in attempts if task in done and task.exception() is None), None)
    finally:
        for task in attempts:
            if task is not chosen:
                task.cancel()
                task.add_done_callback(_terminate)
    if chosen is not None:
        return chosen.result()
    errors = [error for task in attempts if isinstance(error := task.exception(), Exception)]
    raise _error_to_report(errors, url) from None  # an error of the driver may quote the password


async def _connect(url: str, settings: dict[str, str]) -> asyncpg.Connection:
    async with asyncio.timeout(CONNECT_TIMEOUT):
        return await asyncpg.connect(url, target_session_attrs="read-write", server_settings=settings)


def _terminate(attempt: "asyncio.Task[asyncpg.Connection]") -> None:
    """Terminate the connection of a host that is not used."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result().terminate()


def _error_to_report(errors: Sequence[Exception], url: PostgresUrl) -> Exception:
    """Return an error that does not pass by itself, if any, or the reason why a host does not answer."""

    def rank(error: Exception) -> int:
        if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
            return 2  # the host answers, and another one may accept writes
        return int(isinstance(to_connect_error(error, url), TRANSIENT_DATABASE_ERRORS))

    error = min(errors, key=rank)
    return to_connect_error(error, url) or error
