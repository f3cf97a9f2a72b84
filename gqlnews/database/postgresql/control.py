"""Control tables: who may publish, and what was published last.

`lease` has the elected ingester, and `publication` the position of the outbox up to which the tables contain
everything. Both have one row. Schemas of other formats have their own.
"""

import re
from typing import NamedTuple

import asyncpg

from gqlnews.database.postgresql.schema import schema_name
from gqlnews.database.sqlite.outbox import OutboxPosition
from gqlnews.errors import DatabaseError, LostLeadError, UnknownDatabaseError

CONTROL_TABLES = ("lease", "publication")

_COMMENT = "Store of gqlnews. Everything in this schema is derived from the content folder."
_CREATE = (
    # One row. `name` says where the holder runs, `expires_at` is by the clock of the database.
    "CREATE TABLE lease (id bigint PRIMARY KEY CHECK (id = 1), holder text, name text NOT NULL,"
    " epoch bigint NOT NULL, expires_at timestamptz NOT NULL)",
    # No row until a store is loaded. `holder` is the fencing token: that of the lease which may publish.
    "CREATE TABLE publication (id bigint PRIMARY KEY CHECK (id = 1), sequence bigint NOT NULL,"
    " token text NOT NULL, holder text NOT NULL, epoch bigint NOT NULL, timeline text NOT NULL,"
    " published_at timestamptz NOT NULL)",
    "INSERT INTO lease VALUES (1, NULL, '', 0, '-infinity')",
)
_OBJECTS = """
SELECT (SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = $1) AS comment,
    EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1) AS exists,
    EXISTS (
        SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1
    ) AS is_used
"""
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^gqlnews_[0-9]+_[0-9]+$'"
_TIMELINE = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


class Publication(NamedTuple):
    """What was published last: the position, the fencing token of its ingester, and the timeline."""

    position: OutboxPosition
    holder: str
    epoch: int
    timeline: str


class Lead(NamedTuple):
    """The lead of one election; `holder` is a random token, and `epoch` increases."""

    holder: str
    epoch: int


async def prepare_schema(connection: asyncpg.Connection, schema: str) -> None:
    """Create the schema and its control tables, unless they exist. Raises DatabaseError."""
    if await is_prepared(connection, schema):  # without the lock, for which elections would wait
        return
    if (encoding := await connection.fetchval("SHOW server_encoding")) != "UTF8":
        raise DatabaseError(
            f"the PostgreSQL database has the encoding {encoding}: create it with "
            "createdb --template=template0 --encoding=UTF8"
        )
    async with connection.transaction():
        await connection.execute(_LOCK, schema)
        comment, exists, _ = await connection.fetchrow(_OBJECTS, schema)
        if comment == _COMMENT:
            return
        if not exists:
            await connection.execute(f"CREATE SCHEMA {schema}")
        await connection.execute(f"COMMENT ON SCHEMA {schema} IS '{_COMMENT}'")
        await connection.execute(f"SET LOCAL search_path = {schema}")
        for statement in _CREATE:
            await connection.execute(statement)


async def is_prepared(connection: asyncpg.Connection, schema: str) -> bool:
    """Return whether the schema is there and ours. Raises UnknownDatabaseError if it is another program's."""
    comment, _, is_used = await connection.fetchrow(_OBJECTS, schema)
    if is_used and comment != _COMMENT:
        raise UnknownDatabaseError(
            f"PostgreSQL schema {schema} belongs to another program: use another database"
        )
    return bool(comment == _COMMENT)


async def newer_schemas(connection: asyncpg.Connection) -> list[str]:
    """Return the schemas of newer versions of gqlnews in the same database."""
    ours = _version(schema_name())
    names = [name for (name,) in await connection.fetch(_SCHEMAS)]
    return sorted((name for name in names if _version(name) > ours), key=_version)


def _version(name: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall("[0-9]+", name)))


async def lock_schema(connection: asyncpg.Connection, schema: str) -> None:
    """Wait for the lock under which elections are held, until the end of the transaction."""
    await connection.execute(_LOCK, schema)


async def read_timeline(connection: asyncpg.Connection) -> str:
    """Return the timeline of the primary, 8 hex digits; another one after each failover."""
    return str(await connection.fetchval(_TIMELINE))


async def read_publication(connection: asyncpg.Connection) -> Publication | None:
    """Return what was published last; None if nothing was."""
    row = await connection.fetchrow("SELECT sequence, token, holder, epoch, timeline FROM publication")
    if row is None:
        return None
    sequence, token, holder, epoch, timeline = row
    return Publication(OutboxPosition(sequence, token), holder, epoch, timeline)


async def claim_publication(connection: asyncpg.Connection, lead: Lead) -> None:
    """Fence off all former leads: from now on, their transactions change nothing.

    In a transaction, it also keeps others from claiming it until the end, once something was published. Waits
    until a transaction that publishes has ended. Raises LostLeadError.
    """
    is_held = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM lease WHERE holder = $1 AND epoch = $2)", *lead
    )
    status = await connection.execute(
        "UPDATE publication SET holder = $1, epoch = $2 WHERE $3 AND epoch <= $2", *lead, is_held
    )
    if not is_held or (status == "UPDATE 0" and await read_publication(connection) is not None):
        raise LostLeadError("another ingester was elected")


async def store_publication(
    connection: asyncpg.Connection, position: OutboxPosition, lead: Lead, timeline: str
) -> None:
    """Record what a load, which replaces all rows, has published."""
    await connection.execute(
        "INSERT INTO publication VALUES (1, $1, $2, $3, $4, $5, clock_timestamp()) ON CONFLICT (id) DO UPDATE"
        " SET sequence = excluded.sequence, token = excluded.token, holder = excluded.holder,"
        " epoch = excluded.epoch, timeline = excluded.timeline, published_at = excluded.published_at",
        *position,
        *lead,
        timeline,
    )
