"""Replace the tables of the PostgreSQL schema by new ones, while readers use it.

1. `begin` creates a schema of its own for the new tables, beside the present ones. The load creates, fills
   and indexes them there, while readers use the present ones.
2. `finish` locks the present tables, drops them, and moves the new ones to their place.

Both are called in the transaction of the load, so readers see one store or the other, and a load that fails
leaves nothing. Readers wait only for `finish`, which takes about a tenth of a second.

Every statement of a reader locks `site` first (combined.py), and so does `finish`: it waits for statements
that run, later ones wait for it, and no two wait for each other. Statements of other programs, such as those
of a backup, may hold other tables: then it releases its locks in less than a second, and tries again.
"""

import asyncio
import time
from itertools import chain, repeat

import asyncpg

from gqlnews.database.postgresql.control import CONTROL_TABLES
from gqlnews.errors import DatabaseError, UnknownDatabaseError

LOCK_SECONDS = (0.1, 0.2, 0.5, 0.9)
"""Time to wait for a lock, by attempt, and for readers that wait meanwhile.

Less than the second after which PostgreSQL looks for deadlocks, and ends one of the sessions.
"""

PAUSE = 2.0
"""Pause after an attempt, in which readers continue, as a multiple of the time that it waited."""

MAX_SECONDS = 300.0
"""Time after which `finish` fails if other sessions have used the tables all the time."""

_OBJECTS = """
SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1) AS exists,
    EXISTS (
        SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1
    ) AS is_used
"""
_RELATIONS = """
SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = $1 AND relkind = $2 AND relname <> ALL ($3) ORDER BY relname <> 'site', relname
"""
_TABLE, _VIEW = b"r", b"v"


def loading_schema(schema: str) -> str:
    """Return the name of the schema in which a store is loaded."""
    return f"{schema}_loading"


async def begin(connection: asyncpg.Connection, schema: str) -> bool:
    """Create the schema for the new tables, unless an administrator has; return whether it was created.

    Raises DatabaseError.
    """
    loading = loading_schema(schema)
    exists, is_used = await connection.fetchrow(_OBJECTS, loading)
    if is_used:
        raise UnknownDatabaseError(
            f"PostgreSQL schema {loading} has objects of another program: move them, or use another database"
        )
    if not exists:
        try:
            await connection.execute(f"CREATE SCHEMA {loading}")
        except asyncpg.InsufficientPrivilegeError as error:
            raise DatabaseError(
                f"PostgreSQL schema {loading}, in which a store is loaded, cannot be created ({error}): "
                "grant CREATE on the database, or let an administrator create the schema for this user"
            ) from error
    if tables := await _relations(connection, schema, _TABLE):
        # Readers do not notice this lock. It ends an autovacuum, for which `finish` would wait.
        await connection.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE UPDATE EXCLUSIVE MODE")
    return not exists


async def finish(connection: asyncpg.Connection, schema: str, *, drops_schema: bool) -> None:
    """Let the new tables and views replace those of the schema, except the control tables.

    `drops_schema` is the result of `begin`. Readers wait from here to the end of the transaction. Raises
    LockNotAvailableError of asyncpg if other sessions use the tables all the time.
    """
    loading = loading_schema(schema)
    tables = await _relations(connection, schema, _TABLE)
    views = await _relations(connection, schema, _VIEW)
    new = await _relations(connection, loading, _TABLE) + await _relations(connection, loading, _VIEW)
    statements = []
    if tables:
        await _lock(connection, tables)
    if views:
        statements.append(f"DROP VIEW {', '.join(views)} CASCADE")
    if tables:
        statements.append(f"DROP TABLE {', '.join(tables)} CASCADE")
    statements += (f"ALTER TABLE {name} SET SCHEMA {schema}" for name in new)  # of views too
    if drops_schema:
        statements.append(f"DROP SCHEMA {loading}")
    await connection.execute("; ".join(statements))


async def _relations(connection: asyncpg.Connection, schema: str, kind: bytes) -> list[str]:
    """Return the tables or views of a schema, `site` first."""
    return [name for (name,) in await connection.fetch(_RELATIONS, schema, kind, CONTROL_TABLES)]


async def _lock(connection: asyncpg.Connection, tables: list[str]) -> None:
    """Lock the tables also for readers, in this order."""
    give_up_at = time.monotonic() + MAX_SECONDS
    for seconds in chain(LOCK_SECONDS, repeat(LOCK_SECONDS[-1])):
        try:
            async with connection.transaction():  # a savepoint, which releases the locks
                await connection.execute(f"SET LOCAL lock_timeout = {round(seconds * 1000)}")
                await connection.execute(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
                await connection.execute("SET LOCAL lock_timeout TO DEFAULT")
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if time.monotonic() > give_up_at:
                raise
        await asyncio.sleep(seconds * PAUSE)
