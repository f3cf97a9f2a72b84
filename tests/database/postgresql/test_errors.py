"""Each fault of the database or the connection has a message: what, where, and what to do."""

import asyncio
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.control import is_prepared, newer_schemas, prepare_schema
from gqlnews.database.postgresql.dsn import CONNECT_TIMEOUT, connect_writer
from gqlnews.database.postgresql.errors import (
    TRANSIENT_DATABASE_ERRORS,
    to_connect_error,
    to_postgresql_error,
    translate_postgresql_errors,
)
from gqlnews.errors import DatabaseError, StorageError, UnknownDatabaseError, UnreachableDatabaseError
from tests.database.postgresql.stores import SCHEMA, with_connection
from tests.postgresql import Cluster
from tests.relay import relay_to

SHOWN = "postgresql://ann@db/news"
URL = PostgresUrl("postgresql://ann:s3cret@db/news")


@pytest.fixture
def url(postgresql: Cluster) -> str:
    return postgresql.create_database()


@pytest.fixture
def role(postgresql: Cluster) -> Iterator[str]:
    """A role that may log in, and nothing else."""
    postgresql.execute("CREATE ROLE stranger LOGIN CONNECTION LIMIT 1")
    yield "stranger"
    postgresql.execute("DROP OWNED BY stranger; DROP ROLE stranger")


def failure(url: str, *statements: str) -> DatabaseError:
    async def run() -> None:
        with translate_postgresql_errors(PostgresUrl(url)):
            connection = await connect_writer(PostgresUrl(url), SCHEMA)
            try:
                for statement in statements:
                    await connection.execute(statement)
                await prepare_schema(connection, SCHEMA)
            finally:
                connection.terminate()

    with pytest.raises(DatabaseError) as caught:
        asyncio.run(run())
    return caught.value


def test_another_encoding_is_named(postgresql: Cluster) -> None:
    name = "latin"
    postgresql.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        error = failure(postgresql.url_of(name))
    finally:
        postgresql.drop_database(postgresql.url_of(name))
    assert "has the encoding SQL_ASCII: create it with createdb" in str(error)


def test_a_missing_server_is_named(tmp_path: Path) -> None:
    error = failure(f"postgresql:///news?host={tmp_path}")
    assert isinstance(error, UnreachableDatabaseError)
    assert str(error).startswith(f"PostgreSQL database postgresql:///news?host={tmp_path} cannot be reached")
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert "cannot be reached" in str(failure(f"postgresql://127.0.0.1:{port}/news"))
    assert "host with an unknown name" in str(failure("postgresql://no-such-host.invalid/news"))


def test_a_missing_database_is_named(postgresql: Cluster) -> None:
    error = failure(postgresql.url_of("missing"))
    assert "/missing?host=" in str(error)
    assert "does not exist: create it with createdb" in str(error)
    assert not isinstance(error, TRANSIENT_DATABASE_ERRORS)


def test_a_login_that_is_rejected_is_no_temporary_failure(url: str) -> None:
    error = failure(url.replace("postgres@", "nobody_known:s3cret@"))
    assert "rejects the login" in str(error)
    assert "s3cret" not in str(error)
    assert not isinstance(error, TRANSIENT_DATABASE_ERRORS)


def test_missing_rights_are_named(url: str, role: str) -> None:
    error = failure(url.replace("postgres@", f"{role}@"))
    assert "lacks a right for this user (permission denied for database" in str(error)
    assert "CREATE on the database" in str(error)


def test_a_read_only_session_is_named(url: str, postgresql: Cluster) -> None:
    error = failure(url, "SET default_transaction_read_only = on")
    assert "is read-only" in str(error)
    name = url.partition("?")[0].rpartition("/")[2]
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    error = failure(url)
    assert "has no host that accepts writes" in str(error)
    assert isinstance(error, UnreachableDatabaseError)


