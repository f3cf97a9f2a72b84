"""The history of changes in a PostgreSQL store."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from gqlnews.config.settings import UNLIMITED
from gqlnews.config.values import PostgresUrl
from gqlnews.database.change_history import StoreState
from gqlnews.database.postgresql.snapshot_connection import SnapshotConnection
from gqlnews.database.postgresql.snapshot_connector import CATCH_UP_SECONDS, SnapshotConnector
from gqlnews.database.protocol import RequiredVersion
from gqlnews.errors import UnreachableDatabaseError

RECONNECT_SECONDS = 30.0
"""Time for which a lost database is waited for, as a failover takes some seconds."""

RECONNECT_INTERVAL = 0.2

_STATE = """
SELECT substr(version, 1, strpos(version, '-')), number, greatest(forgotten, images_pruned),
    (SELECT max(number) FROM site WHERE audience IN (:scope, 2 * :scope)), custom_fields
FROM site, store WHERE audience = :scope
"""
_NAME = re.compile(r"(?<!:):([a-z_]+)")
_TYPES = {"slug": "text"}  # of parameters; the others are numbers
CACHED_TEXTS = 32


class PostgresHistory:
    """The store at a URL. A lost connection is replaced, if need be by one to another host."""

    def __init__(self, url: PostgresUrl) -> None:
        self.label = f"PostgreSQL database {url}"
        self._connector = SnapshotConnector(url, UNLIMITED)
        self._connection: SnapshotConnection | None = None
        self._host: object = None  # the connection of the last transaction
        self._versions = ""
        try:
            self._connector.open()
        except BaseException:
            self._connector.close()
            raise

    def close(self) -> None:
        self._connector.close()

    def follow(self) -> bool:
        """Return whether the connection is another one: after a failover, ids of images may be used again."""
        before = self._host
        with self.transaction(None):
            self._versions = self._open_connection.versions.text
        return before is not None and self._host is not before

    def marker(self) -> object:
        """Return the versions of the last call of `follow`."""
        return self._versions

    @contextmanager
    def transaction(self, required: RequiredVersion | None) -> Iterator[None]:
        self._connection = self._begin(() if required is None else (required,))
        self._host = self._connection.host
        try:
            yield
        finally:
            self._connection = None
            self._connector.end()

    def read_state(self, scope: int) -> StoreState:
        ((*state,),) = self.execute(_STATE, {"scope": scope})
        return StoreState(*state)

    def execute(self, sql: str, bound: Mapping[str, object]) -> Iterable[Sequence[Any]]:
        """Return the rows of a statement; those of one without parameters are many, and read in parts."""
        if not bound:
            return self._open_connection.iterate(sql)
        text, names = _number(sql)
        return self._open_connection.fetch(text, *(bound[name] for name in names))

    @property
    def _open_connection(self) -> SnapshotConnection:
        assert self._connection is not None, "a transaction has begun"
        return self._connection

    def _begin(self, required: Sequence[RequiredVersion]) -> SnapshotConnection:
        """Begin a transaction; wait for a lost database."""
        until = time.monotonic() + RECONNECT_SECONDS
        while True:
            try:
                return self._connector.begin(required, CATCH_UP_SECONDS)
            except UnreachableDatabaseError:
                if time.monotonic() > until or self._host is None:
                    raise
            time.sleep(RECONNECT_INTERVAL)


@lru_cache(CACHED_TEXTS)
def _number(sql: str) -> tuple[str, Sequence[str]]:
    """Replace the parameters by `$1::bigint`, …; return the SQL and the names of the parameters."""
    names: list[str] = []

    def replace(found: re.Match[str]) -> str:
        name = found[1]
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}::{_TYPES.get(name, 'bigint')}"

    return _NAME.sub(replace, sql), names
