"""Translate errors of asyncpg, and of the connection, into DatabaseError: what, where, what to do.

No message contains a password: the URL is shown without it, and texts of the driver that may quote a part of
the URL or of a service file are left out.
"""

import configparser
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from gqlnews.config.values import PostgresUrl
from gqlnews.errors import (
    DatabaseError,
    LockedDatabaseError,
    StorageError,
    UnknownDatabaseError,
    UnreachableDatabaseError,
)

TRANSIENT_DATABASE_ERRORS = (UnreachableDatabaseError, StorageError, LockedDatabaseError)
"""Errors that may be over soon, without a change of the configuration."""

# What follows `PostgreSQL database URL`, by SQLSTATE or its beginning. `{}` is the message of the server.
_BY_SQLSTATE: dict[str, tuple[type[DatabaseError], str]] = {
    "28": (
        DatabaseError,
        "rejects the login ({}): check the user and pg_hba.conf, and pass the password in GQLNEWS_DB, "
        "PGPASSFILE or a service file",
    ),
    "3D000": (DatabaseError, "does not exist: create it with createdb, or correct the name in the URL"),
    "42501": (
        DatabaseError,
        "lacks a right for this user ({}): grant it, and for ingest also CREATE on the database",
    ),
    "25006": (
        UnreachableDatabaseError,
        "is read-only: use the URL of the primary, and check default_transaction_read_only",
    ),
    "53100": (StorageError, "is on a full disk ({}): free space on the server"),
    "53200": (
        UnreachableDatabaseError,
        "is out of memory: reduce its load, or raise its limits",
    ),
    "53300": (
        UnreachableDatabaseError,
        "has too many connections ({}): raise max_connections, or the limit of the role or database",
    ),
    "55P03": (
        LockedDatabaseError,
        "is locked by another session (lock_timeout): look for it in pg_stat_activity",
    ),
    "57014": (
        UnreachableDatabaseError,
        "has cancelled a statement ({}): check statement_timeout of the role and of the database",
    ),
    "57P": (UnreachableDatabaseError, "is stopping or starting ({}): wait, or check the server's log"),
    "08": (UnreachableDatabaseError, "has lost the connection ({}): check the server and the network"),
    "25P03": (
        UnreachableDatabaseError,
        "has ended an idle transaction: check idle_in_transaction_session_timeout of the role",
    ),
    "40": (UnreachableDatabaseError, "has rolled back a transaction ({}): it can be tried again"),
    "58": (StorageError, "cannot read or write its files ({}): check the disk and the server's log"),
    "XX00": (StorageError, "reports damage or an internal error ({}): check the disk and the server's log"),
    "3F000": (UnknownDatabaseError, "has no store of this version of gqlnews: run gqlnews ingest"),
    "42P01": (
        UnknownDatabaseError,
        "has no store of this version of gqlnews ({}): run gqlnews ingest",
    ),
}


@contextmanager
def translate_postgresql_errors(url: PostgresUrl) -> Iterator[None]:
    """Raise errors of asyncpg and of an open connection as DatabaseError."""
    try:
        yield
    except Exception as error:
        translated = to_postgresql_error(error, url)
        if translated is None:
            raise
        # The error of the driver may quote a password, so a traceback must not print it.
        raise translated from (error if isinstance(error, asyncpg.PostgresError) else None)


def to_postgresql_error(error: Exception, url: PostgresUrl) -> DatabaseError | None:
    """Return the error to raise instead; None if `error` is not one of the database or an open connection."""
    place = f"PostgreSQL database {url}"
    if isinstance(error, asyncpg.PostgresError):
        return _from_server(error, place)
    if isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError):  # it cannot be encoded
        return DatabaseError(f"{place} cannot hold a value of a statement: report this as a bug")
    if isinstance(error, _OF_CONNECTIONS):
        return _of_connection(error, place)
    return None


def to_connect_error(error: Exception, url: PostgresUrl) -> DatabaseError | None:
    """Return the error to raise instead of one of `asyncpg.connect`; None if it is not one of connecting."""
    place = f"PostgreSQL database {url}"
    if isinstance(error, asyncpg.PostgresError):
        return _from_server(error, place)
    if isinstance(error, ssl.SSLError):
        return DatabaseError(
            f"{place} cannot be reached by TLS ({getattr(error, 'reason', None) or 'no reason'}): check "
            "sslmode, sslrootcert and the certificate of the server"
        )
    # A ValueError of asyncpg, not of its subclasses, is about a number in the URL or a variable.
    if isinstance(error, asyncpg.ClientConfigurationError | configparser.Error) or type(error) is ValueError:
        return DatabaseError(
            f"{place} cannot be used, since a connection setting is not valid: check the URL, the variables "
            "PG…, the service file and the certificates"
        )
    return _of_connection(error, place) if isinstance(error, (OSError, *_OF_CONNECTIONS)) else None


def _of_connection(error: Exception, place: str) -> DatabaseError:
    for kind, text in _BY_TYPE.items():
        if isinstance(error, kind):
            return UnreachableDatabaseError(f"{place} {text}")
    reason = getattr(error, "strerror", None) or "the connection failed"
    return UnreachableDatabaseError(
        f"{place} cannot be reached ({reason}): check that the server runs, and the host and port of the URL"
    )


_OF_CONNECTIONS = (asyncpg.InterfaceError, asyncpg.InternalClientError, ConnectionError, TimeoutError)
"""Errors of an open connection. Another OSError is one of a file, and a ValueError one of the program."""

_BY_TYPE: dict[type[Exception], str] = {
    asyncpg.TargetServerAttributeNotMatched: "has no host that accepts writes: add the primary to the URL, "
    "or wait for a failover; if the URL has the primary, set default_transaction_read_only = off for its "
    "server, this database and this user",
    socket.gaierror: "has a host with an unknown name: check the host of the URL",
    TimeoutError: "does not answer in time: check the host and port of the URL, and the network",
    asyncpg.InterfaceError: "has lost the connection: check the server and the network",
    asyncpg.InternalClientError: "has lost the connection: check the server and the network",
}


def _from_server(error: asyncpg.PostgresError, place: str) -> DatabaseError:
    state = error.sqlstate or ""
    message = str(error).splitlines()[0] if str(error) else state
    for length in range(len(state), 1, -1):
        if (known := _BY_SQLSTATE.get(state[:length])) is not None:
            kind, text = known
            return kind(f"{place} {text.format(message)}")
    return DatabaseError(f"{place} has rejected a statement ({message}, SQLSTATE {state})")
