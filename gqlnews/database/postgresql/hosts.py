"""Connections of a server to the hosts of a URL: a standby if one answers, else the primary.

1. A process tries the hosts in a random order of its own, so that many servers share the standbys.
2. Its connections stay on the host that answered last, as standbys may lag differently.
3. A host that does not answer, or lags far behind (lag.py), is tried last for some seconds.

asyncpg knows URLs with several hosts too, but one host that does not answer would use up the time of all.
"""

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import asyncpg

from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.connection_url import connection_url
from gqlnews.database.postgresql.errors import to_connect_error
from gqlnews.database.postgresql.lag import LAG_LIMIT, read_role
from gqlnews.database.postgresql.schema import schema_name
from gqlnews.errors import DatabaseError, UnreachableDatabaseError

log = logging.getLogger("gqlnews")

CONNECT_TIMEOUT = 3.0
"""Seconds to connect to one host."""

AVOID_SECONDS = 5.0
"""Time for which a host that fails is tried last."""

STANDBY_RETRY_SECONDS = 30.0
"""Age of a connection to the primary after which a standby is tried again."""

CACHED_STATEMENTS = 128
"""Prepared statements of a connection: PostgreSQL needs about 0.3 MB for the plan of each."""

MAX_PREPARED_LENGTH = 200_000
"""Characters of the longest statement whose plan is cached."""

APPLICATION_NAME = "gqlnews serve"
PREFER_STANDBY = "prefer-standby"

_ROLES = {"read-write": "primary", "read-only": "standby"}
"""Values of target_session_attrs that ask for a role; sessions of a server are read-only on each host."""

# Nested loops in the order of the statement, as SQLite runs it, with one plan for all values.
_PLANNER = {
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_material": "off",
}

LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""Errors of a connection that cannot be used any more."""

_LOST_STATES = ("57P", "40001", "40P01", "25P03", "53300")
"""SQLSTATEs, or their beginnings, with which a host ends a connection, or a read because of replication."""


@dataclass(slots=True)
class HostConnection:
    """A connection and its host. `is_primary` is the role of the host when it was connected.

    `lag` are the seconds by which the host lagged behind when this was last read.
    """

    connection: asyncpg.Connection
    url: str
    is_primary: bool
    connected_at: float
    lag: float = 0.0

    @property
    def is_behind(self) -> bool:
        return self.lag > LAG_LIMIT

    @property
    def is_usable(self) -> bool:
        return not self.connection.is_closed()

    @property
    def is_in_transaction(self) -> bool:
        return self.is_usable and bool(self.connection.is_in_transaction())

    def terminate(self) -> None:
        """Close the connection at once; the server notices it with its next message."""
        self.connection.terminate()


def is_lost(error: Exception) -> bool:
    """Return whether the connection is lost, or the host cannot run the read now; another one may."""
    state = getattr(error, "sqlstate", None) or ""
    is_invalid = isinstance(error, ValueError)  # a parameter that the driver cannot encode
    return (isinstance(error, LOST) and not is_invalid) or state.startswith(_LOST_STATES)


def single_host_urls(url: str) -> list[str]:
    """Return a URL for each host of a URL: `postgresql://a,b/news` → `…//a/news`, `…//b/news`."""
    parts = urlsplit(url)
    user_info, at, hosts = parts.netloc.rpartition("@")
    end = parts.path + (f"?{parts.query}" if parts.query else "")
    if "," in hosts:
        return [f"{parts.scheme}://{user_info}{at}{host}{end}" for host in hosts.split(",")]
    pairs = [text.partition("=") for text in parts.query.split("&") if text]
    named = {name: value.split(",") for name, _, value in pairs}
    names, ports = named.get("host", []), named.get("port", [])
    if len(names) <= 1:
        return [url]
    rest = [f"{name}={value}" for name, _, value in pairs if name not in {"host", "port"}]
    urls = []
    for number, name in enumerate(names):
        port = [f"port={ports[number if len(ports) > 1 else 0]}"] if ports else []
        query = "&".join([f"host={name}", *port, *rest])
        urls.append(f"{parts.scheme}://{parts.netloc}{parts.path}?{query}")
    return urls


class Hosts:
    """The hosts of a URL. `statement_timeout` is in seconds, 0 for none.

    With `logs_lag`, a standby that lags far behind is logged, once until it has caught up. Raises
    DatabaseError.
    """

    def __init__(self, url: PostgresUrl, statement_timeout: float, *, logs_lag: bool = False) -> None:
        self.url, self._logs_lag = url, logs_lag
        resolved = connection_url(url)
        self._urls = single_host_urls(resolved)
        random.shuffle(self._urls)
        self._avoided: dict[str, float] = {}  # until when, by time.monotonic()
        self._behind: set[str] = set()
        pairs = (text.partition("=") for text in urlsplit(resolved).query.split("&"))
        given = {name: value for name, _, value in pairs}
        wanted = given.get("target_session_attrs", PREFER_STANDBY)
        self._wanted = _ROLES.get(wanted, wanted)
        self._settings = {
            **_PLANNER,
            "application_name": APPLICATION_NAME,
            "search_path": schema_name(),
            "extra_float_digits": "0",
            "statement_timeout": str(round(statement_timeout * 1000)),
            "default_transaction_read_only": "on",
        }

    @property
    def has_several(self) -> bool:
        return len(self._urls) > 1

    def avoid(self, url: str) -> None:
        """Try this host last for some seconds."""
        self._avoided[url] = time.monotonic() + AVOID_SECONDS

    def is_wanted(self, host: HostConnection) -> bool:
        """Return whether the host has the role that the URL wants."""
        return _matches(self._wanted, is_primary=host.is_primary)

    def record_lag(self, host: HostConnection, lag: float) -> bool:
        """Take the lag of a host into account; return whether it is far behind, now and the last time.

        Such a host is tried last.
        """
        is_behind = min(host.lag, lag) > LAG_LIMIT  # one reading may be wrong: see lag.py
        host.lag = lag
        if is_behind:
            self.avoid(host.url)
            self._log_lag(host)
        else:
            self._behind.discard(host.url)
        return is_behind

    def _log_lag(self, host: HostConnection) -> None:
        if not self._logs_lag or host.url in self._behind:
            return
        self._behind.add(host.url)
        effect = (
            "another host is read until it has caught up, if one answers"
            if self.has_several
            else "its content is served all the same, since the URL names no other host"
        )
        log.warning(
            "PostgreSQL host %s lags %.0f s behind its primary: %s. Look at pg_stat_replication on the "
            "primary, and at the log of this host",
            *(PostgresUrl(host.url), host.lag, effect),
        )

    async def connect(self, *, to_primary: bool = False) -> HostConnection:
        """Connect to the host that is wanted. Raises DatabaseError, which has the reason of the last host."""
        wanted = "primary" if to_primary else self._wanted
        failure: DatabaseError | None = None
        second_best: HostConnection | None = None
        try:
            for url in self._in_order():
                if second_best is not None and self._is_avoided(url):
                    continue  # it may not answer, and would take the time to connect
                try:
                    found = await self._connect(url, "any" if self.has_several else wanted)
                except DatabaseError as error:
                    failure = _worse(failure, error)
                    self.avoid(url)
                    continue
                self.record_lag(found, found.lag)
                is_match = _matches(wanted, is_primary=found.is_primary)
                if is_match and not self._is_avoided(url):
                    self._prefer(url)
                    return found
                is_better = second_best is None or (second_best.is_behind and not found.is_behind)
                rejected: HostConnection | None = found
                if is_better and (is_match or wanted == PREFER_STANDBY):
                    rejected, second_best = second_best, found
                if rejected is not None:
                    rejected.terminate()
            if second_best is not None:
                found, second_best = second_best, None
                return found
        finally:
            if second_best is not None:
                second_best.terminate()
        raise failure or self._no_host(wanted)

    def _no_host(self, wanted: str) -> DatabaseError:
        return UnreachableDatabaseError(
            f"PostgreSQL database {self.url} has no host of the wanted kind ({wanted}): check the hosts and "
            "target_session_attrs in the URL, or wait for a failover"
        )

    def _in_order(self) -> list[str]:
        return sorted(self._urls, key=self._is_avoided)

    def _is_avoided(self, url: str) -> bool:
        return self._avoided.get(url, 0.0) > time.monotonic()

    def _prefer(self, url: str) -> None:
        """Connect to this host first from now on."""
        self._urls.remove(url)
        self._urls.insert(0, url)

    async def _connect(self, url: str, wanted: str = "any") -> HostConnection:
        """Connect to the host, or to one that is wanted of those in PGHOST."""
        connection: asyncpg.Connection | None = None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                connection = await asyncpg.connect(
                    url,
                    target_session_attrs=wanted,
                    server_settings=self._settings,
                    statement_cache_size=CACHED_STATEMENTS,
                    max_cached_statement_lifetime=0,
                    max_cacheable_statement_size=MAX_PREPARED_LENGTH,
                )
                is_primary, lag = await read_role(connection)
        except BaseException as error:
            if connection is not None:
                connection.terminate()
            if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
                raise self._no_host(wanted) from None
            failure = to_connect_error(error, self.url) if isinstance(error, Exception) else None
            if failure is None:
                raise
            raise failure from None  # the driver's error may quote the password
        return HostConnection(connection, url, is_primary, time.monotonic(), lag)


def _matches(wanted: str, is_primary: bool) -> bool:
    if wanted == "primary":
        return is_primary
    return not is_primary if wanted in {"standby", PREFER_STANDBY} else True


def _worse(first: DatabaseError | None, second: DatabaseError) -> DatabaseError:
    """Return the error to report: rather one that does not pass by itself."""
    return second if first is None or isinstance(first, UnreachableDatabaseError) else first
