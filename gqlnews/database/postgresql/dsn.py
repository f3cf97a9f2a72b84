"""Connect to the PostgreSQL database of a URL.

asyncpg reads URLs much as libpq does: several hosts, folders of Unix domain sockets (`host=`), `sslmode`,
`target_session_attrs`, `passfile`, `service`, and the variables PGHOST, PGPORT, PGUSER, PGPASSWORD,
PGPASSFILE, PGDATABASE, PGSERVICEFILE, PGSSLMODE and others. It does not support `connect_timeout`,
`channel_binding` and `sslrootcert=system`, which `parse_database` rejects, and ignores an unknown service.
"""

import asyncpg

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.errors import translate_postgresql_errors

CONNECT_TIMEOUT = 5.0
"""Seconds to connect to one host."""

LOCK_TIMEOUT = "30s"
"""Time for which a writer waits for a lock, for example of a backup or of a migration by hand."""

IDLE_TIMEOUT = "60s"
"""Time after which the server ends an open transaction of a writer that has been suspended."""


async def connect_writer(
    url: PostgresUrl, schema: str, *, name: str = "gqlnews ingest", idle_timeout: str = IDLE_TIMEOUT
) -> asyncpg.Connection:
    """Connect to the host that accepts writes. `name` is shown in pg_stat_activity. Raises DatabaseError."""
    with translate_postgresql_errors(url):
        return await asyncpg.connect(
            url.url,
            timeout=CONNECT_TIMEOUT,
            target_session_attrs="read-write",
            server_settings={
                "application_name": name,
                "search_path": schema,
                "lock_timeout": LOCK_TIMEOUT,
                "idle_in_transaction_session_timeout": idle_timeout,
                "statement_timeout": "0",
                "jit": "off",
            },
        )
