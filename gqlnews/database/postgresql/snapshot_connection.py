"""Connection to a PostgreSQL store for snapshots, used by synchronous code.

The event loop of the connection runs only while its thread waits for a statement. A transaction begins with a
savepoint: a statement that fails, for example because of its time limit, is rolled back to it, and the
transaction remains usable.
"""

import asyncio
import math
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

import asyncpg

from gqlnews.config.settings import Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.errors import to_postgresql_error
from gqlnews.database.postgresql.hosts import HostConnection
from gqlnews.database.postgresql.versions import StoreVersions
from gqlnews.database.protocol import STATEMENT_TIME_SHARE, response_too_large, timeout_error
from gqlnews.database.snapshots import VersionState
from gqlnews.errors import UnknownDatabaseError

T = TypeVar("T")

OWN_SECONDS = 30.0
"""Time for a statement, in addition to its time limit, before the connection counts as lost."""

CLOSE_SECONDS = 1.0
CACHED_TEXTS = 512
ROWS_PER_FETCH = 1_000

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SAVEPOINT snapshot"
_UNDO = "ROLLBACK TO SAVEPOINT snapshot"
_STATES = """
SELECT substr(version, 1, strpos(version, '-')), number, forgotten, images_pruned FROM site ORDER BY audience
"""

_FAULTS_OF_STATEMENTS = ("0A", "21", "22", "42", "54")
"""Classes of SQLSTATE that say nothing about the database, except `_FAULTS_OF_STORES`."""

_FAULTS_OF_STORES = (
    asyncpg.UndefinedTableError.sqlstate,
    asyncpg.InsufficientPrivilegeError.sqlstate,
)


