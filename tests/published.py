"""A PostgreSQL database with the content of a SQLite store that changes, and subscribers of both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from gqlnews.config.settings import UNLIMITED, Limits
from gqlnews.config.values import PostgresUrl
from gqlnews.database.postgresql.dsn import connect_writer
from gqlnews.database.postgresql.snapshots import PostgresSnapshotReader
from gqlnews.engine.engine import Engine
from gqlnews.query.entities import Audience
from gqlnews.query.sql.postgresql import POSTGRESQL
from gqlnews.schema.query import NewsSchema
from gqlnews.subscriptions.hub import SubscriptionHub
from tests.database.postgresql.stores import SCHEMA, elect, load_store, publish
from tests.live import Live, Subscriber, open_live
from tests.postgresql import Cluster
from tests.store import UnreadStore

T = TypeVar("T")


class PublishedStore:
    """Publishes each change of a store, as an ingester does. `close` it at the end.

    It may be used while an event loop is running: it has one of its own, in a thread.
    """

    def __init__(self, store: Path, url: str) -> None:
        self.store, self.url = store, PostgresUrl(url)
        self._thread, self._runner = ThreadPoolExecutor(1), asyncio.Runner()
        self._connection: asyncpg.Connection = self._run(lambda: connect_writer(self.url, SCHEMA))
        self._lead = self._run(lambda: elect(self._connection))
        self.load(store)

    def load(self, store: Path) -> None:
        """Load a store in place of the one before, if any."""
        self.store = store
        self._position = self._run(lambda: load_store(self._connection, store, self._lead))

    def publish(self) -> None:
        """Publish what has changed since the last call."""
        self._position = self._run(lambda: publish(self._connection, self.store, self._lead, self._position))

    def execute(self, statement: str, *arguments: object) -> Any:
        """Execute a statement as the owner of the tables, and return its first value."""

        async def fetch() -> Any:
            return await self._connection.fetchval(statement, *arguments)

        return self._run(fetch)

    def close(self) -> None:
        self._thread.submit(self._connection.terminate).result()
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def _run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self._thread.submit(lambda: self._runner.run(work())).result()


class PublishedLive(Live):
    """An engine and a feed over the PostgreSQL database to which the store of `source` is published."""

    def __init__(self, source: Live, published: PublishedStore, limits: Limits = UNLIMITED) -> None:
        self.limits, self.source, self.published = limits, source, published
        self.database, self.folder, self.max_removed = source.database, source.folder, source.max_removed
        self.watching: list[Subscriber] = []
        self.know_versions()

    async def open(self, schema: NewsSchema | None = None) -> None:
        self.engine = Engine(UnreadStore(), schema or self.source.engine.schema, dialect=POSTGRESQL)
        self.hub = SubscriptionHub(self.new_reader, self.known_version, self.limits, max_lag=1.0)

    def new_reader(self) -> PostgresSnapshotReader:  # type: ignore[override]
        return PostgresSnapshotReader(self.published.url, self.limits)

    async def close(self) -> None:
        for one in self.watching:
            await one.cancel()
        await self.hub.close()

    def ingest(self) -> None:
        """Ingest into the store of the source, and publish that."""
        self.source.ingest()
        self.publish()

    def publish(self) -> None:
        self.published.publish()
        self.know_versions()

    def know_versions(self) -> None:
        """Let the feed know the versions of the source, whether or not they are published."""
        self.known_versions = [self.source.version(audience) for audience in Audience]

    def known_version(self, audience: Audience) -> bytes:
        return self.version(audience).encode()

    def version(self, audience: Audience = Audience.PUBLIC) -> str:
        return self.known_versions[audience]


@asynccontextmanager
async def open_published(
    cluster: Cluster, limits: Limits = UNLIMITED
) -> AsyncIterator[tuple[Live, PublishedLive]]:
    """An empty SQLite store with a feed over it, and a feed over a database to which it is published."""
    async with AsyncExitStack() as stack:
        live = await stack.enter_async_context(open_live(limits))
        url = await asyncio.to_thread(cluster.create_database)
        published = stack.enter_context(closing(PublishedStore(live.database, url)))
        twin = PublishedLive(live, published, limits)
        await twin.open()
        stack.push_async_callback(twin.close)
        yield live, twin
