"""Snapshots of a PostgreSQL store, for subscriptions.

A snapshot is a REPEATABLE READ transaction on a connection that only its reader uses. If the connection is
lost, the snapshot ends with a DatabaseError, and the next one connects again.
"""

import math
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.before_texts import PRESENT, STORED, BeforeTexts
from gqlnews.database.postgresql.combined import encode_parameter
from gqlnews.database.postgresql.snapshot_connection import SnapshotConnection
from gqlnews.database.postgresql.snapshot_connector import SnapshotConnector
from gqlnews.database.protocol import RequiredVersion, timeout_error
from gqlnews.database.snapshots import Change, SnapshotReader, VersionState, decode_images
from gqlnews.text_keys import BeforeExpression


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
        """Return the value as the driver takes it; for a query of before-images, the ids that match."""
        if isinstance(value, BeforeExpression):
            return self._texts.matching(value)
        return encode_parameter(value)

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
        self._url, self._limits = url, limits
        self._connector: SnapshotConnector | None = None
        self._texts: BeforeTexts | None = None

    def _connect(self) -> None:
        self._connector, self._texts = SnapshotConnector(self._url, self._limits), BeforeTexts()
        self._connector.open()

    def _begin(self, required: Sequence[RequiredVersion], seconds: float) -> Sequence[VersionState]:
        assert self._connector is not None, "it is open"
        assert self._texts is not None, "it is open"
        connection = self._connector.begin(required, seconds)
        self._snapshot = PostgresSnapshot(connection, self._texts)
        return connection.states

    def _end(self) -> None:
        self._snapshot = None
        if self._connector is not None:
            self._connector.end()

    def _close(self) -> None:
        if self._connector is not None:
            self._connector.close()
        if self._texts is not None:
            self._texts.close()
        self._connector = self._texts = self._snapshot = None
