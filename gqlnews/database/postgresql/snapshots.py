"""Snapshots of a PostgreSQL store, for subscriptions.

1. A snapshot is a REPEATABLE READ transaction on a connection that only this reader uses.
2. If it is on a replica that is behind what this reader has read before, the reader waits for the replica,
   then uses the primary for some time.
3. If the connection is lost, the snapshot ends with a DatabaseError, and the next one connects again.
"""

import asyncio
import math
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.before_texts import PRESENT, STORED, BeforeTexts
from gqlnews.database.postgresql.hosts import Hosts
from gqlnews.database.postgresql.search_query import encode
from gqlnews.database.postgresql.snapshot_connection import SnapshotConnection
from gqlnews.database.postgresql.versions import FAR_AHEAD, StoreVersions, Verdict, judge
from gqlnews.database.protocol import RequiredVersion, timeout_error
from gqlnews.database.snapshots import Change, SnapshotReader, VersionState, decode_images
from gqlnews.errors import BehindError, UnreachableDatabaseError
from gqlnews.text_keys import BeforeExpression, SearchExpression

POLL_INTERVAL = 0.02
"""Seconds until a replica that is behind is asked again."""

CATCH_UP_SECONDS = 1.0
"""Time for a replica to reach what this reader has read before."""

PRIMARY_SECONDS = 30.0
"""Time after which a replica may be used again in place of the primary."""


def _changes_sql(version: str) -> str:
    """Build SQL that selects a page of changes; `version` is the column of the scope in `article_before`."""
    return f"""
SELECT slug, version, first_added, added, removed, (
    SELECT coalesce(json_agg(json_build_array({version}, id, published IS NOT NULL) ORDER BY {version}), '[]')
    FROM article_before AS image WHERE image.slug = article_change.slug AND image.{version} > $4)::text
FROM article_change WHERE scope = $1 AND version > $2 ORDER BY version LIMIT $3
"""  # noqa: S608 - names of columns


_CHANGES = (_changes_sql("public_version"), _changes_sql("version"))


class PostgresSnapshot:
    """Read transaction with its version states. Use it only on the thread that began it."""

    def __init__(self, connection: SnapshotConnection, texts: BeforeTexts) -> None:
        self.version_states = tuple(connection.states)
        self._connection, self._texts = connection, texts

    def statement_seconds(self) -> float:
        """Return the time of the server, and the CPU time of this thread."""
        return self._connection.server_seconds + time.thread_time()

    @contextmanager
    def limit_statement_time(self, seconds: float) -> Iterator[None]:
        connection = self._connection
        connection.expires_at = self.statement_seconds() + seconds
        try:
            yield
        finally:
            connection.expires_at = math.inf

    def changes(self, scope: int, after: int, limit: int, *, since: int) -> list[Change]:
        rows = self._connection.fetch(_CHANGES[scope], scope, after, limit, since)
        return [
            Change(slug, number, first_added, added, removed, decode_images(images))
            for slug, number, first_added, added, removed, images in rows
        ]

    def load_texts(self, images: Collection[int]) -> None:
        self._texts.clear()
        for image, compressed in self._connection.fetch(STORED, list(images)):
            self._remaining()
            if compressed is not None:
                self._texts.add_stored(image, compressed)
                continue
            for row in self._connection.fetch(PRESENT, image):
                self._texts.add_present(row)

    def fetch_value(self, sql: str, params: Sequence[object]) -> bytes | None:
        bound = [self._bind(param) for param in params]
        return self._connection.fetch_value(sql, bound, self._remaining())

    def _bind(self, value: object) -> object:
        """Replace a full-text query by what the statement reads: ids of images, or the encoded query."""
        if isinstance(value, BeforeExpression):
            return self._texts.matching(value)
        return encode(value) if isinstance(value, SearchExpression) else value

    def _remaining(self) -> float:
        """Return the seconds left for statements. Raises ResourceLimitError if there are none."""
        seconds = self._connection.expires_at - self.statement_seconds()
        if seconds <= 0:
            raise timeout_error()
        return seconds


class PostgresSnapshotReader(SnapshotReader[PostgresSnapshot]):
    """Reader of the PostgreSQL store at a URL. Its snapshots never go backwards."""

    def __init__(self, url: PostgresUrl, limits: Limits = UNLIMITED) -> None:
        super().__init__()
        self._url, self._limits, self._hosts = url, limits, Hosts(url, 0)
        self._runner: asyncio.Runner | None = None
        self._texts: BeforeTexts | None = None
        self._connection: SnapshotConnection | None = None
        self._known: StoreVersions | None = None  # of the last snapshot

    def _connect(self) -> None:
        self._runner, self._texts = asyncio.Runner(), BeforeTexts()
        self._connection = self._open_connection()

    def _begin(self, required: Sequence[RequiredVersion], seconds: float) -> Sequence[VersionState]:
        connection = self._begin_current(required, seconds)
        assert self._texts is not None, "it is open"
        self._known = connection.versions
        self._snapshot = PostgresSnapshot(connection, self._texts)
        return connection.states

    def _end(self) -> None:
        self._snapshot = None
        if self._connection is not None:
            self._connection.end()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._texts is not None:
            self._texts.close()
        if self._runner is not None:
            self._runner.close()
        self._connection = self._texts = self._runner = self._snapshot = None

    def _begin_current(self, required: Sequence[RequiredVersion], seconds: float) -> SnapshotConnection:
        """Begin a transaction that has all that was read before, and the required versions."""
        start = time.monotonic()
        while True:
            connection = self._begin_connected()
            verdict = self._judge(connection, required)
            if verdict is Verdict.USE:
                return connection
            limit = seconds if self._judge(connection) is Verdict.USE else CATCH_UP_SECONDS
            if verdict is not Verdict.WAIT or time.monotonic() - start >= limit:
                return self._begin_on_primary(connection, required)
            connection.end()
            time.sleep(POLL_INTERVAL)

    def _begin_connected(self) -> SnapshotConnection:
        """Begin a transaction, on a new connection if the present one is lost."""
        connection = self._connection
        if connection is not None and connection.is_open and not self._may_return(connection):
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

    def _open_connection(self, *, to_primary: bool = False) -> SnapshotConnection:
        assert self._runner is not None, "it is open"
        host = self._runner.run(self._hosts.connect(to_primary=to_primary))
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
        try:
            primary = self._open_connection(to_primary=True)
            primary.begin()
        except UnreachableDatabaseError:
            return None
        return primary


def _is_far_ahead(connection: SnapshotConnection, required: Sequence[RequiredVersion]) -> bool:
    numbers = ((each.number, connection.versions.number_of(each.epoch)) for each in required)
    return any(own is not None and number - own >= FAR_AHEAD for number, own in numbers)