@lru_cache(CACHED_TEXTS)
def _limited_sql(sql: str, max_bytes: int) -> str:
    """Build SQL that selects the one value of a statement if it is not too large, its size, and its seconds.

    The seconds are those of the server, so they do not include the network. The driver does not decode bytes.
    """
    value = f"CASE WHEN octet_length(value) <= {max_bytes} THEN value END" if max_bytes else "value"
    return (
        f"SELECT {value}, octet_length(value),"  # noqa: S608 - a statement of the renderer
        " extract(epoch FROM clock_timestamp() - statement_timestamp())::float8"
        f" FROM (SELECT convert_to(({sql})::text, 'UTF8') AS value OFFSET 0) AS result"
    )


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class SnapshotConnection:
    """Connection of a snapshot reader, used by the thread whose event loop is `runner`.

    `states` are those of the transaction. `server_seconds` is the time that statements have taken on the
    server. With the CPU time of the thread, it must not exceed `expires_at`.
    """

    def __init__(
        self, url: PostgresUrl, runner: asyncio.Runner, host: HostConnection, limits: Limits
    ) -> None:
        self.host = host
        self.states: Sequence[VersionState] = ()
        self.server_seconds = 0.0
        self.expires_at = math.inf
        self._url, self._runner, self._connection = url, runner, host.connection
        self._max_bytes = limits.max_response_bytes
        self._max_seconds = limits.timeout_seconds * STATEMENT_TIME_SHARE or math.inf
        self._timeout_ms = 0  # the present statement_timeout; 0 is none

    @property
    def is_open(self) -> bool:
        return not self._connection.is_closed()

    @property
    def versions(self) -> StoreVersions:
        """The versions of the transaction."""
        return StoreVersions(" ".join(f"{state.epoch}{state.number}" for state in self.states))

    def begin(self) -> None:
        """Begin a transaction, and read its version states. Raises DatabaseError."""
        self.states = self._begin()
        if not self.states:
            # It has waited for the tables of a store that is loaded in place of another one, but the snapshot
            # is older than these.
            self.end()
            self.states = self._begin()
        if not self.states:
            raise UnknownDatabaseError(
                f"PostgreSQL database {self._url} has no content: run gqlnews ingest with this URL"
            )

    def _begin(self) -> Sequence[VersionState]:
        self._execute(_BEGIN)
        self._timeout_ms = 0  # that of the former transaction was local to it
        return [VersionState(*row) for row in self.fetch(_STATES)]

    @property
    def is_in_transaction(self) -> bool:
        return self.is_open and self._connection.is_in_transaction()

    def end(self) -> None:
        """End the transaction, if one is open."""
        if self.is_in_transaction:
            self._execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        try:
            run_without_signals(self._runner, self._connection.close(timeout=CLOSE_SECONDS))
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):  # it is lost already
            self._connection.terminate()

    def fetch(self, sql: str, *params: object) -> list[Sequence[Any]]:
        """Return rows of a statement that is not a client's, so it has no time limit of its own."""
        self._set_timeout(0)
        rows: list[Sequence[Any]] = self._run(lambda: self._connection.fetch(sql, *params), OWN_SECONDS)
        return rows

    def iterate(self, sql: str) -> Iterator[Sequence[Any]]:
        """Yield the rows of a statement without parameters, some at a time."""
        self._execute(f"DECLARE rows NO SCROLL CURSOR FOR {sql}")
        while some := self.fetch(f"FETCH {ROWS_PER_FETCH} FROM rows"):
            yield from some
        self._execute("CLOSE rows")

    def fetch_value(self, sql: str, params: Sequence[object], seconds: float) -> bytes | None:
        """Return a statement's one value. Raises ResourceLimitError; the transaction remains usable."""
        seconds = min(seconds, self._max_seconds)
        self._set_timeout(0 if seconds == math.inf else _round_up(seconds))
        limited, start = _limited_sql(sql, self._max_bytes), time.monotonic()
        try:
            value, size, server_seconds = self._run(
                lambda: self._connection.fetchrow(limited, *params), seconds + OWN_SECONDS
            )
        except asyncpg.QueryCanceledError as error:
            elapsed = time.monotonic() - start
            self.server_seconds += elapsed
            if elapsed < seconds:  # by an administrator
                raise to_postgresql_error(error, self._url) or error from error
            raise timeout_error() from error
        self.server_seconds += server_seconds
        if value is None and size is not None:
            raise response_too_large(self._max_bytes)
        return cast("bytes | None", value)

    def _set_timeout(self, milliseconds: int) -> None:
        """Set the time limit of the next statements, unless it is the present one; 0 is none."""
        if milliseconds != self._timeout_ms:
            self._execute(f"SET LOCAL statement_timeout = {milliseconds}")
            self._timeout_ms = milliseconds

    def _execute(self, sql: str) -> None:
        self._run(lambda: self._connection.execute(sql), OWN_SECONDS)

    def _run(self, call: Callable[[], Awaitable[T]], seconds: float) -> T:
        """Run a call of the driver, and undo it if it fails.

        Raises DatabaseError, or the error of asyncpg if the statement is at fault.
        """
        try:
            return run_without_signals(self._runner, _within(call, seconds))
        except Exception as error:
            self._undo(error)
            translated = None if _is_of_statement(error) else to_postgresql_error(error, self._url)
            if translated is None:
                raise
            raise translated from error

    def _undo(self, error: Exception) -> None:
        """Roll back what the failed statement did, or give the connection up."""
        self._timeout_ms = 0  # it is rolled back as well
        if not isinstance(error, asyncpg.PostgresError) or not self.is_in_transaction:
            self._connection.terminate()
            return
        try:
            run_without_signals(self._runner, _within(lambda: self._connection.execute(_UNDO), OWN_SECONDS))
        except Exception:  # the first error is raised
            self._connection.terminate()


def run_without_signals(runner: asyncio.Runner, work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine. Signals of this thread are handled after it.

    Handlers of commands raise an exception, which would leave the event loop and the driver in the middle of
    a step: closing them could then wait for ever.
    """
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        return runner.run(work)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous)


async def _within(call: Callable[[], Awaitable[T]], seconds: float) -> T:
    """Await a call for at most these seconds. Raises TimeoutError."""
    async with asyncio.timeout(None if seconds == math.inf else seconds):
        return await call()


def _round_up(seconds: float) -> int:
    """Return at least these seconds in milliseconds, as a power of two, so that the limit changes rarely."""
    return 1 << max(0, math.ceil(seconds * 1000) - 1).bit_length()


def _is_of_statement(error: Exception) -> bool:
    """Return whether a statement is at fault or has exceeded its time limit, and not the database."""
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, asyncpg.QueryCanceledError) or (
        state[:2] in _FAULTS_OF_STATEMENTS and state not in _FAULTS_OF_STORES
    )