@contextmanager
def silent_host() -> Iterator[str]:
    """A host and port that accepts connections and never answers, as one that is switched off."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_host_that_does_not_answer_delays_no_other(url: str) -> None:
    async def connect(name: str) -> str:
        connection = await connect_writer(PostgresUrl(name), SCHEMA)
        try:
            return str(await connection.fetchval("SELECT current_database()"))
        finally:
            connection.terminate()

    with silent_host() as silent, relay_to(url) as relay:
        started = time.monotonic()
        parts = urlsplit(relay.url)
        user, _, host = parts.netloc.partition("@")
        assert asyncio.run(connect(f"postgresql://{user}@{silent},{host}{parts.path}")) == parts.path[1:]
        assert time.monotonic() - started < CONNECT_TIMEOUT


@pytest.mark.parametrize(
    ("user", "is_silent", "text"),
    [
        ("nobody_known", True, "rejects the login"),
        ("postgres", True, "does not answer in time"),
        ("postgres", False, "has no host that accepts writes"),
    ],
)
def test_of_several_hosts_the_most_helpful_error_is_raised(
    url: str, postgresql: Cluster, monkeypatch: pytest.MonkeyPatch, user: str, is_silent: bool, text: str
) -> None:
    monkeypatch.setattr("gqlnews.database.postgresql.dsn.CONNECT_TIMEOUT", 1.0)
    name = url.partition("?")[0].rpartition("/")[2]
    postgresql.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with silent_host() as silent, relay_to(url) as relay:
        parts = urlsplit(relay.url)
        host = parts.netloc.rpartition("@")[2]
        error = failure(f"postgresql://{user}@{silent if is_silent else host},{host}{parts.path}")
    assert text in str(error)


def test_too_many_connections_are_named(url: str, role: str) -> None:
    other = url.replace("postgres@", f"{role}@")

    async def hold() -> DatabaseError:
        connection = await asyncpg.connect(other)
        try:
            return await asyncio.to_thread(failure, other)
        finally:
            await connection.close()

    error = asyncio.run(hold())
    assert "has too many connections" in str(error)
    assert isinstance(error, UnreachableDatabaseError)


def test_a_lock_that_is_held_is_named(url: str) -> None:
    async def hold() -> DatabaseError:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("CREATE TABLE t (a int)")
            async with connection.transaction():
                await connection.execute("LOCK TABLE t")
                return await asyncio.to_thread(failure, url, "SET lock_timeout = 1", "SELECT FROM public.t")
        finally:
            await connection.close()

    assert "is locked by another session" in str(asyncio.run(hold()))


def test_a_statement_timeout_is_named(url: str) -> None:
    error = failure(url, "SET statement_timeout = 1", "SELECT pg_sleep(60)")
    assert "has cancelled a statement (canceling statement due to statement timeout)" in str(error)


def test_a_schema_of_another_program_is_untouched(url: str) -> None:
    error = failure(url, f"CREATE SCHEMA {SCHEMA}", f"CREATE TABLE {SCHEMA}.t (a int)")
    assert isinstance(error, UnknownDatabaseError)
    assert "belongs to another program" in str(error)
    tables = with_connection(
        url, lambda c: c.fetch("SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace", SCHEMA)
    )
    assert [name for (name,) in tables] == ["t"]


def test_the_tables_of_other_programs_are_left_alone(url: str) -> None:
    async def work(connection: asyncpg.Connection) -> tuple[bool, bool, list[str]]:
        await connection.execute("CREATE TABLE public.article (a int)")
        before = await is_prepared(connection, SCHEMA)
        await prepare_schema(connection, SCHEMA)
        await connection.execute("CREATE SCHEMA gqlnews_1000_1; CREATE SCHEMA gqlnews_2_1")
        public = await connection.fetchval("SELECT count(*) FROM public.article")
        assert public == 0
        return before, await is_prepared(connection, SCHEMA), await newer_schemas(connection)

    assert with_connection(url, work) == (False, True, ["gqlnews_1000_1"])


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (asyncpg.DiskFullError("could not extend file: No space left on device"), StorageError, "full disk"),
        (asyncpg.CannotConnectNowError("starting up"), UnreachableDatabaseError, "stopping or starting"),
        (asyncpg.AdminShutdownError("terminating"), UnreachableDatabaseError, "stopping or starting"),
        (asyncpg.ConnectionDoesNotExistError("closed"), UnreachableDatabaseError, "lost the connection"),
        (asyncpg.InterfaceError("closed s3cret"), UnreachableDatabaseError, "lost the connection"),
        (asyncpg.IndeterminateDatatypeError("odd"), DatabaseError, "rejected a statement (odd, SQLSTATE"),
        (ssl.SSLCertVerificationError("s3cret"), DatabaseError, "by TLS"),
        (
            ValueError("invalid literal for int(): 's3cret'"),
            DatabaseError,
            "a connection setting is not valid",
        ),
        (TimeoutError(), UnreachableDatabaseError, "does not answer in time"),
        (asyncpg.UndefinedTableError("no site"), UnknownDatabaseError, "no store of this version of gqlnews"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_that_are_hard_to_cause(error: Exception, kind: type[DatabaseError], text: str) -> None:
    translated = to_connect_error(error, URL)
    assert type(translated) is kind
    assert text in str(translated)
    assert SHOWN in str(translated)
    assert "s3cret" not in str(translated)


def test_other_errors_are_not_translated() -> None:
    assert to_connect_error(KeyError("a"), URL) is None
    for error in (KeyError("a"), ValueError("a"), UnicodeError("a"), FileNotFoundError("a"), OSError("a")):
        assert to_postgresql_error(error, URL) is None
        with pytest.raises(type(error)), translate_postgresql_errors(URL):
            raise error


def test_errors_of_an_open_connection_are_translated() -> None:
    for error in (TimeoutError(), ConnectionResetError(), asyncpg.InterfaceError("closed")):
        assert isinstance(to_postgresql_error(error, URL), UnreachableDatabaseError), error


def test_a_value_that_cannot_be_stored_is_no_lost_connection(url: str) -> None:
    with pytest.raises(DatabaseError) as caught, translate_postgresql_errors(PostgresUrl(url)):
        with_connection(url, lambda c: c.fetchval("SELECT $1::bigint", 1 << 70))
    assert "value out of int64 range" in str(caught.value)
    assert not isinstance(caught.value, TRANSIENT_DATABASE_ERRORS)
    assert "lost the connection" not in str(to_postgresql_error(EncodingError("a"), URL))


class EncodingError(asyncpg.InterfaceError, ValueError):  # type: ignore[misc]
    """An error as other versions of the driver raise if they cannot encode a value."""
