"""Connections for snapshots that never go backwards, whichever host they are read from.

1. Connect to a replica if there is one, unless the URL says otherwise.
2. If a transaction there lacks what was read before, wait for the replica, then use the primary for a while.
3. If the connection is lost, the next transaction is on a new one.
"""

import asyncio
import math
import time
from collections.abc import Sequence

from gqlnews.config.settings import Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.hosts import Hosts
from gqlnews.database.postgresql.snapshot_connection import SnapshotConnection, run_without_signals
from gqlnews.database.postgresql.versions import FAR_AHEAD, StoreVersions, Verdict, judge
from gqlnews.database.protocol import RequiredVersion
from gqlnews.errors import BehindError, DatabaseError, UnreachableDatabaseError

POLL_INTERVAL = 0.02
"""Seconds until a replica that is behind is asked again."""

CATCH_UP_SECONDS = 1.0
"""Time for a replica to reach what this reader has read before."""

PRIMARY_SECONDS = 30.0
"""Time after which a replica may be used again in place of the primary."""

PRIMARY_RETRY_SECONDS = 1.0
"""Time for which a primary that could not be reached is not asked again, as it takes seconds to notice."""


class SnapshotConnector:
    """Opens and replaces the connection of one thread, and has its event loop. `close` it at the end."""

    def __init__(self, url: PostgresUrl, limits: Limits) -> None:
        self._url, self._limits, self._hosts = url, limits, Hosts(url, 0)
        self._runner = asyncio.Runner()
        self._connection: SnapshotConnection | None = None
        self._known: StoreVersions | None = None  # of the last transaction
        self._primary_failed_at = -math.inf  # by time.monotonic()

    def open(self) -> None:
        """Connect. Raises DatabaseError."""
        self._connection = self._open_connection()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._runner.close()

    def end(self) -> None:
        """End the transaction, if one is open."""
        if self._connection is not None:
            self._connection.end()

    def begin(self, required: Sequence[RequiredVersion], seconds: float) -> SnapshotConnection:
        """Begin a transaction that has all that was read before, and the required versions.

        Wait up to `seconds` for a replica that lacks these. Raises DatabaseError, and BehindError.
        """
        start = time.monotonic()
        while True:
            connection = self._begin_connected()
            verdict = self._judge(connection, required)
            if verdict is Verdict.USE:
                break
            limit = seconds if self._judge(connection) is Verdict.USE else CATCH_UP_SECONDS
            if verdict is not Verdict.WAIT or time.monotonic() - start >= limit:
                connection = self._begin_on_primary(connection, required)
                break
            connection.end()
            time.sleep(POLL_INTERVAL)
        self._known = connection.versions
        return connection

    def _begin_connected(self) -> SnapshotConnection:
        """Begin a transaction, on a new connection if the present one is lost."""
        connection = self._connection
        if connection is not None and connection.is_open:
            if self._may_return(connection):
                connection = self._return_to_standby(connection)
            try:
                connection.begin()
            except UnreachableDatabaseError:  # since the last snapshot, for example by a failover
                connection.close()
            else:
                return connection
        elif connection is not None:
            connection.close()
        connection = self._connection = self._open_connection()
        connection.begin()
        return connection

    def _may_return(self, connection: SnapshotConnection) -> bool:
        """Return whether a standby may be used again in place of the primary."""
        age = time.monotonic() - connection.host.connected_at
        return connection.host.is_primary and self._hosts.has_several and age > PRIMARY_SECONDS

    def _return_to_standby(self, present: SnapshotConnection) -> SnapshotConnection:
        """Return a new connection in place of a usable one; if there is none, the present one."""
        present.host.connected_at = time.monotonic()  # until the next attempt
        try:
            connection = self._connection = self._open_connection()
        except DatabaseError:
            return present
        present.close()
        return connection

    def _open_connection(self, *, to_primary: bool = False) -> SnapshotConnection:
        host = run_without_signals(self._runner, self._hosts.connect(to_primary=to_primary))
        return SnapshotConnection(self._url, self._runner, host, self._limits)

    def _judge(self, connection: SnapshotConnection, required: Sequence[RequiredVersion] = ()) -> Verdict:
        found, is_primary = connection.versions, connection.host.is_primary
        verdicts = [judge(found, self._known, each, is_primary=is_primary) for each in (None, *required)]
        return max(verdicts, key=lambda verdict: verdict.value)

    def _begin_on_primary(
        self, present: SnapshotConnection, required: Sequence[RequiredVersion]
    ) -> SnapshotConnection:
        """Use the primary from now on if it has what the present connection lacks.

        Raises UnreachableDatabaseError if it is behind what was read before, and BehindError if it only lacks
        the required versions.
        """
        is_current = self._judge(present) is Verdict.USE
        if not present.host.is_primary and (primary := self._primary()) is not None:
            if self._judge(primary, required) is Verdict.USE and not _is_far_ahead(primary, required):
                present.close()
                self._connection = primary
                return primary
            primary.close()
            if is_current and _is_far_ahead(primary, required):
                return present  # it was never a version of this store
        if is_current:
            raise BehindError
        raise UnreachableDatabaseError(
            f"PostgreSQL database {self._url} is behind what was read from it before: wait until the "
            "ingester has published again, and check the replication"
        )

    def _primary(self) -> SnapshotConnection | None:
        """Return a connection to the primary with a transaction; None if it cannot be reached."""
        if time.monotonic() - self._primary_failed_at < PRIMARY_RETRY_SECONDS:
            return None
        try:
            primary = self._open_connection(to_primary=True)
            primary.begin()
        except UnreachableDatabaseError:
            self._primary_failed_at = time.monotonic()
            return None
        return primary


def _is_far_ahead(connection: SnapshotConnection, required: Sequence[RequiredVersion]) -> bool:
    numbers = ((each.number, connection.versions.number_of(each.epoch)) for each in required)
    return any(own is not None and number - own >= FAR_AHEAD for number, own in numbers)
