"""Replication lag of a standby, and the limit above which servers read another host."""

import asyncio

import asyncpg

LAG_LIMIT = 10.0
"""Seconds that a standby may lag behind; a server with a further host then reads that one."""

CONFIRM_SECONDS = 0.1

LAG = """
CASE WHEN pg_is_in_recovery() AND (
        NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL)
        OR pg_last_wal_receive_lsn() IS DISTINCT FROM pg_last_wal_replay_lsn())
    THEN extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 ELSE 0 END
"""
"""Expression for the seconds by which a host lags behind the primary; NULL if unknown.

A standby that receives nothing, because it is cut off from the primary, lags too.
"""

_SELECT = f"SELECT pg_is_in_recovery(), {LAG}"


async def read_role(connection: asyncpg.Connection) -> tuple[bool, float]:
    """Return whether the host is the primary, and the seconds by which it lags; 0 if unknown.

    The lag is the age of the last transaction that was replayed: after a quiet hour, new WAL seems to be an
    hour late until it is replayed. So a lag above the limit is read again.
    """
    is_standby, lag = await connection.fetchrow(_SELECT)
    if lag is not None and lag > LAG_LIMIT:
        await asyncio.sleep(CONFIRM_SECONDS)
        is_standby, lag = await connection.fetchrow(_SELECT)
    return not is_standby, lag or 0.0
